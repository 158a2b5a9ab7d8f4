#!/usr/bin/env bash
# Builds everything, then measures the road of a call and the gateway at rest. bench/README.md says what the figures mean.
#   bench/run.sh                     all but scale, large and load, about 8 minutes
#   bench/run.sh road --rounds 3     only the road, with options of `fairlead-load road`
#   bench/run.sh bytes               only the bytes that a call allocates
#   bench/run.sh rest --starts 3     only start, memory and idle CPU, of the program that eng/publish.sh makes
#   bench/run.sh rest --program plain    the same of the plain build
#   bench/run.sh parked              only the memory of calls that wait for their clients' input
#   bench/run.sh idle                only the memory of clients that do nothing
#   bench/run.sh inprocess           only calls inside one process: ExecuteToolAsync, ExecuteBatchAsync
#   bench/run.sh scale               10 000 connections, as many listen streams, 1 000 servers: about 3 minutes; not part of all of it
#   bench/run.sh large               only a result of 1 GB, through the gateway beside its server; not part of all of it
#   bench/run.sh python              only calls of a tool in the process from Python, beside .NET
#   bench/run.sh load                the scenarios of bench/scenarios.json beside other gateways, about an hour; not part of all of it
#   bench/run.sh load --scenarios call-16,rate-500 --rounds 3
#   bench/run.sh record              keeps what was measured last: bench/results, the tables of docs/performance.md, bench/claims.json
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

mode=${1:-all}
if [[ "$mode" =~ ^(all|road)$ ]] && ! command -v wrk >/dev/null; then
    command -v apt-get >/dev/null || { echo "bench: install wrk (https://github.com/wg/wrk) and run again" >&2; exit 69; }
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    echo "== installing wrk" >&2
    $sudo apt-get update -q >&2 && $sudo apt-get install -y -q wrk >&2
fi

if [ "$mode" = load ]; then
    # What cannot be installed is reported as "not measured", with the reason.
    bash bench/install-opponents.sh >&2 || true
fi

for project in src/Fairlead.Cli src/Fairlead.Interop tests/TestServers/Echo tests/TestServers/EchoTools bench/Fairlead.Load; do
    dotnet build "$project" -c Release -v quiet --nologo >&2
done

# Start and rest are those of the program as it is installed.
if [[ "$mode" =~ ^(all|rest)$ && " $* " != *" --program "* ]]; then
    bash eng/publish.sh
fi

load="$root/artifacts/bin/Fairlead.Load/release/fairlead-load"
# The machine and the table beside the figures: `record` keeps all three.
measure() {
    mkdir -p artifacts/bench
    "$load" facts --root "$root" >"artifacts/bench/$1.facts.json"
    "$load" "$1" --root "$root" "${@:2}" | tee "artifacts/bench/$1.md"
}

case "$mode" in
    all)
        for each in road bytes rest parked idle inprocess python; do measure "$each"; done
        ;;
    record)
        "$load" record --root "$root"
        ;;
    road | bytes | rest | parked | idle | inprocess | scale | large | python | load)
        shift
        # Each connection is an open file of the gateway, and one of the measuring program.
        [ "$mode" != scale ] || ulimit -n "$(ulimit -Hn)"
        measure "$mode" "$@"
        ;;
    *)
        echo "bench: unknown mode '$1' (use road, bytes, rest, parked, idle, inprocess, scale, large, python, load or record)" >&2
        exit 64
        ;;
esac
