using System.Diagnostics;
using System.Diagnostics.Metrics;
using Fairlead.Wire;

namespace Fairlead.Telemetry;

/// <summary>The histograms of OpenTelemetry's conventions for MCP, for whoever listens to the meter (OTLP). Nothing is recorded while nobody does; <c>/metrics</c> has counts of its own.</summary>
internal static class OperationInstruments
{
    private static readonly Meter s_meter = new(Tracing.SourceName, Tracing.Version);

    private static readonly Histogram<double> s_client = s_meter.CreateHistogram(
        "mcp.client.operation.duration", "s", "Time of requests that Fairlead makes of its servers.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = CallHistograms.AdvisedBounds });

    private static readonly Histogram<double> s_server = s_meter.CreateHistogram(
        "mcp.server.operation.duration", "s", "Time of requests that clients make of Fairlead.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = CallHistograms.AdvisedBounds });

    /// <summary>Whether somebody listens.</summary>
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
