using System.Globalization;
using Fairlead.Measuring;

namespace Fairlead.Load.Compare;

/// <summary>Measures scenarios: in each round the reference, every target, and the reference again, so that a machine that slows down slows all of them.</summary>
internal static class CompareBench
{
    /// <summary>The <c>load</c> mode.</summary>
    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        // The load generator's sockets on one thread, without handing each event to another: half the processor time a call. Read when the first socket is made.
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "1");

        var root = Path.GetFullPath(arguments.Text("--root", "."));
        var scenarios = await Scenario.LoadAsync(arguments.Text("--file", Path.Combine(root, "bench", "scenarios.json")), arguments.Text("--scenarios", "")).ConfigureAwait(false);
        if (arguments.Text("--list", "no") != "no")
        {
            foreach (var scenario in scenarios)
            {
                Console.WriteLine($"{scenario.Name,-24} {scenario.Note}");
            }

            return 0;
        }

        using var workplace = new Workplace(arguments);
        var url = arguments.Text("--url", "");
        var setup = new RunSetup(arguments.Number("--rounds", 5), arguments.Number("--milliseconds", 5000), arguments.Number("--warm-up", 3000));
        if (setup.Rounds < 1 || setup.Milliseconds < 1 || setup.WarmUpMilliseconds < 0)
        {
            throw new BenchFailedException("--rounds and --milliseconds must be 1 or more, and --warm-up (milliseconds) 0 or more");
        }

        using var awake = AwakeProcessors.Keep();
        var report = new CompareReport(await MachineFacts.ReadAsync(root).ConfigureAwait(false), setup, awake.Words);
        var folder = Directory.CreateDirectory(Path.GetFullPath(arguments.Text("--out", workplace.Results))).FullName;
        Console.WriteLine(report.Heading());
        foreach (var scenario in scenarios)
        {
            var extended = url.Length == 0 ? scenario : scenario with { Targets = [.. scenario.Targets, url] };
            Console.Error.WriteLine($"== {extended.Name}: {extended.Note}");
            report.Rows.Add(await MeasureAsync(extended, workplace, setup).ConfigureAwait(false));

            // After each scenario, so that a run that is ended early leaves what it has, to read and to record.
            Console.Write(report.LastSection());
            await File.WriteAllTextAsync(Path.Combine(folder, "load.json"), report.ToJson()).ConfigureAwait(false);
            await File.WriteAllTextAsync(Path.Combine(folder, "load.html"), HtmlReport.Render(report)).ConfigureAwait(false);
        }

        Console.Error.WriteLine($"All figures: {Path.Combine(folder, "load.json")}, plots: {Path.Combine(folder, "load.html")}");
        return 0;
    }

    private static async Task<ScenarioRow> MeasureAsync(Scenario scenario, Workplace workplace, RunSetup setup)
    {
        var contenders = new List<Contender>();
        try
        {
            contenders.Add(await StartReferenceAsync(scenario, workplace).ConfigureAwait(false));
            foreach (var target in scenario.Targets)
            {
                var contender = await CheckedAsync(await StartAsync(target, scenario, workplace).ConfigureAwait(false)).ConfigureAwait(false);
                contenders.Add(contender);
                if (contender.NotMeasured is { } reason)
                {
                    Console.Error.WriteLine($"   {contender.Name} not measured: {reason}");
                }
            }

            var row = new ScenarioRow(scenario, [.. contenders.Select(static contender => new TargetRow(contender.Name, contender.What, contender.NotMeasured))]);
            foreach (var (contender, measured) in contenders.Zip(row.Targets).Where(static pair => pair.First.NotMeasured is null))
            {
                // Cold: the first calls of a process that has just started. Only one start, so it is no figure of record.
                measured.Cold = await contender.RunAsync(new LoadPlan(TimeSpan.FromMilliseconds(Math.Min(500, setup.Milliseconds))), scenario.Connections).ConfigureAwait(false);
                var warm = setup.WarmUpMilliseconds > 0 ? await contender.RunAsync(new LoadPlan(TimeSpan.FromMilliseconds(setup.WarmUpMilliseconds)), scenario.Connections).ConfigureAwait(false) : measured.Cold;
                if (contender.Name == "gateway" && scenario.RateShare is { } share)
                {
                    row = row with { Scenario = scenario with { Rate = Math.Round(share * warm.Result.CallsPerSecond) } };
                }
            }

            var plan = new LoadPlan(TimeSpan.FromMilliseconds(setup.Milliseconds), row.Scenario.Rate);

            for (var round = 1; round <= setup.Rounds; round++)
            {
                foreach (var (contender, measured) in contenders.Zip(row.Targets).Where(static pair => pair.First.NotMeasured is null))
                {
                    measured.Runs.Add(await contender.RunAsync(plan, scenario.Connections).ConfigureAwait(false));
                }

                row.ReferenceAgain.Add(await contenders[0].RunAsync(plan, scenario.Connections).ConfigureAwait(false));
                Console.Error.WriteLine($"   round {round}: " + string.Join(", ", row.Targets.Where(static target => target.Runs.Count != 0).Select(static target =>
                    string.Create(CultureInfo.InvariantCulture, $"{target.Name} {target.Runs[^1].Result.CallsPerSecond:0}/s{(target.Runs[^1].Result.Errors == 0 ? "" : $" with {target.Runs[^1].Result.Errors} errors")}"))));
            }

            return row;
        }
        finally
        {
            foreach (var contender in contenders)
            {
                await contender.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private static Task<Contender> StartReferenceAsync(Scenario scenario, Workplace workplace) => scenario.Reference switch
    {
        "direct" => OwnContenders.DirectAsync(scenario, workplace),
        "forwarder" => OwnContenders.ForwarderAsync(scenario, workplace),
        "same-era" => OwnContenders.GatewayAsync(scenario with { ServerEra = scenario.ClientEra }, workplace, "same-era"),
        "tool" => Task.FromResult(OwnContenders.Tool(scenario)),
        _ => OwnContenders.BareAsync(scenario, workplace),
    };

    private static async Task<Contender> StartAsync(string target, Scenario scenario, Workplace workplace) => target switch
    {
        "gateway" => await OwnContenders.GatewayAsync(scenario, workplace).ConfigureAwait(false),
        "forwarder" => await OwnContenders.ForwarderAsync(scenario, workplace).ConfigureAwait(false),
        "manager" => await OwnContenders.ManagerAsync(scenario).ConfigureAwait(false),
        "nginx" => await OtherContenders.NginxAsync(scenario, workplace).ConfigureAwait(false),
        "mcp-proxy" => await OtherContenders.McpProxyAsync(scenario, workplace).ConfigureAwait(false),
        "supergateway" => await OtherContenders.SupergatewayAsync(scenario, workplace).ConfigureAwait(false),
        "mcp-hub" => await OtherContenders.McpHubAsync(scenario, workplace).ConfigureAwait(false),
        _ when Uri.TryCreate(target, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" => OtherContenders.Url(scenario, url),
        _ => throw new BenchFailedException(
            $"scenario '{scenario.Name}': the target '{target}' is not known; use gateway, forwarder, nginx, mcp-proxy, supergateway, mcp-hub, manager or an http address"),
    };

    /// <summary>Waits until a target answers one call as it should: a gateway listens before its servers have started. One of others that does not in a minute is left out, with the reason.</summary>
    private static async Task<Contender> CheckedAsync(Contender contender)
    {
        if (contender.NotMeasured is not null || contender.InProcess is not null)
        {
            return contender;
        }

        var deadline = TimeProvider.System.GetTimestamp() + (60 * TimeProvider.System.TimestampFrequency);
        string reason;
        do
        {
            try
            {
                reason = "";
                foreach (var target in contender.Targets)
                {
                    using var caller = await HttpCaller.OpenAsync(target, CancellationToken.None).ConfigureAwait(false);
                    reason = (await caller.FirstCallAsync(CancellationToken.None).ConfigureAwait(false)).Fault ?? reason;
                    await caller.CloseAsync().ConfigureAwait(false);
                }

                if (reason.Length == 0)
                {
                    return contender;
                }
            }
            catch (LoadFailedException e)
            {
                reason = e.Message;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System).ConfigureAwait(false);
        }
        while (contender.IsOurs && TimeProvider.System.GetTimestamp() < deadline);

        return contender.Name == "gateway"
            ? throw new BenchFailedException($"the gateway does not answer as it should: {reason}")
            : await contender.FailedAsync(contender.IsOurs ? $"it started, but did not answer as it should for a minute: {reason}" : reason).ConfigureAwait(false);
    }
}

/// <summary>How long everything is measured.</summary>
internal sealed record RunSetup(int Rounds, int Milliseconds, int WarmUpMilliseconds);
