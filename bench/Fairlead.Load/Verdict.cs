namespace Fairlead.Load;

/// <summary>A figure against its bound. A distance from the bound that is smaller than the A/A spread of the same run is "not resolved": neither passed nor failed.</summary>
internal sealed record Verdict(string What, double Measured, double Bound, double Spread, string Word)
{
    public static Verdict AtLeast(string what, double measured, double bound, double spread) =>
        new(what, measured, bound, spread, WordFor(measured - bound, spread));

    public static Verdict AtMost(string what, double measured, double bound, double spread) =>
        new(what, measured, bound, spread, WordFor(bound - measured, spread));

    public override string ToString() => FormattableString.Invariant($"{What}: {Measured:0.###} (bound {Bound:0.###}, A/A spread {Spread:0.###}): **{Word}**");

    private static string WordFor(double margin, double spread) => Math.Abs(margin) <= spread ? "not resolved" : margin > 0 ? "passed" : "failed";
}
