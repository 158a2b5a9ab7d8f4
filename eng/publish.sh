#!/usr/bin/env bash
# Publishes the program compiled ahead, so that it answers sooner after its start than the plain build that ./fairlead runs (docs/performance.md, Start and rest).
#   eng/publish.sh                         into artifacts/publish/fairlead; the program there is called fairlead and needs the ASP.NET Core runtime 10
#   eng/publish.sh --output /opt/fairlead  into another folder
#   eng/publish.sh --runtime linux-arm64   for another system than this one
#   eng/publish.sh --self-contained yes    with the runtime, compiled with it: ten times the size, some minutes to make, and the fastest to start
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

output="$root/artifacts/publish/fairlead"
runtime=()
profile=ahead
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { echo "publish: '$1' needs a value, or is not understood (use --output DIR, --runtime ID or --self-contained yes)" >&2; exit 64; }
    case "$1" in
        --output) output=$2 ;;
        --runtime) runtime=(-r "$2") ;;
        --self-contained) [ "$2" != yes ] || profile=self-contained ;;
        *) echo "publish: unknown option '$1' (use --output DIR, --runtime ID or --self-contained yes)" >&2; exit 64 ;;
    esac
    shift 2
done

command -v dotnet >/dev/null || { echo "publish: the .NET 10 SDK is needed; 'dotnet' was not found on PATH (https://dot.net)" >&2; exit 69; }
[ ${#runtime[@]} -gt 0 ] || runtime=(--use-current-runtime)
mkdir -p artifacts
publish() {
    # ./fairlead and ./test take the same lock. Nothing that changed means nothing is compiled anew.
    if command -v flock >/dev/null; then flock 9; fi
    dotnet publish src/Fairlead.Cli -p:PublishProfile="$profile" "${runtime[@]}" -o "$output" -v quiet --nologo </dev/null 9>&-
}
(publish) 9>artifacts/build.lock

# The program finds its assemblies by their own name, so that it may have another one.
if [ -f "$output/Fairlead.Cli.exe" ]; then
    cp -p "$output/Fairlead.Cli.exe" "$output/fairlead.exe"
else
    cp -p "$output/Fairlead.Cli" "$output/fairlead"
fi
echo "publish: $output/fairlead" >&2
