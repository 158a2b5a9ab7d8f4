using System.Globalization;
using System.Text.Json.Nodes;
using Fairlead.EndToEnd.Tests.Cli;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>Calls at a fixed rate from a process of their own, <c>fairlead bench</c>: what else a test does must not show in their latency.</summary>
/// <param name="P50Ms">From when a call was due to its answer.</param>
/// <param name="P99Ms">From when a call was due to its answer.</param>
/// <param name="MaxMs">From when a call was due to its answer.</param>
/// <param name="LateP99Ms">How late the load itself was.</param>
internal sealed record MeasuredLoad(double P50Ms, double P99Ms, double MaxMs, double LateP99Ms)
{
    // Two for each tool: one that waits for an answer does not keep the next call of that tool waiting.
    private const int ConnectionsPerTool = 2;

    // In the process that measures: what .NET compiles as the load begins is not of the servers, and at 200 calls a second it is in the hundredth that p99 looks at.
    private const int WarmUpSeconds = 3;

    /// <summary>Calls tools in turn; all must be answered.</summary>
    /// <param name="endpoint">Where they are.</param>
    /// <param name="tools">Tools that take a <c>message</c>.</param>
    /// <param name="callsPerSecond">Over all of them.</param>
    /// <param name="seconds">For how long.</param>
    public static async Task<MeasuredLoad> RunAsync(Uri endpoint, IReadOnlyList<string> tools, int callsPerSecond, int seconds)
    {
        var run = (await CliRun.OfAsync(
            "bench", string.Join(',', tools), """{"message":"hi"}""", "--url", endpoint.ToString(), "--rate", Text(callsPerSecond), "--seconds", Text(seconds), "--warm-up", Text(WarmUpSeconds),
            "--connections", Text(tools.Count * ConnectionsPerTool), "--json")).Ended(0);
        var result = JsonNode.Parse(run.Output.Split('\n').Single(static line => line.StartsWith('{')))!["result"]!;
        Assert.Equal((callsPerSecond * seconds, 0), ((int)result["calls"]!, (int)result["notStarted"]!));
        var latency = result["latency"]!;
        return new MeasuredLoad((double)latency["p50Us"]! / 1e3, (double)latency["p99Us"]! / 1e3, (double)latency["maxUs"]! / 1e3, (double)result["lateP99Us"]! / 1e3);

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"p50 {P50Ms:0.0} ms, p99 {P99Ms:0.0} ms, at most {MaxMs:0} ms; the load was late by {LateP99Ms:0.00} ms (p99)");
}
