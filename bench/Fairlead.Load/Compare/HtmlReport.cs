using System.Globalization;
using System.Net;
using System.Text;
using Fairlead.Measuring;

namespace Fairlead.Load.Compare;

/// <summary>The report as one HTML file that asks for nothing else: calls per second with the range of the rounds, and latency by percentile, drawn as SVG; light and dark.</summary>
internal static class HtmlReport
{
    private const int Width = 720;
    private const int Left = 150;
    private const int Right = 90;
    private const int BarStep = 26;
    private const int PlotHeight = 260;
    private const int PlotLeft = 64;
    private const int PlotRight = 30;
    private const int Colours = 8;

    private const string Style = """
        :root { color-scheme: light dark; --ink: #1d2430; --dim: #667085; --line: #d0d5dd; --paper: #ffffff;
          --c0: #667085; --c1: #1668dc; --c2: #d4570c; --c3: #17803d; --c4: #8e3bc9; --c5: #b8860b; --c6: #c0267e; --c7: #0e8a8a; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #98a2b3; --line: #3a4252; --paper: #14181f;
          --c0: #98a2b3; --c1: #6aa5ff; --c2: #ff9a57; --c3: #5cc77f; --c4: #c58bff; --c5: #e6c04a; --c6: #ff7ac0; --c7: #4fd1d1; } }
        body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
        h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; } p { color: var(--dim); }
        svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; } svg text { fill: var(--ink); } svg .dim { fill: var(--dim); }
        svg .grid { stroke: var(--line); stroke-width: 1; } svg .whisker { stroke: var(--ink); stroke-width: 1.5; } svg polyline { fill: none; stroke-width: 2; }
        table { border-collapse: collapse; font-size: 13px; } td, th { border-bottom: 1px solid var(--line); padding: .2rem .7rem .2rem 0; text-align: right; } td:first-child, th:first-child { text-align: left; }
        """;

    /// <summary>The whole page.</summary>
    public static string Render(CompareReport report)
    {
        var page = new StringBuilder("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Fairlead: load</title><style>")
            .Append(Style).Append("</style></head><body><h1>Load, targets beside each other</h1><p>")
            .Append(Text(report.Machine.ToString())).Append(". ")
            .Append(Invariant($"{report.Setup.Rounds} interleaved rounds of {report.Setup.Milliseconds / 1000.0:0.###} s; bars are medians, whiskers the slowest and the fastest round. "))
            .Append("A ratio means nothing finer than the A/A spread: how far two runs of the reference in one round lay apart.</p>");
        foreach (var row in report.Rows)
        {
            var scenario = row.Scenario;
            page.Append(Invariant($"<h2 id=\"{Text(scenario.Name)}\">{Text(scenario.Name)}</h2><p>{Text(scenario.Note)} "))
                .Append(Invariant($"{scenario.Connections} connections, {(scenario.Rate is { } rate ? Invariant($"{rate:0.##} calls/s meant, latency from when a call was due") : "closed loop")}, {scenario.Payload} B. A/A spread {row.Throughput(0).Spread:0.000}.</p>"));
            Bars(page, row);
            Curves(page, row);
            Table(page, row);
        }

        return page.Append("</body></html>\n").ToString();
    }

    private static void Bars(StringBuilder page, ScenarioRow row)
    {
        var most = row.Targets.SelectMany(static target => target.Runs).Select(static run => run.Result.CallsPerSecond).DefaultIfEmpty(1).Max();
        var height = (row.Targets.Count * BarStep) + 24;
        page.Append(Invariant($"<svg viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"Calls per second\"><text class=\"dim\" x=\"{Left}\" y=\"12\">calls per second</text>"));
        double X(double value) => Left + (value / Math.Max(most, 1e-9) * (Width - Left - Right));
        for (var i = 0; i < row.Targets.Count; i++)
        {
            var (target, y) = (row.Targets[i], 20 + (i * BarStep));
            page.Append(Invariant($"<text x=\"{Left - 8}\" y=\"{y + 14}\" text-anchor=\"end\">{Text(Short(target.Name))}</text>"));
            if (target.Runs.Count == 0)
            {
                page.Append(Invariant($"<text class=\"dim\" x=\"{Left}\" y=\"{y + 14}\">not measured</text>"));
                continue;
            }

            var values = (i == 0 ? target.Runs.Concat(row.ReferenceAgain) : target.Runs).Select(static run => run.Result.CallsPerSecond).ToArray();
            var (median, low, high) = (Rounds.Median(values), X(values.Min()), X(values.Max()));
            page.Append(Invariant($"<rect x=\"{Left}\" y=\"{y}\" width=\"{X(median) - Left:0.0}\" height=\"18\" fill=\"var(--c{i % Colours})\" opacity=\"0.75\"/>"))
                .Append(Invariant($"<line class=\"whisker\" x1=\"{low:0.0}\" x2=\"{high:0.0}\" y1=\"{y + 9}\" y2=\"{y + 9}\"/><line class=\"whisker\" x1=\"{low:0.0}\" x2=\"{low:0.0}\" y1=\"{y + 5}\" y2=\"{y + 13}\"/>"))
                .Append(Invariant($"<line class=\"whisker\" x1=\"{high:0.0}\" x2=\"{high:0.0}\" y1=\"{y + 5}\" y2=\"{y + 13}\"/><text x=\"{high + 8:0.0}\" y=\"{y + 14}\">{median:0}</text>"));
        }

        page.Append("</svg>");
    }

    /// <summary>Latency over percentiles, both axes logarithmic: the way to 100 % in halves, microseconds in decades.</summary>
    private static void Curves(StringBuilder page, ScenarioRow row)
    {
        var percentiles = Latencies.CurvePercentiles;
        var curves = row.Targets.Select(target => target.Runs.Count == 0 ? [] : percentiles.Select((_, p) => Rounds.Median(target.Runs.Select(run => run.Result.Latency.Curve[p]))).ToArray()).ToArray();
        var all = curves.SelectMany(static curve => curve).Where(static us => us > 0).ToArray();
        if (all.Length == 0)
        {
            return;
        }

        var (lowest, highest) = (Math.Floor(Math.Log10(all.Min())), Math.Ceiling(Math.Log10(all.Max())));
        highest = Math.Max(highest, lowest + 1);
        var last = Steps(percentiles[^1]);
        double X(double percentile) => PlotLeft + (Steps(percentile) / last * (Width - PlotLeft - PlotRight));
        double Y(double us) => 20 + ((highest - Math.Log10(Math.Max(us, Math.Pow(10, lowest)))) / (highest - lowest) * (PlotHeight - 50));

        page.Append(Invariant($"<svg viewBox=\"0 0 {Width} {PlotHeight}\" role=\"img\" aria-label=\"Latency by percentile\"><text class=\"dim\" x=\"{PlotLeft}\" y=\"12\">latency by percentile</text>"));
        for (var decade = lowest; decade <= highest; decade++)
        {
            var y = Y(Math.Pow(10, decade));
            page.Append(Invariant($"<line class=\"grid\" x1=\"{PlotLeft}\" x2=\"{Width - PlotRight}\" y1=\"{y:0.0}\" y2=\"{y:0.0}\"/><text class=\"dim\" x=\"{PlotLeft - 6}\" y=\"{y + 4:0.0}\" text-anchor=\"end\">{Time(Math.Pow(10, decade))}</text>"));
        }

        foreach (var percentile in (double[])[0, 50, 75, 93.75, 99.21875, 99.90234375, 99.99])
        {
            page.Append(Invariant($"<text class=\"dim\" x=\"{X(percentile):0.0}\" y=\"{PlotHeight - 10}\" text-anchor=\"middle\">{percentile:0.##}%</text>"));
        }

        for (var i = 0; i < curves.Length; i++)
        {
            var points = string.Join(' ', curves[i].Select((us, p) => Invariant($"{X(percentiles[p]):0.0},{Y(us):0.0}")));
            page.Append(Invariant($"<polyline stroke=\"var(--c{i % Colours})\" points=\"{points}\"><title>{Text(row.Targets[i].Name)}</title></polyline>"));
        }

        page.Append("</svg>");
    }

    private static void Table(StringBuilder page, ScenarioRow row)
    {
        page.Append("<table><tr><th>target</th><th>calls/s</th><th>ratio</th><th>p50 us</th><th>p99 us</th><th>errors</th></tr>");
        for (var i = 0; i < row.Targets.Count; i++)
        {
            var target = row.Targets[i];
            page.Append(Invariant($"<tr><td><span style=\"color:var(--c{i % Colours})\">&#9632;</span> {Text(target.Name)} <small>{Text(target.What)}</small></td>"));
            page.Append(target.NotMeasured is { } reason
                ? $"<td colspan=\"5\" style=\"text-align:left\">not measured: {Text(reason)}</td></tr>"
                : Invariant($"<td>{Median(target, static run => run.Result.CallsPerSecond):0}</td><td>{(i == 0 ? "reference" : Invariant($"{row.Throughput(i).Ratio:0.000}"))}</td>")
                    + Invariant($"<td>{Median(target, static run => run.Result.Latency.P50Us):0.#}</td><td>{Median(target, static run => run.Result.Latency.P99Us):0.#}</td><td>{target.Runs.Sum(static run => run.Result.Errors + run.Result.NotStarted)}</td></tr>"));
        }

        page.Append("</table>");
        foreach (var verdict in row.Verdicts())
        {
            page.Append("<p>").Append(Text(verdict.ToString().Replace("**", "", StringComparison.Ordinal))).Append("</p>");
        }
    }

    private static double Median(TargetRow target, Func<Run, double> of) => Rounds.Median(target.Runs.Select(of));

    private static double Steps(double percentile) => -Math.Log2(1 - (percentile / 100));

    private static string Time(double us) => us < 1_000 ? Invariant($"{us:0.###} us") : us < 1_000_000 ? Invariant($"{us / 1e3:0} ms") : Invariant($"{us / 1e6:0} s");

    private static string Short(string name) => name.Length <= 20 ? name : name[..19] + "…";

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
