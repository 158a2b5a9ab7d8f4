using System.Globalization;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>Loads in a row: without hostile servers, with them, and both once more.</summary>
/// <param name="First">Without.</param>
/// <param name="Beside">With.</param>
/// <param name="Second">Without, once more.</param>
/// <param name="BesideAgain">With, once more.</param>
/// <param name="PrivateMiB">Most private memory of the gateways that had the hostile servers.</param>
internal sealed record Round(MeasuredLoad First, MeasuredLoad Beside, MeasuredLoad Second, MeasuredLoad BesideAgain, double PrivateMiB)
{
    /// <summary>The mean p99 with hostile servers, as a share of the mean p99 without.</summary>
    public double Ratio => (Beside.P99Ms + BesideAgain.P99Ms) / (First.P99Ms + Second.P99Ms);

    /// <summary>How far the two loads without hostile servers lie apart, as a share of the lower one.</summary>
    public double Spread => Math.Abs(First.P99Ms - Second.P99Ms) / Math.Min(First.P99Ms, Second.P99Ms);

    /// <summary>The middle one, or the lower of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(sorted.Length - 1) / 2];
    }

    /// <summary>The rounds as the rows of a table of Markdown, and their medians.</summary>
    /// <param name="rounds">At least one.</param>
    /// <param name="circumstances">A clause about the machine.</param>
    public static string[] Table(IReadOnlyList<Round> rounds, string circumstances) =>
    [
        "| round | alone p50 / p99 ms | beside p50 / p99 ms | alone again p50 / p99 ms | beside again p50 / p99 ms | p99 ratio | A/A spread | load late, p99 ms: alone, beside | private memory MiB |",
        "|---|---|---|---|---|---|---|---|---|",
        .. rounds.Select(static (round, index) => string.Create(
            CultureInfo.InvariantCulture, $"| {index + 1} | {Show(round.First)} | {Show(round.Beside)} | {Show(round.Second)} | {Show(round.BesideAgain)} | {round.Ratio:0.00} | {round.Spread:0.00} | {round.Lateness} | {round.PrivateMiB:0} |")),
        string.Create(
            CultureInfo.InvariantCulture,
            $"| median | | | | | {Median(rounds.Select(static round => round.Ratio)):0.00} | {Median(rounds.Select(static round => round.Spread)):0.00} | | {Median(rounds.Select(static round => round.PrivateMiB)):0} |"),
        "",
        $"Taken with {circumstances}.",
    ];

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"alone {Show(First)}, beside {Show(Beside)}, alone again {Show(Second)}, beside again {Show(BesideAgain)} ms; ratio {Ratio:0.00}, spread {Spread:0.00}; the load late by {Lateness} ms; {PrivateMiB:0} MiB");

    // What the machine did to the load itself: a round in which these differ much says more of the machine than of the fleets.
    private string Lateness => string.Create(CultureInfo.InvariantCulture, $"{First.LateP99Ms:0.0} and {Second.LateP99Ms:0.0}, {Beside.LateP99Ms:0.0} and {BesideAgain.LateP99Ms:0.0}");

    private static string Show(MeasuredLoad load) => string.Create(CultureInfo.InvariantCulture, $"{load.P50Ms:0.0} / {load.P99Ms:0.0}");
}
