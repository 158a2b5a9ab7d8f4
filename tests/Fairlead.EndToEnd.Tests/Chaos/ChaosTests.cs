using System.Globalization;
using System.Text.Json.Nodes;
using Fairlead.EndToEnd.Tests.Hostile;
using Fairlead.TestKit;
using Xunit.Abstractions;

namespace Fairlead.EndToEnd.Tests.Chaos;

/// <summary>Random events under load (product D5): no orphan, no growth, every call answered rightly or with a clear error.</summary>
/// <remarks>
/// The seed is printed. <c>FAIRLEAD_CHAOS_SEED</c> and <c>FAIRLEAD_CHAOS_EVENTS</c> set it and the number of events; the same seed draws the same events in the
/// same order.
/// </remarks>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const int SigKill = 9;
    private const int SigCont = 18;
    private const int SigStop = 19;
    private const int EchoCount = 6;

    // Answers of the load before what a gateway has is counted the first time: each of the callers has its connection by then.
    private const int AnsweredAtFirst = 50;

    // Beyond what a gateway has when all its servers have just come up and are called. A leaked pipe or thread per restart would exceed it within one life.
    private const int DescriptorsGrowthMax = 24;
    private const int ThreadsGrowthMax = 24;
    private const double PrivateMiBGrowthMax = 128;

    private static readonly bool s_isFull = Environment.GetEnvironmentVariable("FAIRLEAD_TEST_FULL") == "1";
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);

    private static readonly string[] s_echoes = [.. Enumerable.Range(1, EchoCount).Select(static number => string.Create(CultureInfo.InvariantCulture, $"echo-{number}"))];
    private static readonly string[] s_others = ["forks", "forks-bare", "forks-nameless", "dies", "deaf", "exits", "slow"];
    private static readonly string[] s_all = [.. s_echoes, .. s_others];

    private static readonly string[] s_strategies = ["rolling", "blue-green", "canary", "shadow", "recreate"];
    private static readonly string[] s_faults = ["\"kind\":\"latency\",\"latencyMs\":200,\"durationMs\":500", "\"kind\":\"disconnect\"", "\"kind\":\"partition\",\"durationMs\":500"];

    private readonly List<(ProcessFigures First, ProcessFigures Last)> _lives = [];
    private readonly Dictionary<ChaosKind, int> _happened = [];
    private JsonObject _configuration = [];
    private bool _canRestart = true;
    private bool _readsAgain = true;

    [Fact]
    public async Task Fairlead_WhenEverythingAroundItAndItselfIsKilled_LeavesNothingBehindAndAnswersRightly()
    {
        var seed = Setting("FAIRLEAD_CHAOS_SEED", Environment.TickCount & 0xFFFFFF);
        var count = Setting("FAIRLEAD_CHAOS_EVENTS", s_isFull ? 10_000 : 60);
        output.WriteLine($"FAIRLEAD_CHAOS_SEED={seed} FAIRLEAD_CHAOS_EVENTS={count}");
        try
        {
            await RunAsync(ChaosPlan.Draw(seed, count, gatewayEvery: s_isFull ? 50 : 25), seed);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"Run it again with FAIRLEAD_CHAOS_SEED={seed} FAIRLEAD_CHAOS_EVENTS={count}. {exception.Message}", exception);
        }
    }

    private async Task RunAsync(IReadOnlyList<ChaosEvent> plan, int seed)
    {
        _configuration = Configuration();
        await using var gateway = await GatewayProcess.StartAsync(_configuration);
        using var caller = new RawCaller(gateway.Url);
        await using var load = new ChaosLoad(caller, s_echoes);
        load.Begin(seed);
        var household = await SettleAsync(gateway, caller, load);
        var first = ProcessFigures.Of(gateway.Id);
        var ends = new List<Task>();
        var slowest = TimeSpan.Zero;
        foreach (var happening in plan)
        {
            if (happening.Kind == ChaosKind.KillGateway)
            {
                household.LookAgain(gateway.Id);
                _lives.Add((first, ProcessFigures.Of(gateway.Id)));
                var took = await KillGatewayAsync(gateway, load);
                slowest = took > slowest ? took : slowest;
                ends.Add(household.WhenGoneAsync());
                household = await SettleAsync(gateway, caller, load);
                first = ProcessFigures.Of(gateway.Id);
            }
            else
            {
                await HappenAsync(happening, gateway, caller, load);
            }

            _happened[happening.Kind] = _happened.GetValueOrDefault(happening.Kind) + 1;
            await Task.Delay(happening.Pause, TimeProvider.System, CancellationToken.None);
            Assert.True(load.Wrong.Count == 0, $"calls that ended as none may:\n{string.Join('\n', load.Wrong.Take(10))}");
        }

        household.LookAgain(gateway.Id);
        await load.EndAsync();
        _lives.Add((first, ProcessFigures.Of(gateway.Id)));
        Assert.Equal(0, await gateway.StopAsync());
        ends.Add(household.WhenGoneAsync());
        await Task.WhenAll(ends);
        Report(load, slowest);
        Assert.True(load.Wrong.Count == 0, $"calls that ended as none may:\n{string.Join('\n', load.Wrong.Take(10))}");
        Assert.True(load.Answered > plan.Count, $"only {load.Answered} calls were answered");
        foreach (var (before, after) in _lives)
        {
            Assert.True(
                after.Descriptors <= before.Descriptors + DescriptorsGrowthMax && after.Threads <= before.Threads + ThreadsGrowthMax && after.PrivateMiB <= before.PrivateMiB + PrivateMiBGrowthMax,
                $"the gateway grew from {before} to {after}");
        }

        // A figure of the short form would say more about the machine than about Fairlead.
        Assert.True(!s_isFull || slowest <= TimeSpan.FromSeconds(1), $"calls in flight ended {slowest} after the kill");
    }

    private void Report(ChaosLoad load, TimeSpan slowest)
    {
        var kinds = string.Join(", ", _happened.OrderBy(static pair => pair.Key).Select(static pair => $"{pair.Value} x {pair.Key}"));
        output.WriteLine($"{kinds}; {load.Answered} calls answered; restart over the API: {_canRestart}; configuration read again: {_readsAgain}; calls in flight ended at most {slowest.TotalMilliseconds:0} ms after a kill");
        foreach (var (error, times) in load.Errors.OrderByDescending(static pair => pair.Value))
        {
            output.WriteLine($"{times} x {error}");
        }

        output.WriteLine($"growth in one life, at most: {_lives.Max(static life => life.Last.Descriptors - life.First.Descriptors)} descriptors, "
            + $"{_lives.Max(static life => life.Last.Threads - life.First.Threads)} threads, {_lives.Max(static life => life.Last.PrivateMiB - life.First.PrivateMiB):0} MiB");
        ResilienceDocument.Record("chaos", [
            "| events | of which kills of Fairlead | calls answered | clear errors | wrong answers, hangs | orphans | most descriptors, threads, MiB gained in one life | calls in flight ended at most |",
            "|---|---|---|---|---|---|---|---|",
            $"| {_happened.Values.Sum()} | {_happened.GetValueOrDefault(ChaosKind.KillGateway)} | {load.Answered} | {load.Errors.Values.Sum()} | {load.Wrong.Count} | 0 "
                + $"| {_lives.Max(static life => life.Last.Descriptors - life.First.Descriptors)}, {_lives.Max(static life => life.Last.Threads - life.First.Threads)}, {_lives.Max(static life => life.Last.PrivateMiB - life.First.PrivateMiB):0} "
                + $"| {slowest.TotalMilliseconds:0} ms after the kill |",
        ]);
    }

    /// <summary>Waits until all servers have been up once and the load and a request of an administrator were answered, so that what is counted from here on is growth.</summary>
    private static async Task<Household> SettleAsync(GatewayProcess gateway, RawCaller caller, ChaosLoad load)
    {
        var since = TimeProvider.System.GetTimestamp();
        var enough = load.Answered + AnsweredAtFirst;
        while (true)
        {
            var away = (await caller.ServersAsync()).Where(static pair => (string)pair.Value["state"]! == "Initializing").Select(static pair => pair.Key).ToList();
            if (load.Answered < enough)
            {
                away.Add($"the load, {enough - load.Answered} answers are missing");
            }

            if (away.Count == 0)
            {
                _ = await caller.StatusAsync(HttpMethod.Get, "api/v1/configuration/status", await TokenAsync(gateway));
                return Household.Of(gateway.Id);
            }

            Assert.True(TimeProvider.System.GetElapsedTime(since) < Guard.Limit, $"Still starting: {string.Join(", ", away)}\n{gateway.Output}");
            await Task.Delay(s_look, TimeProvider.System, CancellationToken.None);
        }
    }

    /// <returns>How long after the kill the last call in flight ended.</returns>
    private static async Task<TimeSpan> KillGatewayAsync(GatewayProcess gateway, ChaosLoad load)
    {
        load.GatewayGoes();
        var inFlight = Task.WhenAll(load.InFlight);
        var since = TimeProvider.System.GetTimestamp();
        ProcessTable.Signal(gateway.Id, SigKill);
        await Guard.WithinAsync(inFlight, "the calls in flight to end after the kill");
        var took = TimeProvider.System.GetElapsedTime(since);
        await gateway.KillAndStartAgainAsync();
        load.GatewayIsBack();
        return took;
    }

    private async Task HappenAsync(ChaosEvent happening, GatewayProcess gateway, RawCaller caller, ChaosLoad load)
    {
        var server = s_all[happening.Server % s_all.Length];
        switch (happening.Kind)
        {
            case ChaosKind.KillServer:
                Signal(await ProcessOfAsync(caller, server), gateway, SigKill);
                break;
            case ChaosKind.KillGrandchild:
                if (await ProcessOfAsync(caller, "forks") is { } parent && ProcessTable.All().FirstOrDefault(entry => entry.Parent == parent) is { } grandchild)
                {
                    ProcessTable.Signal(grandchild.Id, SigKill);
                }

                break;
            case ChaosKind.Freeze:
                var frozen = await ProcessOfAsync(caller, server);
                Signal(frozen, gateway, SigStop);
                await Task.Delay(happening.Pause, TimeProvider.System, CancellationToken.None);
                Signal(frozen, gateway, SigCont);
                break;
            case ChaosKind.DieInAnswer:
                _ = load.CallAsync("dies", "die", "{}", "never answered");
                break;
            case ChaosKind.CloseInput:
                _ = load.CallAsync("deaf", "hello", "{}", "hello");
                break;
            case ChaosKind.ExitAfterAnswer:
                _ = load.CallAsync("exits", "hello", "{}", "hello");
                break;
            case ChaosKind.Restart when _canRestart:
                var status = await caller.StatusAsync(HttpMethod.Post, $"api/v1/servers/{server}/restart", await TokenAsync(gateway));
                _canRestart = status is not (404 or 405);
                Assert.True(!_canRestart || status < 300 || status == 409, $"a restart of {server} over the API was answered with {status}");
                break;
            case ChaosKind.Rollout:
                // Beside what happens next: a start may take a while. Where the server is down at this moment, 502 says so.
                _ = AskForAsync(
                    caller, gateway, load, $"api/v1/servers/{s_echoes[happening.Server % s_echoes.Length]}/rollouts",
                    $$"""{"strategy":"{{s_strategies[happening.Server % s_strategies.Length]}}","percent":30,"observeMs":{{10 * happening.Pause.Milliseconds}}}""", 202, 502);
                break;
            case ChaosKind.Fault:
                _ = AskForAsync(caller, gateway, load, $"api/v1/servers/{s_echoes[happening.Server % s_echoes.Length]}/faults", $"{{{s_faults[happening.Server % s_faults.Length]}}}", 201, 409, 422, 429, 502);
                break;
            case ChaosKind.Edit when _readsAgain:
                _readsAgain = await caller.StatusAsync(HttpMethod.Get, "api/v1/configuration/status", await TokenAsync(gateway)) < 300;
                if (_readsAgain)
                {
                    await EditAsync(gateway, s_echoes[happening.Server % s_echoes.Length], happening.Server);
                }

                break;
        }
    }

    /// <summary>A request to the management API that may be answered in one of these ways; the gateway's own end is none of its faults.</summary>
    private static async Task AskForAsync(RawCaller caller, GatewayProcess gateway, ChaosLoad load, string path, string body, params int[] statuses)
    {
        var kills = load.Kills;
        try
        {
            var status = await caller.StatusAsync(HttpMethod.Post, path, await TokenAsync(gateway), body);
            if (!statuses.Contains(status))
            {
                load.Blame($"POST {path} {body} was answered with {status}");
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            if (kills % 2 == 0 && kills == load.Kills)
            {
                load.Blame($"POST {path} {body}: {exception.Message}");
            }
        }
    }

    private static async Task<string> TokenAsync(GatewayProcess gateway) => (await File.ReadAllTextAsync(Path.Combine(gateway.StateFolder, "admin.token"))).Trim();

    private static async Task<int?> ProcessOfAsync(RawCaller caller, string server) => (int?)(await caller.ServersAsync())[server]["processId"];

    // Between the look and the signal the process may have ended; an id that another process got meanwhile is not a child of the gateway.
    private static void Signal(int? process, GatewayProcess gateway, int signal)
    {
        if (process is { } id && ProcessTable.Find(id)?.Parent == gateway.Id)
        {
            ProcessTable.Signal(id, signal);
        }
    }

    /// <summary>Writes the file as an editor does that saves by renaming: one change that needs another process, or one that does not.</summary>
    private async Task EditAsync(GatewayProcess gateway, string server, int number)
    {
        var entry = _configuration["servers"]![server]!.AsObject();
        if (number % 2 == 0)
        {
            entry["env"] = new JsonObject { ["CHAOS"] = number.ToString(CultureInfo.InvariantCulture) };
        }
        else
        {
            entry["tags"] = new JsonArray(JsonValue.Create(number.ToString(CultureInfo.InvariantCulture)));
        }

        var beside = gateway.ConfigurationFile + ".edited";
        await File.WriteAllTextAsync(beside, _configuration.ToJsonString());
        File.Move(beside, gateway.ConfigurationFile, overwrite: true);
    }

    private static JsonObject Configuration()
    {
        static JsonObject Misbehaving(params string[] mode) => GatewayProcess.Stdio("dotnet", [RepositoryPaths.BuiltAssembly("Misbehave", "misbehave-server.dll"), .. mode]);
        var servers = new JsonObject
        {
            ["forks"] = Misbehaving("grandchild"),
            ["forks-bare"] = Misbehaving("grandchild", "bare"),
            ["forks-nameless"] = Misbehaving("grandchild", "nameless"),
            ["dies"] = Misbehaving("die-mid-answer"),
            ["deaf"] = Misbehaving("deaf"),
            ["exits"] = Misbehaving("exit-after-call"),
            ["slow"] = Misbehaving("slow"),
        };
        foreach (var name in s_echoes)
        {
            servers[name] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll"));
        }

        foreach (var (_, server) in servers)
        {
            server!["timeoutMs"] = 3000;
        }

        servers[s_echoes[0]]!["replicas"] = 2;
        return new JsonObject { ["servers"] = servers, ["faultInjection"] = new JsonObject { ["enabled"] = true }, ["limits"] = new JsonObject { ["restartBase"] = "50ms", ["stopStdinWait"] = "500ms", ["stopTermWait"] = "500ms" } };
    }

    private static int Setting(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
