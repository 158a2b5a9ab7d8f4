namespace Fairlead.Measuring;

/// <summary>One figure of one target over interleaved rounds, beside that of the reference, which is measured twice in each round.</summary>
/// <param name="Reference">The reference's figure, one a round.</param>
/// <param name="ReferenceAgain">The same at the end of the round.</param>
/// <param name="Target">The target's figure, one a round.</param>
internal sealed record Rounds(IReadOnlyList<double> Reference, IReadOnlyList<double> ReferenceAgain, IReadOnlyList<double> Target)
{
    /// <summary>Median over the rounds of target / mean of the round's two reference runs; NaN when the reference is 0.</summary>
    public double Ratio => Median(Target.Select((value, i) => Quotient(value, (Reference[i] + ReferenceAgain[i]) / 2)));

    /// <summary>The A/A spread: the largest |again / first - 1| of all rounds. No ratio of this run means anything finer than that.</summary>
    public double Spread => Reference.Zip(ReferenceAgain, static (first, again) => Math.Abs(Quotient(again, first) - 1)).Max();

    /// <summary>Median over the rounds of target - mean of the two reference runs.</summary>
    public double Added => Median(Target.Select((value, i) => value - ((Reference[i] + ReferenceAgain[i]) / 2)));

    /// <summary>The largest difference of the two reference runs of one round.</summary>
    public double AddedSpread => Reference.Zip(ReferenceAgain, static (first, again) => Math.Abs(again - first)).Max();

    /// <summary>The median; of an even number of values the mean of the two in the middle; NaN of none.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double Quotient(double value, double by) => by == 0 ? double.NaN : value / by;
}
