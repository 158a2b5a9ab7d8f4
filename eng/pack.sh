#!/usr/bin/env bash
# Makes all packages: NuGet libraries, the .NET tool, the Python wheel.
#   eng/pack.sh                    into artifacts/packages
#   eng/pack.sh --output DIR       into another folder
#   eng/pack.sh --no-build yes     from what was built last (Release)
#   eng/pack.sh --python no        without the wheel
# To install from there: dotnet tool install Fairlead.Cli --global --source artifacts/packages; pip install artifacts/packages/*.whl
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

output="$root/artifacts/packages"
build=()
python=yes
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { echo "pack: '$1' needs a value, or is not understood (use --output DIR, --no-build yes or --python no)" >&2; exit 64; }
    case "$1" in
        --output) mkdir -p "$2"; output=$(cd "$2" && pwd) ;;
        --no-build) [ "$2" != yes ] || build=(--no-build) ;;
        --python) python=$2 ;;
        *) echo "pack: unknown option '$1' (use --output DIR, --no-build yes or --python no)" >&2; exit 64 ;;
    esac
    shift 2
done
cd "$root"

command -v dotnet >/dev/null || { echo "pack: the .NET 10 SDK is needed; 'dotnet' was not found on PATH (https://dot.net)" >&2; exit 69; }
mkdir -p artifacts "$output"
pack() {
    # ./fairlead and ./test take the same lock.
    if command -v flock >/dev/null; then flock 9; fi
    dotnet pack eng/packages.slnx -c Release -o "$output" ${build[@]+"${build[@]}"} -v quiet --nologo </dev/null 9>&-
}
(pack) 9>artifacts/build.lock
if [ "$python" != no ]; then
    bindings/python/build ${build[@]+"${build[@]}"} >/dev/null
    cp artifacts/python/*.whl "$output"
fi
ls "$output"/*.nupkg "$output"/*.whl 2>/dev/null || true
