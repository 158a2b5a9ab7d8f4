-- Posts the one measured call (BenchCall.Body arrives in the environment) with all headers of a modern tools/call,
-- and prints the result of the run as one JSON line. Times are in microseconds.
wrk.method = "POST"
wrk.body = os.getenv("FAIRLEAD_BENCH_BODY")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
wrk.headers["Mcp-Method"] = "tools/call"
wrk.headers["Mcp-Name"] = "echo"

done = function(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        '\n{"calls":%d,"durationUs":%d,"bytes":%d,"p50Us":%d,"p99Us":%d,"errors":%d}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
        e.connect + e.read + e.write + e.status + e.timeout))
end
