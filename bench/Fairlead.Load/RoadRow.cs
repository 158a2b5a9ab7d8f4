namespace Fairlead.Load;

/// <summary>All samples at one number of connections.</summary>
internal sealed class RoadRow(int connections)
{
    public int Connections { get; } = connections;

    public List<Sample> Bare { get; } = [];

    public List<Sample> Through { get; } = [];

    public List<Sample> BareAgain { get; } = [];

    /// <summary>Median over the rounds of through / mean of the two bare runs of the same round.</summary>
    public double Ratio => Median(Through.Select((t, i) => t.Run.CallsPerSecond * 2 / (Bare[i].Run.CallsPerSecond + BareAgain[i].Run.CallsPerSecond)));

    /// <summary>The A/A spread: the largest |bare again / bare - 1| of all rounds. No ratio of this row means anything finer than that.</summary>
    public double Spread => Bare.Zip(BareAgain, (a, b) => Math.Abs((b.Run.CallsPerSecond / a.Run.CallsPerSecond) - 1)).Max();

    /// <summary>Median over the rounds of the difference of through and bare, and the largest difference of the two bare runs, microseconds.</summary>
    public (double Added, double Spread) Added(Func<WrkRun, long> latency) => (
        Median(Through.Select((t, i) => latency(t.Run) - ((latency(Bare[i].Run) + latency(BareAgain[i].Run)) / 2.0))),
        Bare.Zip(BareAgain, (a, b) => (double)Math.Abs(latency(b.Run) - latency(a.Run))).Max());

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
