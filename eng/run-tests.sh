#!/usr/bin/env bash
# Called by ./test. Builds the solution once, runs each test project, adds up the results.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
filter=""
full=0
while [ $# -gt 0 ]; do
    case "$1" in
        --full) full=1 ;;
        --filter) shift; filter="$1" ;;
        *) echo "test: unknown option '$1' (use --full or --filter EXPR)" >&2; exit 64 ;;
    esac
    shift
done
export FAIRLEAD_TEST_FULL=$full

bash eng/install-node-tools.sh || exit 1

echo "== build"
dotnet build Fairlead.slnx -c Release -v quiet --nologo || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

results="$root/artifacts/test-results"
rm -rf "$results"; mkdir -p "$results"
status=0
for project in tests/*/*.csproj; do
    name=$(basename "$project" .csproj)
    grep -q '<IsTestProject>true' "$project" || continue
    echo "== $name"
    args=(test "$project" -c Release --no-build --nologo --results-directory "$results" --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal")
    [ -n "$filter" ] && args+=(--filter "$filter")
    dotnet "${args[@]}" </dev/null || status=1
done

# Adds up the counters that the test platform wrote, and never trusts an absent file.
passed=0; failed=0; skipped=0; files=0
for trx in "$results"/*.trx; do
    [ -f "$trx" ] || continue
    files=$((files + 1))
    line=$(grep -o '<Counters [^>]*>' "$trx" | head -n 1)
    number() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$line"; }
    total=$(number total); p=$(number passed); executed=$(number executed)
    passed=$((passed + p)); skipped=$((skipped + total - executed)); failed=$((failed + executed - p))
done
if [ "$files" -eq 0 ]; then status=1; failed=1; fi
[ "$status" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
echo "$passed passed, $failed failed, $skipped skipped"
[ "$status" -eq 0 ] && [ "$failed" -eq 0 ]
