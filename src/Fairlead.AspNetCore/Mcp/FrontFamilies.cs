using Fairlead.Routing;
using Fairlead.Telemetry;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>The metrics of the fronts.</summary>
internal static class FrontFamilies
{
    // Clients come over HTTP alone; fairlead stdio is one of them.
    private const string Transport = "tcp";

    /// <summary>All families, in the order of the page.</summary>
    public static IReadOnlyList<MetricFamily> Of(McpFront front) =>
    [
        new("mcp_server_operation_duration_seconds", MetricKind.Histogram, "mcp_method_name,error_type,network_transport", "Time of requests that clients make of Fairlead, by OpenTelemetry's conventions for MCP.")
        {
            WriteSamples = text => Write(text, front.Operations),
        },
        new("mcp_server_session_duration_seconds", MetricKind.Histogram, "mcp_protocol_version,network_transport", "Time of the legacy sessions of clients that have ended, by OpenTelemetry's conventions for MCP.")
        {
            WriteSamples = text => front.SessionTimes.Write(text, Transport),
        },
        Gauge("fairlead_sessions", "Legacy sessions that are open.", () => front.Sessions.Count),
        Gauge("fairlead_listen_streams", "Streams of 2026-07-28 (subscriptions/listen) that are open.", () => front.Listeners.Count),
        Gauge("fairlead_parked_calls", "Calls that wait for their clients' input.", () => front.Parked.Count),
    ];

    private static MetricFamily Gauge(string name, string help, Func<double> read) => new(name, MetricKind.Gauge, "", help) { Read = () => [new MetricSample(read())] };

    private static void Write(MetricsText text, CallMetrics operations)
    {
        foreach (var (method, status, times) in operations.All())
        {
            CallHistograms.Write(text, CallHistograms.AdvisedBounds, CallHistograms.OperationLabels(method, status, Transport), [times]);
        }
    }
}
