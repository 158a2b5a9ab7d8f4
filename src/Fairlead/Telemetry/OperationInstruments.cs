using System.Diagnostics;
using System.Diagnostics.Metrics;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Telemetry;

/// <summary>The four histograms of OpenTelemetry's conventions for MCP, for whoever listens to the meter (OTLP). Nothing is recorded while nobody does; <c>/metrics</c> has counts of its own.</summary>
internal static class OperationInstruments
{
    private static readonly Meter s_meter = new(Tracing.SourceName, Tracing.Version);

    private static readonly Histogram<double> s_client = s_meter.CreateHistogram(
        "mcp.client.operation.duration", "s", "Time of requests that Fairlead makes of its servers.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = CallHistograms.AdvisedBounds });

    private static readonly Histogram<double> s_server = s_meter.CreateHistogram(
        "mcp.server.operation.duration", "s", "Time of requests that clients make of Fairlead.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = CallHistograms.AdvisedBounds });

    private static readonly Histogram<double> s_clientSession = s_meter.CreateHistogram(
        "mcp.client.session.duration", "s", "Time of sessions that Fairlead had with its servers.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = CallHistograms.AdvisedBounds });

    private static readonly Histogram<double> s_serverSession = s_meter.CreateHistogram(
        "mcp.server.session.duration", "s", "Time of sessions that clients had with Fairlead.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = CallHistograms.AdvisedBounds });

    /// <summary>The value of <c>error.type</c> for a session that ended without this side wanting it.</summary>
    public static string SessionLost { get; } = CallStatus.Name(CallStatus.Of(ForwardError.ServerLost, isErrorAnswer: false));

    /// <summary>Whether somebody listens to requests.</summary>
    public static bool AreOn => s_client.Enabled || s_server.Enabled;

    /// <summary>Records a request of a server.</summary>
    public static void RecordClient(TimeSpan elapsed, McpMethod method, int status, string server, string? transport)
    {
        var tags = Tags(method, status, transport);
        tags.Add("server_id", server);
        s_client.Record(elapsed.TotalSeconds, tags);
    }

    /// <summary>Records a request of a client.</summary>
    public static void RecordServer(TimeSpan elapsed, McpMethod method, int status) => s_server.Record(elapsed.TotalSeconds, Tags(method, status, "tcp"));

    /// <summary>Records a session with a server that has ended.</summary>
    public static void RecordClientSession(TimeSpan length, ProtocolVersion version, bool isLost, string server, string? transport)
    {
        if (s_clientSession.Enabled)
        {
            var tags = new TagList { { "mcp.protocol.version", version.Format() }, { "server_id", server } };
            if (isLost)
            {
                tags.Add("error.type", SessionLost);
            }

            if (transport is not null)
            {
                tags.Add("network.transport", transport);
            }

            s_clientSession.Record(length.TotalSeconds, tags);
        }
    }

    /// <summary>Records a session of a client that has ended.</summary>
    public static void RecordServerSession(TimeSpan length, ProtocolVersion version) =>
        s_serverSession.Record(length.TotalSeconds, new TagList { { "mcp.protocol.version", version.Format() }, { "network.transport", "tcp" } });

    /// <summary>Offers counters and gauges to whoever listens, under the names that <c>/metrics</c> has, without <c>_total</c>. Histograms are those of this class.</summary>
    /// <returns>What ends the offer.</returns>
    public static IDisposable Offer(IEnumerable<MetricFamily> families)
    {
        var meter = new Meter(Tracing.SourceName, Tracing.Version);
        foreach (var family in families)
        {
            if (family.Read is not { } read)
            {
                continue;
            }

            IEnumerable<Measurement<double>> Measure() => read().Select(static sample => new Measurement<double>(sample.Value, sample.Labels.Select(static label => KeyValuePair.Create<string, object?>(label.Name, label.Value))));
            if (family.Kind == MetricKind.Counter)
            {
                meter.CreateObservableCounter(family.Name, Measure, unit: null, family.Help);
            }
            else
            {
                meter.CreateObservableGauge(family.Name, Measure, unit: null, family.Help);
            }
        }

        return meter;
    }

    private static TagList Tags(McpMethod method, int status, string? transport)
    {
        var tags = new TagList { { "mcp.method.name", CallHistograms.MethodOf(method) } };
        if (CallHistograms.ErrorTypeOf(status) is { } error)
        {
            tags.Add("error.type", error);
        }

        if (transport is not null)
        {
            tags.Add("network.transport", transport);
        }

        return tags;
    }
}
