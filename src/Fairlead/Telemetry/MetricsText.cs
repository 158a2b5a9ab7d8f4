using System.Buffers;
using System.Globalization;
using System.Text;

namespace Fairlead.Telemetry;

/// <summary>How metrics are written for who scrapes them.</summary>
internal enum MetricsFormat
{
    /// <summary>Prometheus text, version 0.0.4.</summary>
    Prometheus,

    /// <summary>OpenMetrics 1.0.</summary>
    OpenMetrics,
}

/// <summary>Writes families of metrics as Prometheus text or OpenMetrics. One thread.</summary>
/// <remarks>A family is begun, then its samples follow, all of them before the next family. Names of counters are given without <c>_total</c>, units are part of the name.</remarks>
internal sealed class MetricsText(IBufferWriter<byte> output, MetricsFormat format)
{
    private string _name = "";
    private string _suffix = "";

    /// <summary>Whether samples of buckets may carry an example.</summary>
    public bool TakesExemplars => format == MetricsFormat.OpenMetrics;

    /// <summary>Begins a family of numbers that only rise. Their name ends in <c>_total</c>.</summary>
    public void Counter(string name, string help) => Begin(name, "counter", help, "_total");

    /// <summary>Begins a family of numbers that rise and fall.</summary>
    public void Gauge(string name, string help) => Begin(name, "gauge", help, "");

    /// <summary>Begins a family of histograms; its samples are given one by one with their suffix.</summary>
    public void Histogram(string name, string help) => Begin(name, "histogram", help, "");

    /// <summary>A sample of the family.</summary>
    /// <param name="value">The number.</param>
    /// <param name="labels">What <see cref="Labels"/> made; empty for none.</param>
    /// <param name="suffix">What follows the name, in place of the family's own suffix.</param>
    /// <param name="exemplar">A call that is counted in it; null for none. Not in Prometheus text.</param>
    public void Sample(double value, string labels = "", string? suffix = null, (string TraceId, double Value, DateTimeOffset At)? exemplar = null)
    {
        Write(_name);
        Write(suffix ?? _suffix);
        if (labels.Length != 0)
        {
            Write("{");
            Write(labels);
            Write("}");
        }

        Write(" ");
        Write(Number(value));
        if (exemplar is { } example && TakesExemplars)
        {
            Write(string.Create(
                CultureInfo.InvariantCulture, $" # {{trace_id=\"{example.TraceId}\"}} {Number(example.Value)} {example.At.ToUnixTimeMilliseconds() / 1000.0:0.000}"));
        }

        Write("\n");
    }

    /// <summary>Nothing follows.</summary>
    public void End()
    {
        if (format == MetricsFormat.OpenMetrics)
        {
            Write("# EOF\n");
        }
    }

    /// <summary>Labels as text, without braces.</summary>
    public static string Labels(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in labels)
        {
            text.Append(text.Length == 0 ? "" : ",").Append(name).Append("=\"");
            text.Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('"');
        }

        return text.ToString();
    }

    /// <summary>A number as both formats write it.</summary>
    public static string Number(double value) =>
        double.IsNaN(value) ? "NaN" : double.IsInfinity(value) ? (value > 0 ? "+Inf" : "-Inf") : value.ToString("R", CultureInfo.InvariantCulture).Replace("E-0", "E-", StringComparison.Ordinal);

    private void Begin(string name, string type, string help, string suffix)
    {
        _name = name;
        _suffix = suffix;

        // In Prometheus text the family has the name of its samples.
        var family = format == MetricsFormat.OpenMetrics || type == "histogram" ? name : name + suffix;
        Write($"# HELP {family} {help}\n# TYPE {family} {type}\n");
    }

    private void Write(string text) => Encoding.UTF8.GetBytes(text, output);
}
