using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;

namespace Fairlead.Tests.Servers;

public sealed class ServerLifeTests
{
    [Fact]
    public async Task Crash_WhenACallIsInFlight_ItFailsAtOnceWithExitCodeAndLastWords()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(MisbehaveServer.Config("dies", "die-mid-answer"));

        var error = await Assert.ThrowsAsync<ConnectionFailed>(async () => await Guard.WithinAsync(manager.CallAsync("dies", "die"), "the failure"));

        Assert.Contains("exited with code 4", error.Message, StringComparison.Ordinal);
        Assert.Contains("dying in the middle of a sentence", error.Message, StringComparison.Ordinal);
        Assert.True(error.IsTransient);
        var down = await manager.ReachedAsync("dies", static snapshot => snapshot.LastFailure is not null, "the failure");
        Assert.Contains("exited with code 4", down.LastFailure, StringComparison.Ordinal);
        Assert.Equal(1, (await manager.GetMetricsAsync()).Servers["dies"].Failed);
    }

    [Fact]
    public async Task Exit_WhenAServerEndsAtOnce_TheReasonHasItsLastWordsAndTheOthersServe()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(MisbehaveServer.Config("exits", "exit"));
        await manager.DeployServerAsync(MisbehaveServer.Config("hangs", "silent"));
        await manager.DeployServerAsync(MisbehaveServer.Config("sound", "junk"));

        Assert.Equal("hello", (await Guard.WithinAsync(manager.CallAsync("sound", "hello"), "the sound server")).Text);

        var down = await manager.ReachedAsync("exits", static snapshot => snapshot.LastFailure is not null, "the failure");
        Assert.Contains("the database is on holiday", down.LastFailure, StringComparison.Ordinal);
        Assert.Contains("code 3", down.LastFailure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("notifications", "notifications a second")]
    [InlineData("junk", "bytes a second that are no messages")]
    public async Task Flood_WhenAServerFloods_ItIsDegradedWithTheReason(string kind, string reason)
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(kind == "junk" ? MisbehaveServer.Config("flood", "flood", "junk") : MisbehaveServer.Config("flood", "flood"));

        var degraded = await manager.ReachedAsync("flood", static snapshot => snapshot.State == ServerState.Degraded && snapshot.Reason!.Contains("a second", StringComparison.Ordinal), "the flood");

        Assert.Contains(reason, degraded.Reason, StringComparison.Ordinal);
        Assert.True(degraded.IsCallable);
    }

    [Fact]
    public async Task Flood_WhenItIsOver_TheServerIsHealthyAgain()
    {
        var clock = new FakeTimeProvider();
        var runs = ScriptedRuns.Legacy();
        await using var manager = new McpManager(timeProvider: clock);
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);
        var server = (await runs.WhenRunAsync(1)).Server;
        for (var i = 0; i < 101; i++)
        {
            await server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}""");
        }

        await manager.ReachedAsync("s", ServerState.Degraded);
        await clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(3));
        clock.Advance(TimeSpan.FromSeconds(3));

        Assert.Null((await manager.ReachedAsync("s", ServerState.Healthy)).Reason);
    }

    [Fact]
    public async Task Flood_WhenItBeginsDuringTheStart_TheServerIsDegradedFromTheFirst()
    {
        var clock = new FakeTimeProvider();
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/list", static _ => null));
        await using var manager = new McpManager(timeProvider: clock);
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        var server = (await runs.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync(static requests => requests.Any(static request => request.Method == "tools/list"), "the question for its tools");
        await server.SendAsync(string.Join('\n', Enumerable.Repeat("""{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}""", 101)));
        await clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(3));

        await server.SendAsync("{\"jsonrpc\":\"2.0\",\"id\":" + server.Received.Last(static request => request.Method == "tools/list").Id + ",\"result\":{\"tools\":[]}}");
        await clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(1));
        clock.Advance(TimeSpan.FromSeconds(1));

        var serving = await manager.ReachedAsync("s", static snapshot => snapshot.IsCallable, "the end of the start");
        Assert.Equal(ServerState.Degraded, serving.State);
        Assert.Contains("notifications a second", serving.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_WhenTheServerIsStillStarting_ItsProcessIsGoneWithTheReply()
    {
        var options = new FairleadOptions();
        options.Limits.StopStdinWait = TimeSpan.Zero;
        options.Limits.StopTermWait = TimeSpan.Zero;
        await using var manager = new McpManager(options);
        await manager.DeployServerAsync(MisbehaveServer.Config("sound", "junk"));
        var marker = MarkerOf((await manager.ReachedAsync("sound", ServerState.Healthy)).ProcessId!.Value);
        await manager.DeployServerAsync(MisbehaveServer.Config("hangs", "hang"));
        await Guard.WithinAsync(manager.UndeployServerAsync("sound"), "the sound server's end");

        await Guard.WithinAsync(manager.ShutdownServerAsync("hangs"), "the stop of a server that hangs in its start");

        Assert.Empty(ProcessTable.Marked(marker));
    }

    [Fact]
    public async Task Reason_WhenAServerSaysASecretAloud_ItIsHidden()
    {
        await using var manager = new McpManager();
        var config = MisbehaveServer.Config("s", "exit");
        config.Environment["API_KEY"] = "the database is on holiday";
        await manager.DeployServerAsync(config);

        var down = await manager.ReachedAsync("s", static snapshot => snapshot.LastFailure is not null, "the failure");

        Assert.DoesNotContain("holiday", down.LastFailure, StringComparison.Ordinal);
        Assert.Contains("REDACTED", down.LastFailure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shutdown_WhenChildrenAreStubborn_NoProcessIsLeft()
    {
        var options = new FairleadOptions();
        options.Limits.StopStdinWait = TimeSpan.Zero;
        options.Limits.StopTermWait = TimeSpan.Zero;
        var manager = new McpManager(options);
        await manager.DeployServerAsync(MisbehaveServer.Config("a", "junk"));
        await manager.DeployServerAsync(MisbehaveServer.Config("b", "grandchild"));
        await manager.DeployServerAsync(MisbehaveServer.Config("c", "hang"));
        await manager.ReachedAsync("a", ServerState.Healthy);
        await manager.ReachedAsync("b", ServerState.Healthy);
        var marker = MarkerOf(manager.Cell("a").Current.ProcessId!.Value);
        Assert.NotEmpty(ProcessTable.Marked(marker));

        await Guard.WithinAsync(manager.ShutdownAsync(TimeSpan.Zero), "the shutdown");

        Assert.Empty(ProcessTable.Marked(marker));
    }

    [Fact]
    public async Task Stop_WhenByHand_TheServerStaysListedAndCanBeStartedAgain()
    {
        await using var manager = new McpManager();
        manager.AddServer("s", ScriptedRuns.Legacy());
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);

        await Guard.WithinAsync(manager.ShutdownServerAsync("s"), "the stop");
        Assert.Equal(ServerState.Stopped, Assert.Single(await manager.ListServersAsync()).State);
        Assert.False((await manager.GetServerHealthAsync("s")).IsHealthy);
        var error = await Assert.ThrowsAsync<ConnectionFailed>(async () => await manager.CallAsync("s", "hello"));
        Assert.Contains("Stopped", error.Message, StringComparison.Ordinal);

        await manager.RestartServerAsync("s");
        Assert.Equal("hello", (await Guard.WithinAsync(manager.CallAsync("s", "hello"), "a call after the restart")).Text);
    }

    [Fact]
    public async Task DependsOn_WhenTheOtherIsNotUpYet_TheServerWaitsForIt()
    {
        var slow = ScriptedRuns.Legacy(static server => server.On("initialize", static _ => null));
        var second = ScriptedRuns.Legacy();
        await using var manager = new McpManager(new FairleadOptions { Servers = { new() { Name = "second", DependsOn = { "first" } }, new() { Name = "first" } } });
        manager.AddServer("first", slow);
        manager.AddServer("second", second);
        await manager.InitializeAsync();

        var waiting = await manager.ReachedAsync("second", static snapshot => snapshot.Reason!.Contains("waits for 'first'", StringComparison.Ordinal), "the wait");
        Assert.Equal(ServerState.Initializing, waiting.State);
        Assert.Equal(0, second.Count);
        var server = (await slow.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("initialize");
        var id = server.Received.Single(static request => request.Method == "initialize").Id;
        await server.SendAsync($$$$"""{"jsonrpc":"2.0","id":{{{{id}}}},"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"first","version":"1"}}}""");

        await manager.ReachedAsync("second", ServerState.Healthy);
    }

    [Fact]
    public async Task Deploy_WhenDependenciesAreUnknownOrGoRound_TheErrorNamesThem()
    {
        await using var manager = new McpManager();

        var unknown = await Assert.ThrowsAsync<InvalidConfiguration>(() => manager.DeployServerAsync(new ServerConfig { Name = "a", Command = "sh", DependsOn = { "ghost" } }));
        Assert.Contains("ghost", unknown.Message, StringComparison.Ordinal);

        await using var circle = new McpManager(new FairleadOptions
        {
            Servers = { new() { Name = "a", Command = "sh", DependsOn = { "b" } }, new() { Name = "b", Command = "sh", DependsOn = { "a" } } },
        });
        var round = await Assert.ThrowsAsync<InvalidConfiguration>(() => circle.InitializeAsync());
        Assert.Contains("a -> b -> a", round.Message, StringComparison.Ordinal);
        Assert.Empty(await circle.ListServersAsync());
    }

    [Fact]
    public async Task Update_WhenTheChangedServerIsReady_ItTakesOverWithoutAGap()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(MisbehaveServer.Config("s", "junk"));
        var old = await manager.ReachedAsync("s", ServerState.Healthy);
        var states = new List<ServerState>();
        var watching = WatchAsync(manager.Cell("s"), states);

        await Guard.WithinAsync(manager.UpdateServerAsync("s", MisbehaveServer.Config("s", "slow")), "the update");

        Assert.Equal("quick", (await Guard.WithinAsync(manager.CallAsync("s", "quick"), "a call to the changed server")).Text);
        var updated = manager.Cell("s").Current;
        Assert.NotEqual(old.ProcessId, updated.ProcessId);
        Assert.All(states, static state => Assert.Equal(ServerState.Healthy, state));
        await Guard.WithinAsync(old.Shared!.Lost, "the end of the server as it was");
        await manager.ShutdownAsync();
        await Guard.WithinAsync(watching, "the watch");
    }

    [Fact]
    public async Task Update_WhenTheChangedServerCannotStart_TheOneBeforeServesOn()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(MisbehaveServer.Config("s", "junk"));
        var before = await manager.ReachedAsync("s", ServerState.Healthy);

        var error = await Assert.ThrowsAsync<DeploymentFailed>(() => Guard.WithinAsync(manager.UpdateServerAsync("s", MisbehaveServer.Config("s", "exit")), "the failed update"));

        Assert.Contains("database is on holiday", error.Message, StringComparison.Ordinal);
        Assert.Same(before.Shared, manager.Cell("s").Current.Shared);
        Assert.Equal("hello", (await manager.CallAsync("s", "hello")).Text);
    }

    [Fact]
    public async Task Update_WhenOnlyLimitsChange_TheProcessStays()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(MisbehaveServer.Config("s", "junk"));
        var before = await manager.ReachedAsync("s", ServerState.Healthy);
        var changed = MisbehaveServer.Config("s", "junk");
        changed.TimeoutMs = 1234;
        changed.Expose.Hide.Add("hello");

        await manager.UpdateServerAsync("s", changed);

        Assert.Same(before.Shared, manager.Cell("s").Current.Shared);
        Assert.Equal(1234, manager.Cell("s").Current.Config.TimeoutMs);
        await Assert.ThrowsAsync<ToolNotFound>(async () => await manager.CallAsync("s", "hello"));
    }

    [Fact]
    public async Task Update_WhenTheNameDiffers_ItIsRefused()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Command = "sh", Disabled = true });

        await Assert.ThrowsAsync<InvalidConfiguration>(() => manager.UpdateServerAsync("s", new ServerConfig { Name = "t", Command = "sh" }));
        await Assert.ThrowsAsync<ServerNotFound>(() => manager.UpdateServerAsync("t", new ServerConfig { Name = "t", Command = "sh" }));
    }

    private static async Task WatchAsync(ServerCell cell, List<ServerState> states)
    {
        while (true)
        {
            var changed = cell.Changed;
            var state = cell.Current.State;
            if (state == ServerState.Stopped)
            {
                return;
            }

            states.Add(state);
            await changed;
        }
    }

    /// <summary>What all processes of one manager carry in their environment.</summary>
    private static string MarkerOf(int processId)
    {
        var marked = ProcessTable.EnvironmentOf(processId).Single(static variable => variable.StartsWith("FAIRLEAD_INSTANCE=", StringComparison.Ordinal));
        return marked[..(marked.IndexOf('.', StringComparison.Ordinal) + 1)];
    }
}
