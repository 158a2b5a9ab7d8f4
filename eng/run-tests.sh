#!/usr/bin/env bash
# Called by ./test. Builds the solution once, runs each test project, adds up the results.
# The last line is always "N passed, N failed, N skipped"; the exit code is 0 only when everything ran and nothing failed.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# No build node may outlive the run: a CI job that reads our output would wait for it.
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1

# A test that does not end is killed with its host and named; a host that does not end is killed too.
hang=5m
limit=45m
filter=""
full=0
while [ $# -gt 0 ]; do
    case "$1" in
        --full) full=1; hang=45m; limit=4h ;;
        --filter)
            [ $# -gt 1 ] || { echo "test: --filter needs an expression, as in --filter FullyQualifiedName~Wire" >&2; exit 64; }
            shift
            filter="$1"
            ;;
        *) echo "test: unknown option '$1' (use --full or --filter EXPR)" >&2; exit 64 ;;
    esac
    shift
done
export FAIRLEAD_TEST_FULL=$full

passed=0 failed=0 skipped=0
broken=()

# Prints the last line and ends. Whatever ended the run early counts as one failure, so that nobody takes half a run for a whole one.
finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}
installing=""
give_up() {
    echo "test: $1" >&2
    [ -z "$installing" ] || kill "$installing" 2>/dev/null
    failed=$((failed + 1))
    finish
}
trap 'give_up "interrupted"' INT TERM

command -v dotnet >/dev/null || give_up "the .NET 10 SDK is needed; 'dotnet' was not found on PATH (https://dot.net)"

# What is downloaded mostly waits for the network: it comes while the build has the processor. One after the other, since two of them ask apt.
install() {
    bash eng/install-node-tools.sh || { echo "test: the npm servers and clients could not be installed" >&2; return 1; }
    bash eng/install-engines.sh || { echo "test: podman and Prometheus could not be unpacked" >&2; return 1; }
    bash eng/install-chromium.sh || { echo "test: Chromium could not be looked for" >&2; return 1; }
}
install </dev/null &
installing=$!

echo "== build"
mkdir -p artifacts
build() {
    # ./fairlead takes the same lock.
    if command -v flock >/dev/null; then flock 9; fi
    dotnet build Fairlead.slnx -c Release -v quiet --nologo </dev/null 9>&-
}
built=0
(build) 9>artifacts/build.lock || built=$?
wait "$installing" || give_up "what the tests need could not be installed"
[ "$built" -eq 0 ] || give_up "the build failed"

results="$root/artifacts/test-results"
rm -rf "$results"
mkdir -p "$results"

# Quick ones first; a project that is in no list still runs.
ordered="tests/Fairlead.Wire.Tests tests/Fairlead.Tests tests/Fairlead.AspNetCore.Tests tests/Fairlead.BuiltIn.Tests tests/Fairlead.EndToEnd.Tests"
projects=()
for folder in $ordered tests/*; do
    project="$folder/$(basename "$folder").csproj"
    [ -f "$project" ] && grep -q '<IsTestProject>true' "$project" || continue
    [[ " ${projects[*]-} " == *" $project "* ]] || projects+=("$project")
done

# The number that the test platform wrote into a result file; nothing when there is no file or no such counter.
counter() { grep -o '<Counters [^>]*>' "$1" 2>/dev/null | head -n 1 | sed -n "s/.* $2=\"\([0-9]*\)\".*/\1/p"; }

# A shell that runs us in the background without job control has SIGINT ignored, and every process below would inherit that; tests press Ctrl+C.
run=()
if env --default-signal=INT true 2>/dev/null; then run=(env --default-signal=INT); fi

for project in "${projects[@]}"; do
    name=$(basename "$project" .csproj)
    trx="$results/$name.trx"
    echo "== $name"
    args=(test "$project" -c Release --no-build --nologo --results-directory "$results" --logger "trx;LogFileName=$name.trx"
        --logger "console;verbosity=minimal" --blame-hang-timeout "$hang" --blame-hang-dump-type none)
    [ -z "$filter" ] || args+=(--filter "$filter")
    code=0
    timeout --foreground --kill-after=30s "$limit" ${run[@]+"${run[@]}"} dotnet "${args[@]}" </dev/null || code=$?

    total=$(counter "$trx" total) executed=$(counter "$trx" executed) good=$(counter "$trx" passed)
    if [ -z "$total" ] || [ -z "$executed" ] || [ -z "$good" ]; then
        total=0 executed=0 good=0
        # With a filter that selects nothing here, the platform writes no file and is content.
        if [ "$code" -eq 0 ] && [ -z "$filter" ]; then code=1; fi
    fi
    if [ "$total" -eq 0 ] && [ -z "$filter" ]; then
        echo "test: $name ran no test" >&2
        code=1
    fi
    bad=$((executed - good))
    # A crashed or killed test host leaves a file without the tests that were running.
    if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "test: $name did not run to its end (exit code $code); the output above says why" >&2
        bad=1
        broken+=("$name (did not run to its end)")
    fi
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + total - executed))
done

# The Python package, with pytest. A filter is one of the .NET test platform's, so it leaves them out.
attribute() { grep -o '<testsuite [^>]*>' "$results/python.xml" 2>/dev/null | head -n 1 | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p"; }
if [ -z "$filter" ]; then
    echo "== python"
    code=0
    timeout --foreground --kill-after=30s "$limit" ${run[@]+"${run[@]}"} bindings/python/test --no-build --junitxml "$results/python.xml" </dev/null || code=$?
    total=$(attribute tests) errors=$(attribute errors) failures=$(attribute failures) left_out=$(attribute skipped)
    total=${total:-0} errors=${errors:-0} failures=${failures:-0} left_out=${left_out:-0}
    bad=$((errors + failures))
    if [ "$bad" -eq 0 ] && { [ "$code" -ne 0 ] || [ "$total" -eq 0 ]; }; then
        echo "test: the tests of the Python package did not run to their end (exit code $code); the output above says why" >&2
        bad=1 total=$((total + 1))
        broken+=("python (did not run to its end)")
    fi
    passed=$((passed + total - bad - left_out)) failed=$((failed + bad)) skipped=$((skipped + left_out))
fi

[ $((passed + failed + skipped)) -gt 0 ] || give_up "no test was selected"
if [ "$failed" -gt 0 ]; then
    echo "== failed"
    grep -ho '<UnitTestResult [^>]*outcome="Failed"[^>]*>' "$results"/*.trx 2>/dev/null | sed -n 's/.*testName="\([^"]*\)".*/\1/p' | sort -u | head -n 100
    grep -o '<testcase [^>]*><\(failure\|error\)' "$results/python.xml" 2>/dev/null | sed -n 's/.*classname="\([^"]*\)" name="\([^"]*\)".*/\1.\2/p' | head -n 100
    [ "${#broken[@]}" -eq 0 ] || printf '%s\n' "${broken[@]}"
fi
finish
