using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Fairlead.Load;

/// <summary>The table and the file of a road measurement, with the verdicts on the bounds.</summary>
internal sealed class RoadReport(string target, string reference, int rounds, int seconds, string circumstances)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>What the target is held against: the bare web server, or the gateway of another checkout.</summary>
    public string Reference => reference;

    public List<RoadRow> Rows { get; } = [];

    public string ToTable()
    {
        var text = new StringBuilder();
        text.AppendLine(Invariant($"Through: {target}. Medians of {rounds} rounds of {seconds} s each ({reference}, through, {reference} again), wrk -t1, {Environment.ProcessorCount} cores shared with the load generator, {circumstances}."));
        text.AppendLine();
        text.AppendLine(Invariant($"| connections | {reference} calls/s | through calls/s | ratio | A/A spread | {reference} p50 / p99 us | through p50 / p99 us | CPU us per call: {reference} | gateway | servers | wrk |"));
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
            text.AppendLine(Invariant($"- {verdict}"));
        }

        return text.ToString();
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            target,
            reference,
            rounds,
            seconds,
            circumstances,
            cores = Environment.ProcessorCount,
            verdicts = Verdicts(),
            rows = Rows.Select(row => new { row.Connections, row.Ratio, aaSpread = row.Spread, row.Bare, row.Through, row.BareAgain }),
        },
        s_json);

    private List<Verdict> Verdicts()
    {
        var verdicts = new List<Verdict>();
        if (reference != "bare")
        {
            // "Not slower" is a ratio of 1; the bounds below are against the bare web server.
            return [.. Rows.Select(row => Verdict.AtLeast($"ratio to {reference} at {row.Connections} connections", row.Ratio, 1, row.Spread * row.Ratio))];
        }

        foreach (var row in Rows.Where(row => row.Connections == 64))
        {
            verdicts.Add(Verdict.AtLeast("ratio at 64 connections", row.Ratio, 0.75, row.Spread * row.Ratio));
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
