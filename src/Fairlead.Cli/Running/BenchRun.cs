using System.Globalization;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Measuring;

namespace Fairlead.Cli.Running;

/// <summary>One measurement of <c>fairlead bench</c>: looks whether the target can be measured, warms it up, measures, and prints what was seen.</summary>
/// <param name="connections">How many.</param>
/// <param name="plan">How hard, and how long.</param>
/// <param name="warmUp">Calls for so long beforehand that are not counted.</param>
/// <param name="asJson">Whether the result is one JSON object.</param>
internal sealed class BenchRun(int connections, LoadPlan plan, TimeSpan warmUp, bool asJson)
{
    private const int ToolsShownMax = 10;
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    /// <summary>Reads headers as they are written on the command line.</summary>
    /// <returns>The headers, and what is wrong with one of them; null when nothing is.</returns>
    public static (IReadOnlyList<KeyValuePair<string, string>> Headers, string? Wrong) ParseHeaders(string[] texts)
    {
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var text in texts)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon < 1 || text.AsSpan(0, colon).ContainsAny(" \t\r\n") || text.AsSpan().ContainsAny("\r\n"))
            {
                // The value is not shown: it is often a credential.
                return ([], $"the header '{(colon < 0 ? "" : CellText.Clean(text[..colon]))}' is not understood; one is written --header 'Name: value', on one line");
            }

            headers.Add(new(text[..colon], text[(colon + 1)..].Trim()));
        }

        return (headers, null);
    }

    /// <summary>Measures. Ctrl+C and SIGTERM end the measurement, and what was seen until then is shown; a second one ends the process.</summary>
    /// <param name="targets">What: at one endpoint, connection i calls target i modulo their number.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IReadOnlyList<LoadTarget> targets)
    {
        using var signals = new StopSignals(TimeProvider.System, static () => Environment.Exit(ExitCodes.Interrupted));
        var cancellationToken = signals.Stop;
        try
        {
            foreach (var target in targets)
            {
                await CheckAsync(target, cancellationToken).ConfigureAwait(false);
            }

            var callers = await LoadRun.OpenAsync(targets, connections, cancellationToken).ConfigureAwait(false);
            try
            {
                Terminal.Current.Error(CellText.Clean(Invariant($"fairlead: measuring {targets[0].Endpoint} for {plan.Duration.TotalSeconds:0} s; Ctrl+C ends it early")));
                if (warmUp > TimeSpan.Zero)
                {
                    await LoadRun.RunAsync(new LoadPlan(warmUp), callers, TimeProvider.System, cancellationToken).ConfigureAwait(false);
                    cancellationToken.ThrowIfCancellationRequested();
                }

                var result = await LoadRun.RunAsync(plan, callers, TimeProvider.System, cancellationToken).ConfigureAwait(false);
                Show(targets, result);
                return result.Errors == 0 ? ExitCodes.Ok : ExitCodes.Failed;
            }
            finally
            {
                await LoadRun.CloseAsync(callers).ConfigureAwait(false);
            }
        }
        catch (LoadFailedException exception)
        {
            return InstanceClient.Fail(
                exception.Fault switch
                {
                    LoadFault.Unreachable => ExitCodes.NotRunning,
                    LoadFault.UnknownTool => ExitCodes.NotFound,
                    LoadFault.ToolError => ExitCodes.ToolError,
                    _ => ExitCodes.Failed,
                },
                exception.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return InstanceClient.Fail(ExitCodes.Interrupted, "the measurement was ended before it began");
        }
    }

    /// <summary>A load of errors is fast and says nothing: the tool must be there and answer once.</summary>
    private static async Task CheckAsync(LoadTarget target, CancellationToken cancellationToken)
    {
        using var caller = await HttpCaller.OpenAsync(target, cancellationToken).ConfigureAwait(false);
        if (target.Tool is { } tool)
        {
            var tools = await caller.ListToolsAsync(cancellationToken).ConfigureAwait(false);
            if (!tools.Contains(tool, StringComparer.Ordinal))
            {
                var shown = tools.Count == 0 ? "no tools" : string.Join(", ", tools.Take(ToolsShownMax)) + (tools.Count > ToolsShownMax ? $" and {tools.Count - ToolsShownMax} more" : "");
                throw new LoadFailedException(LoadFault.UnknownTool, $"{target.Endpoint} has no tool '{tool}'. It has: {shown}.");
            }
        }

        var first = await caller.FirstCallAsync(cancellationToken).ConfigureAwait(false);
        if (first.Fault is { } fault)
        {
            var isToolError = fault.Contains("\"isError\":true", StringComparison.Ordinal);
            throw new LoadFailedException(isToolError ? LoadFault.ToolError : LoadFault.Refused, $"the first call was not answered as expected, so nothing was measured: {fault}");
        }

        await caller.CloseAsync().ConfigureAwait(false);
    }

    private void Show(IReadOnlyList<LoadTarget> targets, LoadResult result)
    {
        var terminal = Terminal.Current;
        var target = targets[0];
        var tools = target.Tool is null ? null : string.Join(',', targets.Select(static one => one.Tool));
        if (asJson)
        {
            var what = new
            {
                endpoint = target.Endpoint, era = target.Era == LoadEra.Modern ? McpRequest.ModernVersion : McpRequest.LegacyVersion, tool = tools, connections,
                cores = Environment.ProcessorCount, percentiles = Latencies.CurvePercentiles, result,
            };
            terminal.Line(JsonSerializer.Serialize(what, s_json));
            return;
        }

        terminal.Line(CellText.Clean(Invariant(
            $"{tools ?? "tools/list"} at {target.Endpoint}, {connections} connections, {(plan.Rate is { } rate ? Invariant($"{rate:0.###} calls/s meant") : "closed loop")}, {result.Seconds:0.0} s")));
        var table = new TextTable("CALLS", "ERRORS", "CALLS/S", "P50", "P90", "P99", "P99.9", "MAX");
        table.Add(
            Invariant($"{result.Calls}"), Invariant($"{result.Errors}"), Invariant($"{result.CallsPerSecond:0}"), Time(result.Latency.P50Us), Time(result.Latency.P90Us), Time(result.Latency.P99Us),
            Time(result.Latency.P999Us), Time(result.Latency.MaxUs));
        foreach (var line in table.Lines(terminal.Width))
        {
            terminal.Line(line);
        }

        if (result.Rate is not null)
        {
            terminal.Line($"Latency counts from when a call was due. From when it was sent: p50 {Time(result.Service.P50Us)}, p99 {Time(result.Service.P99Us)}. The load itself was late by {Time(result.LateP99Us)} (p99).");
        }

        if (result.NotStarted != 0)
        {
            terminal.Line($"{result.NotStarted} calls of the rate found no free connection before the end: that is more than {connections} connections carry. Give more --connections or a lower --rate.");
        }

        if (result.FirstFault is { } fault)
        {
            terminal.Error("fairlead: the first call that failed got: " + CellText.Clean(fault));
        }
    }

    private static string Time(double microseconds) => microseconds switch
    {
        < 1_000 => Invariant($"{microseconds:0} us"),
        < 1_000_000 => Invariant($"{microseconds / 1e3:0.0} ms"),
        _ => Invariant($"{microseconds / 1e6:0.00} s"),
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
