using System.Text;
using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead.Telemetry;

/// <summary>Writes counts of calls with the bounds and label values that metrics show.</summary>
internal static class CallHistograms
{
    /// <summary>The word for methods that the specification does not have.</summary>
    public const string OtherMethod = "other";

    /// <summary>The upper bounds of <c>mcp_response_time_seconds</c>.</summary>
    public static readonly double[] Bounds = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

    /// <summary>The upper bounds that OpenTelemetry's conventions for MCP advise.</summary>
    public static readonly double[] AdvisedBounds = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

    private static readonly string[] s_methods = [.. Enum.GetValues<McpMethod>().Select(static method => McpMethods.NameOf(method) is { Length: > 0 } name ? Encoding.UTF8.GetString(name) : OtherMethod)];

    /// <summary>A method's value in labels.</summary>
    public static string MethodOf(McpMethod method) => s_methods[(int)method];

    /// <summary>The value of <c>error.type</c>; null for a call that went well. A JSON-RPC error counts as one whatever its code, which servers choose freely.</summary>
    public static string? ErrorTypeOf(int status) => status switch
    {
        CallStatus.Ok => null,
        CallStatus.Error => "_OTHER",
        _ => CallStatus.Name(status),
    };

    /// <summary>Labels by OpenTelemetry's conventions for MCP; those that do not apply are left out.</summary>
    public static string OperationLabels(McpMethod method, int status, string? transport, params ReadOnlySpan<(string Name, string Value)> others)
    {
        List<(string, string)> labels = [.. others, ("mcp_method_name", MethodOf(method))];
        if (ErrorTypeOf(status) is { } error)
        {
            labels.Add(("error_type", error));
        }

        if (transport is not null)
        {
            labels.Add(("network_transport", transport));
        }

        return MetricsText.Labels([.. labels]);
    }

    /// <summary>Writes the buckets, sum and count of one series.</summary>
    /// <param name="text">The family has begun.</param>
    /// <param name="bounds">Some of <see cref="CallTimes.Bounds"/>, in seconds.</param>
    /// <param name="labels">Of the series.</param>
    /// <param name="parts">What is added up.</param>
    public static void Write(MetricsText text, double[] bounds, string labels, ReadOnlySpan<CallTimes> parts)
    {
        Span<long> buckets = stackalloc long[CallTimes.Buckets];
        buckets.Clear();
        long sum = 0;
        foreach (var part in parts)
        {
            part.AddTo(buckets);
            sum += part.SumTicks;
        }

        long count = 0;
        var next = 0;
        foreach (var bound in bounds)
        {
            var first = next;
            var last = CallTimes.BucketOf((long)Math.Round(bound * TimeSpan.TicksPerSecond));
            for (; next <= last; next++)
            {
                count += buckets[next];
            }

            text.Sample(count, WithBound(labels, MetricsText.Number(bound)), "_bucket", text.TakesExemplars ? Latest(parts, first, last) : null);
        }

        var beyond = next;
        for (; next < buckets.Length; next++)
        {
            count += buckets[next];
        }

        text.Sample(count, WithBound(labels, "+Inf"), "_bucket", text.TakesExemplars ? Latest(parts, beyond, buckets.Length - 1) : null);
        text.Sample((double)sum / TimeSpan.TicksPerSecond, labels, "_sum");
        text.Sample(count, labels, "_count");
    }

    private static string WithBound(string labels, string bound) => labels.Length == 0 ? $"le=\"{bound}\"" : $"{labels},le=\"{bound}\"";

    private static (string TraceId, double Value, DateTimeOffset At)? Latest(ReadOnlySpan<CallTimes> parts, int first, int last)
    {
        CallExemplar? latest = null;
        foreach (var part in parts)
        {
            for (var bucket = first; bucket <= last; bucket++)
            {
                latest = part.ExemplarOf(bucket) is { } one && !(latest?.At >= one.At) ? one : latest;
            }
        }

        return latest is null ? null : (latest.TraceId, (double)latest.Ticks / TimeSpan.TicksPerSecond, latest.At);
    }
}
