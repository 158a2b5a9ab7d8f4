using Fairlead.AspNetCore.Tests.Admin;
using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Several instances of one server, and none: calls shared by each rule, the loss of one, scaling by hand and by load, sleep and waking (product D7 to D9).</summary>
public sealed class ReplicaTests
{
    [Fact]
    public async Task RoundRobin_OfNineCallsOnThreeInstances_IsThreeEach()
    {
        var (host, runs) = await StartAsync(new ServerConfig { Name = "s", Replicas = { Count = 3 } });
        await using var _ = host;

        for (var i = 0; i < 9; i++)
        {
            await CallAsync(host);
        }

        var calls = await CallsAsync(runs, 3);
        Assert.Equal([3, 3, 3], calls);
    }

    [Fact]
    public async Task WeightedRoundRobin_OfTenCalls_FollowsTheWeights()
    {
        var (host, runs) = await StartAsync(new ServerConfig
        {
            Name = "s", Replicas = { Count = 3 }, LoadBalancing = { Policy = LoadBalancingPolicy.WeightedRoundRobin, Weights = "3, 1,1" },
        });
        await using var _ = host;

        for (var i = 0; i < 10; i++)
        {
            await CallAsync(host);
        }

        Assert.Equal([6, 2, 2], (await CallsAsync(runs, 3)).OrderDescending());
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.LeastConnections)]
    [InlineData(LoadBalancingPolicy.PowerOfTwoChoices)]
    public async Task BusyInstance_ByEachRuleThatLooksAtLoad_GetsNoMoreCalls(LoadBalancingPolicy policy)
    {
        var (host, runs) = await StartAsync(new ServerConfig { Name = "s", Replicas = { Count = 2 }, LoadBalancing = { Policy = policy } });
        await using var _ = host;
        await CallAsync(host);
        await CallAsync(host);
        var holding = CallAsync(host, "\"hold\":true");
        var held = await Guard.WithinAsync(BusyAsync(runs, 2), "the call that is held");
        var before = await CallsAsync(runs, 2);

        for (var i = 0; i < 10; i++)
        {
            await CallAsync(host);
        }

        var after = await CallsAsync(runs, 2);
        Assert.Equal(0, after[held] - before[held]);
        Assert.Equal(10, after[1 - held] - before[1 - held]);
        var server = (await runs.WhenRunAsync(held + 1)).Server;
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.Last(static request => request.Method == "tools/call").Id}}},"result":{"content":[]}}""");
        await holding;
    }

    [Fact]
    public async Task LeastLatency_WhenOneInstanceIsSlow_CallsTheOther()
    {
        var (host, runs) = await StartAsync(new ServerConfig { Name = "s", Replicas = { Count = 2 }, LoadBalancing = { Policy = LoadBalancingPolicy.LeastLatency } });
        await using var _ = host;
        var cell = host.Manager.Cell("s");
        var slow = InstanceGuard.Of(cell.Current.Replicas[0], cell.Guards);
        slow.Enter();
        slow.Leave(60_000_000);

        for (var i = 0; i < 10; i++)
        {
            await CallAsync(host);
        }

        Assert.Equal([0, 10], (await CallsAsync(runs, 2)).Order());
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 3)]
    public async Task Session_StaysWhereItBeganUnlessItNeedNot(bool affinity, int instances)
    {
        var (host, runs) = await StartAsync(new ServerConfig { Name = "s", Replicas = { Count = 3 }, LoadBalancing = { SessionAffinity = affinity } });
        await using var _ = host;
        var session = await host.InitializeAsync("/mcp/s");

        for (var i = 0; i < 6; i++)
        {
            await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello","arguments":{}}}""", "Mcp-Session-Id: " + session);
        }

        Assert.Equal(instances, (await CallsAsync(runs, 3)).Count(static calls => calls != 0));
    }

    [Fact]
    public async Task Loss_OfTheFirstInstance_LetsAnotherTakeItsPlaceWithoutAFailedCall()
    {
        var options = new FairleadOptions();
        options.Limits.RestartBase = TimeSpan.FromMilliseconds(10);
        var (host, runs) = await StartAsync(new ServerConfig { Name = "s", Replicas = { Count = 2 } }, options);
        await using var _ = host;

        (await runs.WhenRunAsync(1)).Crash("over");
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Restarts == 1, "the other one to take its place");
        Assert.Equal(ServerState.Healthy, host.Manager.Cell("s").Current.State);
        for (var i = 0; i < 4; i++)
        {
            Assert.Contains("\"result\"", await CallAsync(host), StringComparison.Ordinal);
        }

        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 2, "two instances again");
        var info = (await host.Manager.ListServersAsync())[0];
        Assert.Equal((2, 2), (info.Replicas, info.ReplicasWanted));
        Assert.Contains("over", info.LastFailure!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Instances_OfAServer_AreListedEachByItself()
    {
        var options = new FairleadOptions();
        options.Limits.RestartBase = options.Limits.RestartMax = TimeSpan.FromHours(1);
        var (host, runs) = await StartAsync(new ServerConfig { Name = "s", Replicas = { Count = 2 } }, options);
        await using var _ = host;
        var holding = CallAsync(host, "\"hold\":true");
        var held = await Guard.WithinAsync(BusyAsync(runs, 2), "the call that is held");

        var both = await host.Manager.ListInstancesAsync("s");

        Assert.All(both, static one => Assert.Equal((InstanceRole.Shared, ServerState.Healthy, 0, CircuitState.Closed, null), (one.Role, one.State, one.Restarts, one.Circuit, one.ProcessId)));
        Assert.All(both, static one => Assert.NotNull(one.StartedAt));
        Assert.Equal(host.Manager.Cell("s").Current.Replicas.Select(static connection => (long?)connection.Number), both.Select(static one => one.Id));
        Assert.Equal([0, 1], both.Select(static one => one.CallsInFlight).Order());
        var server = (await runs.WhenRunAsync(held + 1)).Server;
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.Last(static request => request.Method == "tools/call").Id}}},"result":{"content":[]}}""");
        await holding;

        // The second one: the first one's place would be taken by it.
        (await runs.WhenRunAsync(2)).Crash("over");
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 1, "one instance");
        var lost = await Guard.WithinAsync(LostAsync(), "the place of the lost one");
        Assert.Equal((InstanceRole.Shared, ServerState.Unhealthy, 1), (lost.Role, lost.State, lost.Restarts));
        Assert.Contains("over", lost.Reason, StringComparison.Ordinal);
        Assert.NotNull(lost.NextRetry);
        var body = (await RestHost.SendAsync(host, HttpMethod.Get, "/api/v1/servers/s/instances?limit=1")).Body;
        Assert.Equal(both[0].Id, body.GetProperty("instances")[0].GetProperty("id").GetInt64());
        body = (await RestHost.SendAsync(host, HttpMethod.Get, $"/api/v1/servers/s/instances?limit=1&cursor={body.GetProperty("nextCursor").GetString()}")).Body;
        Assert.Equal("shared", body.GetProperty("instances")[0].GetProperty("role").GetString());
        Assert.DoesNotContain("\"id\"", body.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("nextCursor", body.GetRawText(), StringComparison.Ordinal);
        await Assert.ThrowsAsync<ServerNotFound>(() => host.Manager.ListInstancesAsync("nobody"));
        await host.Manager.ShutdownServerAsync("s");
        Assert.Empty(await host.Manager.ListInstancesAsync("s"));

        // Between the loss and the plan of the next start there is a moment that nobody tells of.
        async Task<InstanceInfo> LostAsync()
        {
            while (true)
            {
                if ((await host.Manager.ListInstancesAsync("s")).FirstOrDefault(static one => one.Id is null) is { } place)
                {
                    return place;
                }

                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task Loss_OfTheFirstInstance_ListsAreThoseOfTheOneThatTookItsPlace()
    {
        var (host, runs) = await StartAsync(new ServerConfig { Name = "s", Replicas = { Count = 2 } });
        await using var _ = host;
        const string More = """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}},{"name":"more","inputSchema":{"type":"object"}}]} """;
        var second = (await runs.WhenRunAsync(2)).Server.On("tools/list", More);

        (await runs.WhenRunAsync(1)).Crash("over");
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Catalog.Tools.Length == 2, "the lists of the one that took its place");

        second.On("tools/list", """ "result":{"tools":[]} """);
        await second.SendAsync("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Catalog.Tools.Length == 0, "the change that it told of");
    }

    [Fact]
    public async Task Restart_OfSeveralInstances_BringsAllBackAndAChangedConfigurationReplacesEach()
    {
        var (host, runs) = await StartAsync(new ServerConfig { Name = "s", Replicas = { Count = 3 } });
        await using var _ = host;

        await host.Manager.RestartServerAsync("s");
        await runs.WhenRunAsync(6);
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 3, "three instances after the restart");

        await host.Manager.UpdateServerAsync("s", new ServerConfig { Name = "s", Replicas = { Count = 4 }, Environment = { ["CHANGED"] = "1" } });
        await runs.WhenRunAsync(10);

        // Others are started only when all of those are replaced, so that one that was started twice would be counted.
        await host.Manager.ScaleServerAsync("s", 5);
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 5, "four instances of the changed configuration, and one more");
        Assert.Equal(11, runs.Count);
    }

    [Fact]
    public async Task Load_WhenItsBoundsAreChangedWhileItServes_IsLookedAtFromThenOn()
    {
        var clock = new FakeTimeProvider();
        ServerConfig Config(int? max) => new() { Name = "s", MaxConnections = 1, TimeoutMs = 3_600_000, Replicas = { Max = max }, HealthCheck = { Kind = HealthCheckKind.None } };
        var (host, runs) = await StartAsync(Config(null), clock: clock);
        await using var _ = host;
        var held = CallAsync(host, "\"hold\":true");
        var server = (await runs.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("tools/call");

        await host.Manager.UpdateServerAsync("s", Config(2));
        await LookAsync(clock, 2);
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 2, "two instances");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.Single(static request => request.Method == "tools/call").Id}}},"result":{"content":[]}}""");
        await held;
    }

    [Fact]
    public async Task Scale_UpAndDown_KeepsCallsThatRun()
    {
        var (host, runs) = await StartAsync(new ServerConfig { Name = "s" });
        await using var _ = host;

        await host.Manager.ScaleServerAsync("s", 3);
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 3, "three instances");
        var held = new[] { CallAsync(host, "\"hold\":true"), CallAsync(host, "\"hold\":true"), CallAsync(host, "\"hold\":true") };
        for (var i = 1; i <= 3; i++)
        {
            await (await runs.WhenRunAsync(i)).Server.WhenReceivedAsync("tools/call");
        }

        await host.Manager.ScaleServerAsync("s", 1);
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 1, "one instance");
        for (var i = 1; i <= 3; i++)
        {
            var server = (await runs.WhenRunAsync(i)).Server;
            await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.First(static request => request.Method == "tools/call").Id}}},"result":{"content":[]}}""");
        }

        Assert.All(await Guard.WithinAsync(Task.WhenAll(held), "the calls that ran"), static body => Assert.Contains("\"result\"", body, StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<InvalidConfiguration>(() => host.Manager.ScaleServerAsync("s", 0));
        Assert.Contains("it may have 1 to 1000 instances", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_AboveAndBelowTheMarks_MovesTheNumberOfInstances()
    {
        var clock = new FakeTimeProvider();
        var config = new ServerConfig { Name = "s", MaxConnections = 4, TimeoutMs = 3_600_000, Replicas = { Max = 2 }, HealthCheck = { Kind = HealthCheckKind.None } };
        var (host, runs) = await StartAsync(config, clock: clock);
        await using var _ = host;
        var first = (await runs.WhenRunAsync(1)).Server;
        var held = new[] { CallAsync(host, "\"hold\":true"), CallAsync(host, "\"hold\":true") };
        await first.WhenReceivedAsync("tools/call", 2);

        await LookAsync(clock, 2);
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 2, "two instances");
        foreach (var call in first.Received.Where(static request => request.Method == "tools/call"))
        {
            await first.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"result":{"content":[]}}""");
        }

        await Task.WhenAll(held);
        await LookAsync(clock, 6);
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 1, "one instance");
    }

    [Fact]
    public async Task Sleep_AfterNobodyCalled_EndsTheProcessAndTheNextCallWakesIt()
    {
        var clock = new FakeTimeProvider();
        var config = new ServerConfig { Name = "s", IdleStopMs = 60_000, HealthCheck = { Kind = HealthCheckKind.None } };
        var (host, runs) = await StartAsync(config, clock: clock);
        await using var _ = host;
        await CallAsync(host);

        // The first look still sees the call; the minute counts from there.
        for (var i = 0; i < 6; i++)
        {
            await clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(12));
            clock.Advance(TimeSpan.FromSeconds(12));
        }

        await host.Manager.ReachedAsync("s", ServerState.Idle);
        Assert.Contains("hello", await ListAsync(host), StringComparison.Ordinal);

        Assert.Contains("\"result\"", await Guard.WithinAsync(CallAsync(host), "the call that wakes it"), StringComparison.Ordinal);
        Assert.Equal(2, runs.Count);
        Assert.Equal(ServerState.Healthy, host.Manager.Cell("s").Current.State);
    }

    [Fact]
    public async Task OnDemand_WithKnownLists_StartsNoServerBeforeItsFirstCall()
    {
        var state = Directory.CreateTempSubdirectory("fairlead-test-");
        try
        {
            FairleadOptions Options() => new() { StateFolder = state.FullName, Start = ServerStartMode.OnDemand };
            var (first, _) = await StartAsync(new ServerConfig { Name = "s" }, Options());
            await first.DisposeAsync();

            var runs = Runs();
            var options = Options();
            options.Servers.Add(new ServerConfig { Name = "s" });
            await using var host = await FrontHost.StartAsync(options, manager => manager.AddServer("s", runs));
            Assert.Equal((ServerState.Idle, 0), (host.Manager.Cell("s").Current.State, runs.Count));
            Assert.Contains("hello", await ListAsync(host), StringComparison.Ordinal);
            Assert.Equal(0, runs.Count);

            Assert.Contains("\"result\"", await Guard.WithinAsync(CallAsync(host), "the first call"), StringComparison.Ordinal);
            Assert.Equal(1, runs.Count);
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    private static ScriptedRuns Runs() => ScriptedRuns.Legacy(static server => server.On(
        "tools/call", static request => request.Params.Contains("hold", StringComparison.Ordinal) ? null : """ "result":{"content":[]} """));

    private static async Task<(FrontHost Host, ScriptedRuns Runs)> StartAsync(ServerConfig config, FairleadOptions? options = null, TimeProvider? clock = null)
    {
        options ??= new FairleadOptions();
        options.Servers.Add(config);
        var runs = Runs();
        var host = await FrontHost.StartAsync(options, manager => manager.AddServer("s", runs), clock);
        await host.Manager.ReachedAsync("s", snapshot => snapshot.Replicas.Length == config.Replicas.Count, $"{config.Replicas.Count} instances");
        return (host, runs);
    }

    private static async Task LookAsync(FakeTimeProvider clock, int times)
    {
        for (var i = 0; i < times; i++)
        {
            await clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(5));
            clock.Advance(TimeSpan.FromSeconds(5));
        }
    }

    private static async Task<int[]> CallsAsync(ScriptedRuns runs, int count)
    {
        var calls = new int[count];
        for (var i = 0; i < count; i++)
        {
            calls[i] = (await runs.WhenRunAsync(i + 1)).Server.Received.Count(static request => request.Method == "tools/call");
        }

        return calls;
    }

    /// <summary>Which instance got the call that is held.</summary>
    private static async Task<int> BusyAsync(ScriptedRuns runs, int count)
    {
        static bool IsHeld(IReadOnlyList<ScriptedRequest> received) => received.Any(static request => request.Params.Contains("hold", StringComparison.Ordinal));

        var waits = new List<Task>();
        for (var i = 1; i <= count; i++)
        {
            waits.Add((await runs.WhenRunAsync(i)).Server.WhenReceivedAsync(IsHeld, "a call that is held"));
        }

        return waits.IndexOf(await Task.WhenAny(waits));
    }

    private static async Task<string> CallAsync(FrontHost host, string arguments = "")
    {
        var (_, body, _) = await host.ModernAsync("/mcp/s", "tools/call", $"\"name\":\"hello\",\"arguments\":{{{arguments}}}", "hello");
        return body.StartsWith('{') ? body : EventStream.LastMessage(body);
    }

    private static async Task<string> ListAsync(FrontHost host) => (await host.ModernAsync("/mcp/s", "tools/list", "")).Body;
}
