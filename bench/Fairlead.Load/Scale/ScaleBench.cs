using System.Globalization;
using System.Text.Json;
using Fairlead.Load.Compare;
using Fairlead.Load.Servers;
using Fairlead.Measuring;

namespace Fairlead.Load.Scale;

/// <summary>Many clients and many servers: the gateway's memory and the latency of calls while so many connections or listen streams are open, and the registration of a thousand servers.</summary>
internal static class ScaleBench
{
    private const double RegistrationSecondsMax = 1;

    // Open files that the gateway and this program need for other things.
    private const int FilesKept = 200;
    private const int Callers = 16;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>The <c>scale</c> mode.</summary>
    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        using var workplace = new Workplace(arguments);
        var machine = await MachineFacts.ReadAsync(workplace.Root).ConfigureAwait(false);
        var plan = new LoadPlan(TimeSpan.FromSeconds(arguments.Number("--seconds", 5)), arguments.Number("--rate", 500));
        var wanted = arguments.Text("--steps", "1000,2000,5000,10000").Split(',').Select(static step => int.Parse(step, CultureInfo.InvariantCulture)).Order().ToArray();
        var files = OpenFilesMax();
        int[] steps = [.. wanted.Where(step => step <= files - FilesKept)];
        var rounds = arguments.Number("--rounds", 3);
        Console.WriteLine($"{machine}\n");
        if (steps.Length < wanted.Length)
        {
            Console.WriteLine($"**Stopped by the limit of open files ({files}):** {string.Join(", ", wanted.Except(steps))} are not measured. Raise the hard limit (ulimit -Hn) and run again.\n");
        }

        var connections = await CurveAsync(workplace, "connections that have called once", HeldConnections.OfCalls, steps, plan).ConfigureAwait(false);
        var streams = await CurveAsync(workplace, "listen streams, each with its connection", HeldConnections.OfListenStreams, steps, plan).ConfigureAwait(false);
        var servers = await ManyServers.MeasureAsync(workplace, arguments.Number("--servers", 1_000), rounds).ConfigureAwait(false);
        var verdict = Verdict.AtMost(
            FormattableString.Invariant($"seconds until {servers.Count} servers are registered"), Rounds.Median(servers.RegisteredSeconds), RegistrationSecondsMax,
            servers.RegisteredSeconds.Max() - servers.RegisteredSeconds.Min());
        Console.WriteLine($"{servers.ToTable()}\n- {verdict}");
        await File.WriteAllTextAsync(
            Path.Combine(workplace.Results, "scale.json"), JsonSerializer.Serialize(new { machine, openFilesMax = files, plan.Rate, connections, streams, servers, verdicts = new[] { verdict } }, s_json)).ConfigureAwait(false);
        return 0;
    }

    private static async Task<List<ScaleStep>> CurveAsync(Workplace workplace, string what, Func<Uri, HeldConnections> hold, int[] steps, LoadPlan plan)
    {
        Console.WriteLine(FormattableString.Invariant(
            $"{what}; meanwhile {plan.Rate} calls/s over {Callers} other connections for {plan.Duration.TotalSeconds} s:\n\n| open | private memory, MB | one of them, KB | opened in, s | p50 us | p99 us | errors | closed by the gateway |\n|---|---|---|---|---|---|---|---|"));
        await using var gateway = await workplace.StartGatewayAsync(servers: 1).ConfigureAwait(false);
        var endpoint = new Uri(gateway.Url, Workplace.EndpointOf(1));
        var callers = await LoadRun.OpenAsync([new LoadTarget(endpoint, LoadEra.Modern, "echo", EchoText.Arguments(64))], Callers, CancellationToken.None).ConfigureAwait(false);
        var rows = new List<ScaleStep>();
        using var held = hold(endpoint);
        try
        {
            // Until the compiler is done with what the calls need: it is none of the connections'.
            await LoadRun.RunAsync(plan, callers, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
            await LoadRun.RunAsync(plan, callers, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
            foreach (var step in (int[])[0, .. steps])
            {
                var started = TimeProvider.System.GetTimestamp();
                await held.GrowAsync(step).ConfigureAwait(false);
                var opened = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
                await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System).ConfigureAwait(false);
                var memory = ProcessFigures.PrivateBytes(gateway.Id);
                var run = await LoadRun.RunAsync(plan, callers, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
                var row = new ScaleStep(step, memory, step == 0 ? 0 : (double)(memory - rows[0].PrivateBytes) / step, opened, run.Latency.P50Us, run.Latency.P99Us, run.Errors + run.NotStarted, held.CountClosed());
                rows.Add(row);
                Console.WriteLine(row.ToRow());
            }
        }
        finally
        {
            await LoadRun.CloseAsync(callers).ConfigureAwait(false);
        }

        Console.WriteLine();
        return rows;
    }

    /// <summary>The soft limit of this process, which the gateway inherits; the runtime raises it to the hard one.</summary>
    private static int OpenFilesMax()
    {
        var line = File.ReadLines("/proc/self/limits").First(static line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var soft = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return soft == "unlimited" ? int.MaxValue : int.Parse(soft, CultureInfo.InvariantCulture);
    }
}

/// <summary>The gateway while so many are open.</summary>
/// <param name="Open">How many.</param>
/// <param name="PrivateBytes">The gateway's private memory.</param>
/// <param name="EachBytes">What it grew by since none was open, divided by them.</param>
/// <param name="OpenedSeconds">How long it took to open those that were not open at the step before.</param>
/// <param name="P50Us">Latency of the calls meanwhile, median.</param>
/// <param name="P99Us">The 99th percentile of it.</param>
/// <param name="Errors">Calls that failed or could not be begun in time.</param>
/// <param name="Closed">How many the gateway has closed.</param>
internal sealed record ScaleStep(int Open, long PrivateBytes, double EachBytes, double OpenedSeconds, double P50Us, double P99Us, long Errors, int Closed)
{
    /// <summary>A row of the table.</summary>
    public string ToRow() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Open} | {PrivateBytes / 1048576.0:0.0} | {(Open == 0 ? "" : (EachBytes / 1024).ToString("0.0", CultureInfo.InvariantCulture))} | {OpenedSeconds:0.0} | {P50Us:0} | {P99Us:0} | {Errors} | {Closed} |");
}
