using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Fairlead.Measuring;

namespace Fairlead.Load.Compare;

/// <summary>Everything that was measured, as tables and as JSON.</summary>
internal sealed class CompareReport(MachineFacts machine, RunSetup setup, string circumstances)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public MachineFacts Machine => machine;

    public RunSetup Setup => setup;

    public List<ScenarioRow> Rows { get; } = [];

    /// <summary>All raw figures. The first target of a scenario is its reference.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            formatVersion = 1,
            machine,
            setup,
            circumstances,
            curvePercentiles = Latencies.CurvePercentiles,
            scenarios = Rows.Select(static row => new
            {
                row.Scenario,
                aaSpread = row.Throughput(0).Spread,
                verdicts = row.Verdicts(),
                row.ReferenceAgain,
                targets = row.Targets.Select((target, i) => new
                {
                    target.Name, target.What, target.NotMeasured, ratio = target.Runs.Count == 0 ? (double?)null : row.Throughput(i).Ratio,
                    addedP50Us = target.Runs.Count == 0 ? (double?)null : row.Latency(i, static l => l.P50Us).Added,
                    addedP99Us = target.Runs.Count == 0 ? (double?)null : row.Latency(i, static l => l.P99Us).Added,
                    target.Cold, target.Runs,
                }),
            }),
        },
        s_json);

    /// <summary>What the sections have in common, as a line of Markdown.</summary>
    public string Heading() =>
        Invariant($"Medians of {setup.Rounds} interleaved rounds of {setup.Milliseconds / 1000.0:0.###} s (reference, targets, reference again). The load generator shares the machine, {circumstances}: {machine}.");

    /// <summary>The scenario that was measured last, as a section of Markdown with its table and its verdicts.</summary>
    public string LastSection()
    {
        var text = new StringBuilder();
        var row = Rows[^1];
        var spread = row.Throughput(0).Spread;
        var scenario = row.Scenario;
        text.AppendLine().AppendLine(Invariant($"### {scenario.Name}")).AppendLine().AppendLine(scenario.Note).AppendLine();
        text.AppendLine(Invariant($"{scenario.Connections} connections, {(scenario.Rate is { } rate ? Invariant($"{rate:0.##} calls/s meant") : "closed loop")}, {scenario.Payload} B, A/A spread {spread:0.000} in calls/s, {row.Latency(0, static l => l.P50Us).AddedSpread:0} us at p50.")).AppendLine();
        text.AppendLine("| target | calls/s | ratio | p50 us | p99 us | p99.9 us | added p50 us | errors | CPU us per call: server | behind it | load | cold p50 us |");
        text.AppendLine("|---|---|---|---|---|---|---|---|---|---|---|---|");
        for (var i = 0; i < row.Targets.Count; i++)
        {
            text.AppendLine(Line(row, i, spread));
        }

        var verdicts = row.Verdicts();
        text.Append(verdicts.Count == 0 ? "" : "\n");
        foreach (var verdict in verdicts)
        {
            text.AppendLine($"- {verdict}");
        }

        return text.ToString();
    }

    private static string Line(ScenarioRow row, int i, double spread)
    {
        var target = row.Targets[i];
        if (target.NotMeasured is { } reason)
        {
            return $"| {target.Name} | not measured: {reason.Replace('|', '/')} | | | | | | | | | | |";
        }

        double Of(Func<Run, double> value) => Rounds.Median((i == 0 ? target.Runs.Concat(row.ReferenceAgain) : target.Runs).Select(value));
        var ratio = row.Throughput(i).Ratio;
        var resolved = i == 0 ? "reference" : Invariant($"{ratio:0.000}{(Math.Abs(ratio - 1) <= spread ? " (within the spread)" : "")}");
        var errors = target.Runs.Sum(static run => run.Result.Errors + run.Result.NotStarted);
        return Invariant($"| {target.Name} ({target.What}) | {Of(static r => r.Result.CallsPerSecond):0} | {resolved} | {Of(static r => r.Result.Latency.P50Us):0.#} | {Of(static r => r.Result.Latency.P99Us):0.#} ")
            + Invariant($"| {Of(static r => r.Result.Latency.P999Us):0.#} | {(i == 0 ? "" : Invariant($"{row.Latency(i, static l => l.P50Us).Added:0.#}"))} | {errors} ")
            + Invariant($"| {Of(static r => r.CpuUsPerCall.Server):0.0} | {Of(static r => r.CpuUsPerCall.Children):0.0} | {Of(static r => r.CpuUsPerCall.Generator):0.0} | {target.Cold?.Result.Latency.P50Us ?? 0:0.#} |");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>All runs of one scenario. <see cref="Targets"/>[0] is the reference.</summary>
internal sealed record ScenarioRow(Scenario Scenario, List<TargetRow> Targets)
{
    /// <summary>The reference's second run of each round.</summary>
    public List<Run> ReferenceAgain { get; } = [];

    /// <summary>Calls per second of a target that was measured, beside the reference.</summary>
    public Rounds Throughput(int target) => Figures(target, static run => run.Result.CallsPerSecond);

    /// <summary>A latency of a target that was measured, beside the reference.</summary>
    public Rounds Latency(int target, Func<Latencies, double> of) => Figures(target, run => of(run.Result.Latency));

    /// <summary>The bounds of the scenario whose target was measured. The spread is that of the run, as a share of the bound.</summary>
    public IReadOnlyList<Verdict> Verdicts()
    {
        var gateway = Targets.FirstOrDefault(static target => target.Name == "gateway");
        return
        [
            .. from bound in Scenario.Bounds
               let other = Targets.First(target => target.Name == bound.Over)
               where gateway is { Runs.Count: > 0 } && other.Runs.Count != 0
               select bound.AtLeast is { } times
                   ? Verdict.AtLeast(
                       $"calls/s of the gateway over {bound.Over} at {Scenario.Connections} connections",
                       Rounds.Median(gateway!.Runs.Select((run, i) => run.Result.CallsPerSecond / CallsPerSecond(other, i))),
                       times,
                       Throughput(0).Spread * times)
                   : AddedP99(Targets.IndexOf(gateway!), bound),
        ];
    }

    private Verdict AddedP99(int gateway, ScenarioBound bound)
    {
        var p99 = Latency(gateway, static latencies => latencies.P99Us);
        return Verdict.AtMost($"added p99 over {bound.Over} at {Scenario.Connections} connections and {Scenario.Rate:0} calls/s, ms", p99.Added / 1000, bound.AddedP99MsAtMost!.Value, p99.AddedSpread / 1000);
    }

    /// <summary>Of one round; of the reference the mean of its two runs.</summary>
    private double CallsPerSecond(TargetRow target, int round) => ReferenceEquals(target, Targets[0])
        ? (target.Runs[round].Result.CallsPerSecond + ReferenceAgain[round].Result.CallsPerSecond) / 2
        : target.Runs[round].Result.CallsPerSecond;

    private Rounds Figures(int target, Func<Run, double> of) => new([.. Targets[0].Runs.Select(of)], [.. ReferenceAgain.Select(of)], [.. Targets[target].Runs.Select(of)]);
}

/// <summary>All runs of one target.</summary>
internal sealed record TargetRow(string Name, string What, string? NotMeasured)
{
    /// <summary>The first calls after the start, for half a second.</summary>
    public Run? Cold { get; set; }

    /// <summary>One a round.</summary>
    public List<Run> Runs { get; } = [];
}
