using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests;

public sealed class McpManagerTests
{
    private static ServerConfig Named(string name) => new() { Name = name };

    private static McpManager WithEcho(params string[] names)
    {
        var manager = new McpManager();
        foreach (var name in names)
        {
            manager.AddTools(name, TextTool.Echo());
        }

        return manager;
    }

    [Fact]
    public async Task Life_WhenServerIsDeployedAskedAndUndeployed_EachReplyShowsItsEffect()
    {
        await using var manager = WithEcho("echo");

        var id = await manager.DeployServerAsync(Named("echo"));
        Assert.Equal("echo", Assert.Single(await manager.ListServersAsync()).Id);

        var result = await Guard.WithinAsync(manager.ExecuteToolAsync(id, "echo", new { text = "hi" }), "the first call");
        Assert.Equal("{\"text\":\"hi\"}", result.Text);
        Assert.Equal(ServerState.Healthy, Assert.Single(await manager.ListServersAsync()).State);

        var health = await Guard.WithinAsync(manager.GetServerHealthAsync(id), "the health");
        Assert.True(health.IsHealthy);
        Assert.NotNull(health.ResponseTime);

        await Guard.WithinAsync(manager.UndeployServerAsync(id), "the removal");
        Assert.Empty(await manager.ListServersAsync());
        await Assert.ThrowsAsync<ServerNotFound>(() => manager.GetServerHealthAsync(id));
        await Assert.ThrowsAsync<ServerNotFound>(async () => await manager.CallAsync(id, "echo"));
    }

    [Fact]
    public async Task Deploy_WhenTenComeAtOnce_AllAreThere()
    {
        var names = Enumerable.Range(0, 10).Select(static i => $"echo-{i}").ToArray();
        await using var manager = WithEcho(names);

        await Guard.WithinAsync(Task.WhenAll(names.Select(name => manager.DeployServerAsync(Named(name)))), "10 deployments");
        var calls = await Guard.WithinAsync(Task.WhenAll(names.Select(name => manager.ExecuteToolAsync(name, "echo", new { name }).AsTask())), "10 calls");

        Assert.Equal(names.Order(), (await manager.ListServersAsync()).Select(static server => server.Id).Order());
        Assert.Equal(names.Select(static name => $"{{\"name\":\"{name}\"}}"), calls.Select(static call => call.Text));
    }

    [Fact]
    public async Task Deploy_WhenTheNameIsTaken_AlreadyExists()
    {
        await using var manager = WithEcho("echo");
        await manager.DeployServerAsync(Named("echo"));

        var error = await Assert.ThrowsAsync<AlreadyExists>(() => manager.DeployServerAsync(Named("Echo")));

        Assert.Equal("echo", error.ServerId);
        Assert.Single(await manager.ListServersAsync());
    }

    [Fact]
    public async Task Deploy_WhenTheConfigurationIsWrong_EveryRuleIsNamedAndNothingIsDeployed()
    {
        await using var manager = new McpManager();

        var error = await Assert.ThrowsAsync<InvalidConfiguration>(() => manager.DeployServerAsync(new ServerConfig { Name = "x", TimeoutMs = 1, MaxConnections = 0, Command = "sh" }));

        Assert.Contains("timeoutMs", error.Message, StringComparison.Ordinal);
        Assert.Contains("maxConnections", error.Message, StringComparison.Ordinal);
        Assert.Empty(await manager.ListServersAsync());
    }

    [Fact]
    public async Task Ask_WhenTheServerIsUnknown_TheErrorNamesTheNearest()
    {
        await using var manager = WithEcho("github");
        await manager.DeployServerAsync(Named("github"));

        var error = await Assert.ThrowsAsync<ServerNotFound>(() => manager.GetServerHealthAsync("gihub"));

        Assert.Contains("'github'", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ServerNotFound>(() => manager.GetMetricsAsync("gihub"));
        await Assert.ThrowsAsync<ServerNotFound>(() => manager.UndeployServerAsync("gihub"));
    }

    [Fact]
    public async Task Call_WhenTheToolIsUnknown_TheErrorNamesTheNearest()
    {
        await using var manager = WithEcho("echo");
        await manager.DeployServerAsync(Named("echo"));

        var error = await Assert.ThrowsAsync<ToolNotFound>(async () => await Guard.WithinAsync(manager.CallAsync("echo", "ecko"), "the refusal"));

        Assert.Contains("'echo'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_WhenTwoHundredAskAtOnce_AllAreAnswered()
    {
        await using var manager = WithEcho("echo");
        await manager.DeployServerAsync(Named("echo"));

        var lists = await Guard.WithinAsync(Task.WhenAll(Enumerable.Range(0, 200).Select(_ => manager.ListServersAsync())), "200 lists");

        Assert.All(lists, static list => Assert.Single(list));
        Assert.Equal(201, (await manager.GetMetricsAsync()).TotalCommands);
    }

    [Fact]
    public async Task AfterShutdown_EveryMethodThrowsRuntimeShutdown()
    {
        var manager = WithEcho("echo");
        await manager.DeployServerAsync(Named("echo"));

        await Guard.WithinAsync(manager.ShutdownAsync(), "the shutdown");
        await Guard.WithinAsync(manager.ShutdownAsync(), "a second shutdown");

        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.InitializeAsync());
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.LaunchAllAsync());
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.DeployServerAsync(Named("other")));
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.UndeployServerAsync("echo"));
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.UpdateServerAsync("echo", Named("echo")));
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.ScaleServerAsync("echo", 1));
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.RestartServerAsync("echo"));
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.ShutdownServerAsync("echo"));
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.GetServerHealthAsync("echo"));
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.ListServersAsync());
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.GetMetricsAsync());
        await Assert.ThrowsAsync<RuntimeShutdown>(async () => await manager.ExecuteToolAsync("echo", "echo"));
        await Assert.ThrowsAsync<RuntimeShutdown>(async () => await manager.CallAsync("echo", "echo"));
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.ExecuteBatchAsync([]));
        Assert.Throws<RuntimeShutdown>(() => manager.AddTools("more", TextTool.Echo()));
    }

    [Fact]
    public async Task Metrics_WhenCommandsAndCallsHaveEnded_TheyAreCountedExactly()
    {
        await using var manager = WithEcho("one", "two");
        await manager.DeployServerAsync(Named("one"));
        await manager.DeployServerAsync(Named("two"));
        await manager.ReachedAsync("one", ServerState.Healthy);
        await manager.ReachedAsync("two", ServerState.Healthy);
        for (var i = 0; i < 7; i++)
        {
            await manager.CallAsync("one", "echo");
        }

        await Assert.ThrowsAsync<ServerNotFound>(() => manager.GetServerHealthAsync("three"));
        var metrics = await manager.GetMetricsAsync();

        Assert.Equal(10, metrics.TotalCommands);
        Assert.Equal(9, metrics.Successful);
        Assert.Equal(1, metrics.Failed);
        Assert.Equal(2, metrics.ActiveServers);
        Assert.Equal(0, metrics.QueueDepth);
        Assert.True(metrics.AvgLatencyUs > 0);
        Assert.Equal(7, metrics.Servers["one"].Calls);
        Assert.Equal(0, metrics.Servers["two"].Calls);
        Assert.Equal(["two"], (await manager.GetMetricsAsync("two")).Servers.Keys);
    }

    [Fact]
    public async Task Metrics_WhenAServerIsUndeployed_ItsCallsStayInTheTotals()
    {
        await using var manager = WithEcho("echo");
        await manager.DeployServerAsync(Named("echo"));
        await Guard.WithinAsync(manager.CallAsync("echo", "echo"), "the call");
        await manager.UndeployServerAsync("echo");

        var metrics = await manager.GetMetricsAsync();

        Assert.Equal(3, metrics.TotalCommands);
        Assert.Equal(0, metrics.ActiveServers);
        Assert.Empty(metrics.Servers);
    }

    [Fact]
    public async Task Deploy_WhenAThousandAreRegistered_AllAreListed()
    {
        await using var manager = new McpManager();

        await Guard.WithinAsync(
            Task.WhenAll(Enumerable.Range(0, 1000).Select(i => manager.DeployServerAsync(new ServerConfig { Name = $"server-{i}", Command = "sh", Disabled = true }))),
            "1000 registrations");

        Assert.Equal(1000, (await manager.ListServersAsync()).Count);
    }

    [Fact]
    public async Task Deploy_WhileListsAreBeingPublished_TakesInOthers()
    {
        await using var manager = WithEcho("first");
        using var release = new ManualResetEventSlim();
        var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        manager.Fleet.CatalogChanged += (_, _) =>
        {
            blocked.TrySetResult();
            release.Wait(Guard.Limit);
        };
        await manager.DeployServerAsync(Named("first"));
        await Guard.WithinAsync(blocked.Task, "the lists of the first server");

        Task<string>[] deploying = [.. Enumerable.Range(0, 5).Select(i => manager.DeployServerAsync(new ServerConfig { Name = $"server-{i}", Command = "sh", Disabled = true }))];
        while (manager.Fleet.Current.InOrder.Length < 6)
        {
            var change = manager.Fleet.AnyChange();
            if (manager.Fleet.Current.InOrder.Length < 6)
            {
                await Guard.WithinAsync(change, "all servers to be taken in while the lists wait");
            }
        }

        Assert.All(deploying, static deployment => Assert.False(deployment.IsCompleted));
        release.Set();
        Assert.Equal(5, (await Guard.WithinAsync(Task.WhenAll(deploying), "the deployments")).Length);
    }

    [Fact]
    public async Task Call_WhenAnotherToolIsSlow_NobodyWaitsForIt()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var manager = new McpManager();
        manager.AddTools("mixed", TextTool.WhenDone("slow", release.Task), TextTool.Echo());
        var config = Named("mixed");
        config.MaxConnections = 201;
        await manager.DeployServerAsync(config);
        await manager.ReachedAsync("mixed", ServerState.Healthy);

        var slow = Enumerable.Range(0, 200).Select(_ => manager.CallAsync("mixed", "slow").AsTask()).ToArray();
        Assert.False((await Guard.WithinAsync(manager.CallAsync("mixed", "echo"), "a call beside slow ones")).IsError);
        Assert.Single(await Guard.WithinAsync(manager.ListServersAsync(), "a list beside slow calls"));
        Assert.All(slow, static call => Assert.False(call.IsCompleted));

        release.SetResult();
        Assert.All(await Guard.WithinAsync(Task.WhenAll(slow), "the slow calls"), static result => Assert.Equal("done", result.Text));
    }

    [Fact]
    public async Task Execute_WhenTheToolSaysThatItFailed_ToolFailedCarriesTheResult()
    {
        await using var manager = new McpManager();
        manager.AddTools("bad", new TextTool("bad", static (_, _) => throw new InvalidOperationException("no paper")), new TextTool("worse", static async (_, _) =>
        {
            await Task.Yield();
            throw new InvalidOperationException("no ink");
        }));
        await manager.DeployServerAsync(Named("bad"));
        await manager.ReachedAsync("bad", ServerState.Healthy);

        var error = await Assert.ThrowsAsync<ToolFailed>(async () => await manager.ExecuteToolAsync("bad", "bad"));
        Assert.Contains("no paper", error.Result!.Text, StringComparison.Ordinal);
        Assert.True((await manager.CallAsync("bad", "worse")).IsError);
        Assert.Equal(0, (await manager.GetMetricsAsync()).Failed);
    }

    [Fact]
    public async Task Batch_WhenOneCallFails_TheOthersAreUntouched()
    {
        await using var manager = WithEcho("echo");
        await manager.DeployServerAsync(Named("echo"));

        var outcomes = await Guard.WithinAsync(manager.ExecuteBatchAsync([new("echo", "echo", new { n = 1 }), new("nobody", "echo"), new("echo", "echo", new { n = 2 })]), "the batch");

        Assert.Equal("{\"n\":1}", outcomes[0].Result!.Text);
        Assert.IsType<ServerNotFound>(outcomes[1].Error);
        Assert.Equal("{\"n\":2}", outcomes[2].Result!.Text);
        Assert.Equal([true, false, true], outcomes.Select(static outcome => outcome.IsSuccess));
    }

    [Fact]
    public async Task Arguments_WhenGivenInAnyForm_ArriveAsTheyWere()
    {
        await using var manager = WithEcho("echo");
        await manager.DeployServerAsync(Named("echo"));
        const string Exact = "{ \"n\" : 12345678901234567890.0 }";
        using var document = JsonDocument.Parse(Exact);

        Assert.Equal(Exact, (await manager.CallAsync("echo", "echo", System.Text.Encoding.UTF8.GetBytes(Exact))).Text);
        Assert.Equal(Exact, (await manager.CallAsync("echo", "echo", document.RootElement)).Text);
        Assert.Equal("{\"text\":\"größer\"}", (await manager.CallAsync("echo", "echo", new Dictionary<string, object> { ["text"] = "größer" })).Text);
        Assert.Equal("", (await manager.CallAsync("echo", "echo")).Text);
        await Assert.ThrowsAsync<ArgumentException>(async () => await manager.CallAsync("echo", "echo", "[1]"u8.ToArray()));
        await Assert.ThrowsAsync<ArgumentException>(async () => await manager.CallAsync("echo", "echo", "{}{}"u8.ToArray()));
        await Assert.ThrowsAsync<ArgumentException>(async () => await manager.CallAsync("echo", "echo", 5));
    }

    [Fact]
    public async Task Scale_WhenTheNumberIsOutOfItsBounds_TheRefusalSaysWhichTheyAre()
    {
        await using var manager = WithEcho("echo");
        var config = Named("echo");
        config.Replicas.Max = 2;
        await manager.DeployServerAsync(config);

        await manager.ScaleServerAsync("echo", 2);
        var error = await Assert.ThrowsAsync<InvalidConfiguration>(() => manager.ScaleServerAsync("echo", 3));

        Assert.Contains("it may have 1 to 2 instances", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Launch_WhenSomeServersCannotStart_TheIdsOfTheOthersComeBackInOrder()
    {
        var options = new FairleadOptions
        {
            Servers =
            {
                Named("beta"),
                new ServerConfig { Name = "broken", Command = "no-such-program-anywhere" },
                new ServerConfig { Name = "asleep", Command = "sh", Disabled = true },
                new ServerConfig { Name = "alpha", Priority = 5 },
            },
        };
        await using var manager = new McpManager(options);
        manager.AddTools("alpha", TextTool.Echo());
        manager.AddTools("beta", TextTool.Echo());

        Assert.Equal(["beta", "alpha"], await Guard.WithinAsync(manager.LaunchAllAsync(), "the launch"));

        var states = (await manager.ListServersAsync()).ToDictionary(static server => server.Id, static server => server.State);
        Assert.Equal(ServerState.CrashLoop, states["broken"]);
        Assert.Equal(ServerState.Disabled, states["asleep"]);
    }

    [Fact]
    public async Task Shutdown_WhenCallsAreInFlight_TheyEndAndNewOnesAreRefused()
    {
        var runs = ScriptedRuns.Legacy(server => server.On("tools/call", static _ => null));
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(Named("s"));
        var call = manager.CallAsync("s", "hello").AsTask();
        var server = (await runs.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("tools/call");

        var stopping = manager.ShutdownAsync(Guard.Limit);
        await Assert.ThrowsAsync<RuntimeShutdown>(async () => await manager.CallAsync("s", "hello"));
        var id = server.Received.Single(static request => request.Method == "tools/call").Id;
        await server.SendAsync($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"late but whole\"}}]}}}}");

        Assert.Equal("late but whole", (await Guard.WithinAsync(call, "the call in flight")).Text);
        await Guard.WithinAsync(stopping, "the shutdown");
    }

    [Fact]
    public async Task Shutdown_WhenTheGraceIsOver_CallsAreCutOff()
    {
        var runs = ScriptedRuns.Legacy(server => server.On("tools/call", static _ => null));
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(Named("s"));
        var call = manager.CallAsync("s", "hello").AsTask();
        await (await runs.WhenRunAsync(1)).Server.WhenReceivedAsync("tools/call");

        await Guard.WithinAsync(manager.ShutdownAsync(TimeSpan.Zero), "the shutdown");

        await Assert.ThrowsAsync<ConnectionFailed>(() => Guard.WithinAsync(call, "the call that is cut off"));
    }
}
