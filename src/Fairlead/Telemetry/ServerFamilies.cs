using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.Routing;

namespace Fairlead.Telemetry;

/// <summary>The metrics of the servers of a fleet (product I). A server that has left the fleet is in none of them.</summary>
internal static class ServerFamilies
{
    private const string Id = "server_id";

    private static readonly ServerState[] s_states = Enum.GetValues<ServerState>();

    /// <summary>All families, in the order of the page.</summary>
    public static IReadOnlyList<MetricFamily> Of(Fleet fleet)
    {
        return
        [
            new("mcp_requests", MetricKind.Counter, "server_id,method,status", "Calls that have ended, by how they ended; those that were refused before an instance heard of them included.")
            {
                Read = () => Each(static cell => cell.Counters.All().Select(one => Sample(
                    cell, one.Times.Count + one.Times.CountUnsent, ("method", CallHistograms.MethodOf(one.Method)), ("status", CallStatus.Name(one.Status))))),
            },
            new("mcp_response_time_seconds", MetricKind.Histogram, "server_id,method", "Time from when a call was opened at an instance until its end.")
            {
                WriteSamples = text => WriteTimes(text, fleet),
            },
            new("mcp_client_operation_duration_seconds", MetricKind.Histogram, "server_id,mcp_method_name,error_type,network_transport", "Time of requests that Fairlead makes of its servers, by OpenTelemetry's conventions for MCP.")
            {
                WriteSamples = text => WriteClientTimes(text, fleet),
            },
            new("mcp_client_session_duration_seconds", MetricKind.Histogram, "server_id,mcp_protocol_version,error_type,network_transport", "Time of sessions with the servers that have ended, by OpenTelemetry's conventions for MCP; one that was lost has an error_type.")
            {
                WriteSamples = text => WriteSessions(text, fleet),
            },
            Gauge("mcp_active_connections", "Calls in flight over all instances, of which maxConnections is the bound.", static cell => cell.Guards.Bulkhead.Taken),
            Gauge("mcp_queue_depth", "Calls that wait because maxConnections are in flight.", static cell => cell.Guards.Bulkhead.Waiting),
            new("mcp_connection_pool_size", MetricKind.Gauge, "server_id,state", "Connections to the instances that share the calls: busy with at least one, idle, or missing of those that are wanted.")
            {
                Read = () => Each(Pool),
            },
            Gauge("mcp_circuit_breaker_state", "The worst circuit of the server's instances: 0 closed, 1 half-open, 2 open, 3 isolated.", static cell => CircuitOf(cell)),
            Gauge("mcp_tool_circuits_open", "Tools whose circuit is not closed.", static cell => cell.Guards.Tools.Count(static tool => tool.Breaker.State != CircuitState.Closed)),
            new("mcp_health_checks", MetricKind.Counter, "server_id,result", "Health checks that have ended: healthy or unhealthy.")
            {
                Read = () => Each(static cell => [Sample(cell, cell.Health.Good, ("result", "healthy")), Sample(cell, cell.Health.Bad, ("result", "unhealthy"))]),
            },
            new("mcp_server_availability", MetricKind.Gauge, Id, "Share of the last five minutes in which the server was Healthy, Degraded or Idle; time in Maintenance, Stopped, Disabled or MissingAuth does not count.")
            {
                Read = () => Each(static cell => cell.States.Availability() is { } share ? [Sample(cell, share)] : []),
            },
            Gauge("mcp_error_rate", "Share of the calls of the last minute whose server was lost, silent or incomprehensible; 0 when there were none.", static cell => cell.Counters.Recent().ErrorRate),
            new("mcp_server_state", MetricKind.Gauge, "server_id,state", "1 for the state that the server is in, 0 for all others.")
            {
                Read = () => Each(static cell => s_states.Select(state => Sample(cell, cell.Current.State == state ? 1 : 0, ("state", state.ToString())))),
            },
            Counter("mcp_server_restarts", "Restarts after failures.", static cell => cell.Current.Restarts),
            Counter("mcp_retries", "Calls that were sent once more after they had failed.", static cell => cell.Counters.Retries),
            Counter("mcp_fallbacks", "Calls for which a fallback was looked for.", static cell => cell.Counters.Fallbacks),
        ];

        MetricFamily Gauge(string name, string help, Func<ServerCell, double> read) => new(name, MetricKind.Gauge, Id, help) { Read = () => Each(cell => [Sample(cell, read(cell))]) };
        MetricFamily Counter(string name, string help, Func<ServerCell, double> read) => new(name, MetricKind.Counter, Id, help) { Read = () => Each(cell => [Sample(cell, read(cell))]) };
        IEnumerable<MetricSample> Each(Func<ServerCell, IEnumerable<MetricSample>> read) => fleet.Current.InOrder.SelectMany(read);
    }

    private static MetricSample Sample(ServerCell cell, double value, params (string Name, string Value)[] labels) => new(value, [(Id, cell.Name), .. labels]);

    private static IEnumerable<MetricSample> Pool(ServerCell cell)
    {
        var snapshot = cell.Current;
        var busy = snapshot.Replicas.Count(static connection => connection.Pending.CountOpen() != 0);

        // Nothing is missing of a server that sleeps or is not meant to run.
        var isWanted = snapshot.State is not (ServerState.Idle or ServerState.Maintenance or ServerState.Stopped or ServerState.Disabled or ServerState.MissingAuth);
        yield return Sample(cell, busy, ("state", "busy"));
        yield return Sample(cell, snapshot.Replicas.Length - busy, ("state", "idle"));
        yield return Sample(cell, isWanted ? Math.Max(0, snapshot.ReplicasWanted - snapshot.Replicas.Length) : 0, ("state", "missing"));
    }

    private static double CircuitOf(ServerCell cell)
    {
        var worst = 0;
        foreach (var connection in cell.Current.Replicas)
        {
            worst = Math.Max(worst, InstanceGuard.Of(connection, cell.Guards).Breaker.State switch
            {
                CircuitState.Closed => 0,
                CircuitState.HalfOpen => 1,
                CircuitState.Open => 2,
                _ => 3,
            });
        }

        return worst;
    }

    private static void WriteTimes(MetricsText text, Fleet fleet)
    {
        foreach (var cell in fleet.Current.InOrder)
        {
            foreach (var method in cell.Counters.All().GroupBy(static one => one.Method, static one => one.Times))
            {
                var labels = MetricsText.Labels((Id, cell.Name), ("method", CallHistograms.MethodOf(method.Key)));
                CallHistograms.Write(text, CallHistograms.Bounds, labels, method.ToArray());
            }
        }
    }

    private static void WriteClientTimes(MetricsText text, Fleet fleet)
    {
        foreach (var cell in fleet.Current.InOrder)
        {
            var transport = TransportOf(cell.Current.Config);
            foreach (var (method, status, times) in cell.Counters.All())
            {
                if (times.Count != 0)
                {
                    var labels = CallHistograms.OperationLabels(method, status, transport, (Id, cell.Name));
                    CallHistograms.Write(text, CallHistograms.AdvisedBounds, labels, [times]);
                }
            }
        }
    }

    private static void WriteSessions(MetricsText text, Fleet fleet)
    {
        foreach (var cell in fleet.Current.InOrder)
        {
            cell.Sessions.Write(text, TransportOf(cell.Current.Config), (Id, cell.Name));
        }
    }

    /// <summary>The value of <c>network.transport</c>: <c>pipe</c> for stdio, <c>tcp</c> for HTTP; null inside this process.</summary>
    public static string? TransportOf(ServerConfig config) => config.EffectiveTransport switch
    {
        ServerTransport.Stdio => "pipe",
        ServerTransport.Http or ServerTransport.Sse => "tcp",
        _ => null,
    };
}
