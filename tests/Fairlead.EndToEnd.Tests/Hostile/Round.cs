using System.Globalization;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>Loads in a row: without hostile servers, with them, without them; and without them while a second client calls healthy ones.</summary>
/// <param name="First">Without.</param>
/// <param name="Beside">With.</param>
/// <param name="Second">Without, once more.</param>
/// <param name="Called">Without, beside <see cref="Company.Healthy"/>.</param>
/// <param name="PrivateMiB">Most private memory of the gateway that had the hostile servers.</param>
internal sealed record Round(MeasuredLoad First, MeasuredLoad Beside, MeasuredLoad Second, MeasuredLoad Called, double PrivateMiB)
{
    /// <summary>p99 with hostile servers, as a share of the mean p99 without.</summary>
    public double Ratio => Beside.P99Ms / ((First.P99Ms + Second.P99Ms) / 2);

    /// <summary>p99 with hostile servers, as a share of the p99 while a second client calls healthy ones as often.</summary>
    public double RatioOfCalled => Beside.P99Ms / Called.P99Ms;

    /// <summary>How far the two loads without hostile servers lie apart, as a share of the lower one.</summary>
    public double Spread => Math.Abs(First.P99Ms - Second.P99Ms) / Math.Min(First.P99Ms, Second.P99Ms);

    /// <summary>The middle one, or the lower of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(sorted.Length - 1) / 2];
    }

    /// <summary>The rounds as the rows of a table of Markdown, and their medians.</summary>
    public static string[] Table(IReadOnlyList<Round> rounds) =>
    [
        "| round | alone p50 / p99 ms | beside p50 / p99 ms | alone again p50 / p99 ms | p99 ratio | A/A spread | healthy ones called instead p50 / p99 ms | beside / that | private memory MiB |",
        "|---|---|---|---|---|---|---|---|---|",
        .. rounds.Select(static (round, index) => string.Create(
            CultureInfo.InvariantCulture, $"| {index + 1} | {Show(round.First)} | {Show(round.Beside)} | {Show(round.Second)} | {round.Ratio:0.00} | {round.Spread:0.00} | {Show(round.Called)} | {round.RatioOfCalled:0.00} | {round.PrivateMiB:0} |")),
        string.Create(
            CultureInfo.InvariantCulture,
            $"| median | | | | {Median(rounds.Select(static round => round.Ratio)):0.00} | {Median(rounds.Select(static round => round.Spread)):0.00} | | {Median(rounds.Select(static round => round.RatioOfCalled)):0.00} | {Median(rounds.Select(static round => round.PrivateMiB)):0} |"),
    ];

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"alone {Show(First)}, beside {Show(Beside)}, alone again {Show(Second)} ms; ratio {Ratio:0.00}, spread {Spread:0.00}; healthy ones called instead {Show(Called)}; {PrivateMiB:0} MiB");

    private static string Show(MeasuredLoad load) => string.Create(CultureInfo.InvariantCulture, $"{load.P50Ms:0.0} / {load.P99Ms:0.0}");
}
