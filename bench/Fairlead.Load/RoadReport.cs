using System.Globalization;
using System.Text;
using System.Text.Json;

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

/// <summary>The table and the file of a road measurement, with the verdicts on the bounds.</summary>
internal sealed class RoadReport(string target, int rounds, int seconds)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public List<RoadRow> Rows { get; } = [];

    public string ToTable()
    {
        var text = new StringBuilder();
        text.AppendLine(Invariant($"Through: {target}. Medians of {rounds} rounds of {seconds} s each (bare, through, bare again), wrk -t1, {Environment.ProcessorCount} cores shared with the load generator."));
        text.AppendLine();
        text.AppendLine("| connections | bare calls/s | through calls/s | ratio | A/A spread | bare p50 / p99 us | through p50 / p99 us | CPU us per call: bare | gateway | servers | wrk |");
        text.AppendLine("|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var row in Rows)
        {
            double Of(List<Sample> samples, Func<Sample, double> value) => RoadRow.Median(samples.Select(value));
            List<Sample> bare = [.. row.Bare, .. row.BareAgain];
            text.AppendLine(Invariant($"| {row.Connections} | {Of(bare, s => s.Run.CallsPerSecond):0} | {Of(row.Through, s => s.Run.CallsPerSecond):0} | {row.Ratio:0.000} | {row.Spread:0.000} ")
                + Invariant($"| {Of(bare, s => s.Run.P50Us):0} / {Of(bare, s => s.Run.P99Us):0} | {Of(row.Through, s => s.Run.P50Us):0} / {Of(row.Through, s => s.Run.P99Us):0} ")
                + Invariant($"| {Of(bare, s => s.CpuMicrosecondsPerCall.Server):0.0} | {Of(row.Through, s => s.CpuMicrosecondsPerCall.Server):0.0} ")
                + Invariant($"| {Of(row.Through, s => s.CpuMicrosecondsPerCall.Children):0.0} | {Of(row.Through, s => s.CpuMicrosecondsPerCall.Generator):0.0} |"));
        }

        text.AppendLine();
        foreach (var verdict in Verdicts())
        {
            text.AppendLine(Invariant($"- {verdict.What}: {verdict.Measured:0.###} (bound {verdict.Bound:0.###}, A/A spread {verdict.Spread:0.###}): **{verdict.Word}**"));
        }

        return text.ToString();
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            target,
            rounds,
            seconds,
            cores = Environment.ProcessorCount,
            verdicts = Verdicts(),
            rows = Rows.Select(row => new { row.Connections, row.Ratio, aaSpread = row.Spread, row.Bare, row.Through, row.BareAgain }),
        },
        s_json);

    private List<Verdict> Verdicts()
    {
        var verdicts = new List<Verdict>();
        foreach (var row in Rows.Where(row => row.Connections == 64))
        {
            verdicts.Add(Verdict.AtLeast("ratio at 64 connections", row.Ratio, 0.65, row.Spread * row.Ratio));
        }

        foreach (var row in Rows.Where(row => row.Connections == 1))
        {
            var (p50, p99) = (row.Added(run => run.P50Us), row.Added(run => run.P99Us));
            verdicts.Add(Verdict.AtMost("added latency at 1 connection, p50, us", p50.Added, 200, p50.Spread));
            verdicts.Add(Verdict.AtMost("added latency at 1 connection, p99, us", p99.Added, 1000, p99.Spread));
        }

        return verdicts;
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}

/// <summary>A figure against its bound. A distance from the bound that is smaller than the A/A spread of the same run is "not resolved": neither passed nor failed.</summary>
internal sealed record Verdict(string What, double Measured, double Bound, double Spread, string Word)
{
    public static Verdict AtLeast(string what, double measured, double bound, double spread) =>
        new(what, measured, bound, spread, WordFor(measured - bound, spread));

    public static Verdict AtMost(string what, double measured, double bound, double spread) =>
        new(what, measured, bound, spread, WordFor(bound - measured, spread));

    private static string WordFor(double margin, double spread) => Math.Abs(margin) <= spread ? "not resolved" : margin > 0 ? "passed" : "failed";
}
