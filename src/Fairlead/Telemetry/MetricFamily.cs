namespace Fairlead.Telemetry;

/// <summary>What kind of numbers a family has.</summary>
internal enum MetricKind
{
    /// <summary>Numbers that only rise while the process lives.</summary>
    Counter,

    /// <summary>Numbers that rise and fall.</summary>
    Gauge,

    /// <summary>Counts by length.</summary>
    Histogram,
}

/// <summary>One number of a family.</summary>
/// <param name="Value">The number.</param>
/// <param name="Labels">Whose it is.</param>
internal readonly record struct MetricSample(double Value, params (string Name, string Value)[] Labels);

/// <summary>A family of metrics: its name, what it tells, and how its numbers are read at a moment.</summary>
/// <param name="Name">As Prometheus writes it, but without <c>_total</c>.</param>
/// <param name="Kind">What its numbers do.</param>
/// <param name="Labels">The names of its labels, joined by commas; empty for none.</param>
/// <param name="Help">One sentence.</param>
internal sealed record MetricFamily(string Name, MetricKind Kind, string Labels, string Help)
{
    /// <summary>Reads the numbers of a counter or gauge. Any thread.</summary>
    public Func<IEnumerable<MetricSample>>? Read { get; init; }

    /// <summary>Writes the samples of a histogram.</summary>
    public Action<MetricsText>? WriteSamples { get; init; }

    /// <summary>The name of the family in Prometheus text.</summary>
    public string FullName => Kind == MetricKind.Counter ? Name + "_total" : Name;

    /// <summary>Writes the family.</summary>
    public void Write(MetricsText text)
    {
        switch (Kind)
        {
            case MetricKind.Histogram:
                text.Histogram(Name, Help);
                WriteSamples!(text);
                return;
            case MetricKind.Counter:
                text.Counter(Name, Help);
                break;
            default:
                text.Gauge(Name, Help);
                break;
        }

        foreach (var sample in Read!())
        {
            text.Sample(sample.Value, MetricsText.Labels(sample.Labels));
        }
    }
}
