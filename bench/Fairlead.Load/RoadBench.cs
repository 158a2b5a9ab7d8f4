using System.Globalization;
using Fairlead.Measuring;

namespace Fairlead.Load;

/// <summary>
/// Calls per second and latency through the gateway beside the bare web server, or beside the gateway of another checkout (before and after a change). Per number of connections, after a warm-up, some rounds of
/// bare, through, bare again; the two bare runs of a round (A/A) show how far two measurements of one and the same thing lie apart here and today.
/// </summary>
internal static class RoadBench
{
    private const int WarmUpSeconds = 5;

    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        using var workplace = new Workplace(arguments);
        using var client = new HttpClient();
        var (rounds, seconds) = (arguments.Number("--rounds", 5), arguments.Number("--seconds", 5));
        var connectionCounts = arguments.Text("--connections", "1,16,64").Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture));

        var other = arguments.Text("--base", "");
        var guards = arguments.Text("--guards", "");
        await using var bare = await (guards.Length > 0 ? workplace.StartGatewayAsync(workplace.FleetWith(isGuarded: false)) : other.Length == 0 ? workplace.StartBareAsync() : workplace.StartOtherGatewayAsync(other)).ConfigureAwait(false);
        var before = other.Length + guards.Length == 0 ? [] : ProcessFigures.WithEnvironment(workplace.Mark);
        var self = arguments.Text("--target", "gateway") == "bare";
        await using var target = await (guards.Length > 0 ? StartGuardedAsync(workplace, guards) : self ? workplace.StartBareAsync() : workplace.StartGatewayAsync(servers: 1)).ConfigureAwait(false);
        var (bareEndpoint, endpoint) = (new Uri(bare.Url, Workplace.EndpointOf(1)), new Uri(target.Url, Workplace.EndpointOf(1)));
        await BenchCall.CheckAsync(client, bareEndpoint).ConfigureAwait(false);
        await BenchCall.CheckAsync(client, endpoint).ConfigureAwait(false);
        int[] children = [.. ProcessFigures.WithEnvironment(workplace.Mark).Except(before)];

        using var awake = AwakeProcessors.Keep();
        var report = new RoadReport(self ? "bare" : "gateway", guards.Length > 0 ? "guards off" : other.Length == 0 ? "bare" : "base", rounds, seconds, awake.Words);
        foreach (var connections in connectionCounts)
        {
            Task<Sample> MeasureAsync(Uri to, int length, params int[] pids) => Sample.TakeAsync(workplace.Script, to, connections, length, pids);

            await MeasureAsync(bareEndpoint, WarmUpSeconds).ConfigureAwait(false);
            var warm = await MeasureAsync(endpoint, WarmUpSeconds).ConfigureAwait(false);
            var row = new RoadRow(connections);
            for (var round = 1; round <= rounds; round++)
            {
                row.Bare.Add(await MeasureAsync(bareEndpoint, seconds, bare.Id).ConfigureAwait(false));
                row.Through.Add(await MeasureAsync(endpoint, seconds, [target.Id, .. children]).ConfigureAwait(false));
                row.BareAgain.Add(await MeasureAsync(bareEndpoint, seconds, bare.Id).ConfigureAwait(false));
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{connections} connections, round {round}: {report.Reference} {row.Bare[^1].Run.CallsPerSecond:0}, through {row.Through[^1].Run.CallsPerSecond:0}, {report.Reference} again {row.BareAgain[^1].Run.CallsPerSecond:0} calls/s"));
            }

            CheckSameAnswers(row, warm);
            report.Rows.Add(row);
        }

        await BenchCall.CheckAsync(client, endpoint).ConfigureAwait(false);
        var path = Path.Combine(workplace.Results, "road.json");
        await File.WriteAllTextAsync(path, report.ToJson()).ConfigureAwait(false);
        Console.WriteLine(report.ToTable());
        return 0;
    }

    /// <summary>The gateway with everything on that looks at a call. Traces go to an address where nobody listens.</summary>
    private static Task<ServerProcess> StartGuardedAsync(Workplace workplace, string sampling)
    {
        var sampler = sampling switch
        {
            "unsampled" => "always_off",
            "traced" => "always_on",
            _ => throw new BenchFailedException($"--guards {sampling}: give unsampled (no call is traced) or traced (each one is)"),
        };
        Environment.SetEnvironmentVariable("OTEL_TRACES_SAMPLER", sampler);
        Environment.SetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
        return workplace.StartGatewayAsync(workplace.FleetWith(isGuarded: true));
    }

    /// <summary>
    /// wrk does not read answers, but it counts bytes: an error in a 200 answer has another length than the checked one. What was under way when the time
    /// was up may be counted in part: at most one answer per connection.
    /// </summary>
    private static void CheckSameAnswers(RoadRow row, Sample warm)
    {
        foreach (var run in row.Through.Select(sample => sample.Run))
        {
            var slack = 1 + (warm.Run.BytesPerCall * row.Connections * 2 / Math.Min(run.Calls, warm.Run.Calls));
            if (Math.Abs(run.BytesPerCall - warm.Run.BytesPerCall) > slack)
            {
                throw new BenchFailedException(string.Create(CultureInfo.InvariantCulture,
                    $"answers changed their length during the run, from {warm.Run.BytesPerCall:0.0} to {run.BytesPerCall:0.0} bytes a call: some were errors"));
            }
        }
    }
}
