using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Fairlead.Load;

/// <summary>What the gateway costs when nobody calls: start to first answer, memory at rest, idle CPU; with a number of echo servers on stdio.</summary>
internal static class RestBench
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        using var workplace = new Workplace(arguments);
        var (servers, starts) = (arguments.Number("--servers", 8), arguments.Number("--starts", 5));
        var idle = TimeSpan.FromSeconds(arguments.Number("--idle-seconds", 20));
        var program = arguments.Text("--program", "published");
        var path = program switch { "published" => workplace.PublishedGateway, "plain" => null, _ => Path.GetFullPath(program) };

        var first = new List<StartFigures>();
        var later = new List<StartFigures>();
        for (var i = 0; i < starts; i++)
        {
            first.Add(await MeasureStartAsync(workplace, servers, freshState: true, path).ConfigureAwait(false));
            later.Add(await MeasureStartAsync(workplace, servers, freshState: false, path).ConfigureAwait(false));
            Console.Error.WriteLine(FormattableString.Invariant($"start {i + 1}: first {first[^1]}, later {later[^1]}"));
        }

        var rest = await MeasureRestAsync(workplace, servers, idle, path).ConfigureAwait(false);
        var result = new { program, servers, starts, firstStart = StartFigures.Median(first), laterStart = StartFigures.Median(later), rest };
        await File.WriteAllTextAsync(Path.Combine(workplace.Results, "rest.json"), JsonSerializer.Serialize(result, s_json)).ConfigureAwait(false);

        var text = new StringBuilder();
        text.AppendLine(FormattableString.Invariant($"Medians of {starts} starts of the {program} program with {servers} echo servers on stdio, milliseconds after the start of the process:"));
        text.AppendLine();
        text.AppendLine("| start | listening | /health answered | first tool call answered | a call to every server answered |");
        text.AppendLine("|---|---|---|---|---|");
        text.AppendLine(result.firstStart.ToRow("first (empty state folder)"));
        text.AppendLine(result.laterStart.ToRow("later (state kept)"));
        text.AppendLine();
        text.AppendLine(rest.ToTable());
        Console.WriteLine(text.ToString());
        return 0;
    }

    private static async Task<StartFigures> MeasureStartAsync(Workplace workplace, int servers, bool freshState, string? program)
    {
        using var client = new HttpClient();
        var start = TimeProvider.System.GetTimestamp();
        double Elapsed() => TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;

        await using var gateway = await workplace.StartGatewayAsync(servers, freshState, program).ConfigureAwait(false);
        using (var health = await client.GetAsync(new Uri(gateway.Url, "/health")).ConfigureAwait(false))
        {
            health.EnsureSuccessStatusCode();
        }

        var healthMs = Elapsed();
        await BenchCall.CheckAsync(client, new Uri(gateway.Url, Workplace.EndpointOf(1))).ConfigureAwait(false);
        var firstMs = Elapsed();
        await CallEveryServerAsync(client, gateway, servers).ConfigureAwait(false);
        return new StartFigures(gateway.Startup.TotalMilliseconds, healthMs, firstMs, Elapsed());
    }

    private static async Task<RestFigures> MeasureRestAsync(Workplace workplace, int servers, TimeSpan idle, string? program)
    {
        using var client = new HttpClient();
        await using var gateway = await workplace.StartGatewayAsync(servers, program: program).ConfigureAwait(false);
        await CallEveryServerAsync(client, gateway, servers).ConfigureAwait(false);

        // The first seconds still pay for the start (tiered compilation, catalogue): rest begins after them.
        await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System).ConfigureAwait(false);
        var children = ProcessFigures.WithEnvironment(workplace.Mark);
        var (cpu, start) = (ProcessFigures.CpuSeconds(gateway.Id), TimeProvider.System.GetTimestamp());
        await Task.Delay(idle, TimeProvider.System).ConfigureAwait(false);
        var used = ProcessFigures.CpuSeconds(gateway.Id) - cpu;
        var share = used / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        return new RestFigures(
            ProcessFigures.PrivateBytes(gateway.Id), ProcessFigures.ResidentBytes(gateway.Id), children.Sum(ProcessFigures.PrivateBytes), children.Count, share);
    }

    private static Task CallEveryServerAsync(HttpClient client, ServerProcess gateway, int servers) =>
        Task.WhenAll(Enumerable.Range(1, servers).Select(i => BenchCall.CheckAsync(client, new Uri(gateway.Url, Workplace.EndpointOf(i)))));
}

/// <summary>Milliseconds since the start of the process.</summary>
/// <param name="ListeningMs">The listening line was printed.</param>
/// <param name="HealthMs">/health answered.</param>
/// <param name="FirstCallMs">The first server answered a tool call.</param>
/// <param name="AllServersMs">Every server answered one.</param>
internal sealed record StartFigures(double ListeningMs, double HealthMs, double FirstCallMs, double AllServersMs)
{
    public static StartFigures Median(IReadOnlyCollection<StartFigures> all) => new(
        RoadRow.Median(all.Select(f => f.ListeningMs)),
        RoadRow.Median(all.Select(f => f.HealthMs)),
        RoadRow.Median(all.Select(f => f.FirstCallMs)),
        RoadRow.Median(all.Select(f => f.AllServersMs)));

    public string ToRow(string name) => string.Create(CultureInfo.InvariantCulture, $"| {name} | {ListeningMs:0} | {HealthMs:0} | {FirstCallMs:0} | {AllServersMs:0} |");
}

/// <summary>The gateway at rest. Bytes; CPU as a share of one core.</summary>
internal sealed record RestFigures(long PrivateBytes, long ResidentBytes, long ChildrenPrivateBytes, int Children, double IdleCpuShare)
{
    private const double Megabyte = 1e6;

    public string ToTable() => string.Create(CultureInfo.InvariantCulture, $"""
        | at rest | |
        |---|---|
        | private memory of the gateway | {PrivateBytes / Megabyte:0.0} MB |
        | resident memory of the gateway | {ResidentBytes / Megabyte:0.0} MB |
        | private memory of the {Children} echo processes together | {ChildrenPrivateBytes / Megabyte:0.0} MB |
        | idle CPU of the gateway | {IdleCpuShare * 100:0.00} % of one core |
        """);
}
