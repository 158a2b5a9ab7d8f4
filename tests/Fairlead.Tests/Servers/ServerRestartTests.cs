using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;

namespace Fairlead.Tests.Servers;

public sealed class ServerRestartTests
{
    private readonly FakeTimeProvider _clock = new();

    private McpManager Manager(IMcpServer server)
    {
        var manager = new McpManager(timeProvider: _clock);
        manager.AddServer("s", server);
        return manager;
    }

    private static Task<ServerSnapshot> PlannedAsync(McpManager manager, int restarts) =>
        manager.ReachedAsync("s", snapshot => snapshot.NextRetry is not null && snapshot.Restarts == restarts, $"restart {restarts + 1} being planned");

    [Fact]
    public async Task Loss_WhenTheServerCrashes_ItIsStartedAgainAfterTheBackOff()
    {
        var runs = ScriptedRuns.Legacy();
        await using var manager = Manager(runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);

        (await runs.WhenRunAsync(1)).Crash("out of memory");
        var down = await manager.ReachedAsync("s", ServerState.Unhealthy);
        Assert.Contains("out of memory", down.Reason, StringComparison.Ordinal);
        Assert.InRange((down.NextRetry!.Value - _clock.GetUtcNow()).TotalSeconds, 0.9, 1.1);
        var refused = await Assert.ThrowsAsync<ConnectionFailed>(async () => await manager.CallAsync("s", "hello"));
        Assert.Equal(down.NextRetry - _clock.GetUtcNow(), refused.RetryAfter);

        await _clock.AdvanceToRetryAsync(down);
        var up = await manager.ReachedAsync("s", ServerState.Healthy);

        Assert.Equal(1, up.Restarts);
        Assert.Contains("out of memory", up.LastFailure, StringComparison.Ordinal);
        Assert.Null(up.NextRetry);
        Assert.Equal("hello", (await manager.CallAsync("s", "hello")).Text);
    }

    [Fact]
    public async Task Start_WhenItFailsAgainAndAgain_DelaysGrowAndTheBudgetEndsInCrashLoop()
    {
        var runs = new ScriptedRuns(static server => server.On("initialize", """ "error":{"code":-32603,"message":"no database"} """));
        await using var manager = Manager(runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });

        for (var restarts = 0; restarts < 5; restarts++)
        {
            var seconds = 1 << restarts;
            var down = await PlannedAsync(manager, restarts);
            Assert.InRange((down.NextRetry!.Value - _clock.GetUtcNow()).TotalSeconds, seconds * 0.9, seconds * 1.1);
            await _clock.AdvanceToRetryAsync(down);
        }

        var end = await manager.ReachedAsync("s", ServerState.CrashLoop);
        Assert.Contains("no database", end.Reason, StringComparison.Ordinal);
        Assert.Equal(DeploymentState.Failed, end.Deployment);
        Assert.Equal(5, end.Restarts);
        Assert.Equal(6, runs.Count);
    }

    [Fact]
    public async Task Restart_WhenAPersonAsksForIt_ACrashLoopEnds()
    {
        var isMended = false;
        var runs = new ScriptedRuns(server =>
        {
            if (Volatile.Read(ref isMended))
            {
                server.SpeaksLegacy("{}");
            }
        });
        await using var manager = Manager(runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        for (var restarts = 0; restarts < 5; restarts++)
        {
            await _clock.AdvanceToRetryAsync(await PlannedAsync(manager, restarts));
        }

        await manager.ReachedAsync("s", ServerState.CrashLoop);
        Volatile.Write(ref isMended, true);
        await manager.RestartServerAsync("s");

        await manager.ReachedAsync("s", ServerState.Healthy);
    }

    [Fact]
    public async Task Loss_WhenTheServerWasStableForFiveMinutes_TheBudgetIsFullAgain()
    {
        var runs = ScriptedRuns.Legacy();
        await using var manager = Manager(runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        for (var run = 1; run <= 4; run++)
        {
            await manager.ReachedAsync("s", snapshot => snapshot.State == ServerState.Healthy && snapshot.Restarts == run - 1, $"run {run}");
            (await runs.WhenRunAsync(run)).Crash("again");
            await _clock.AdvanceToRetryAsync(await PlannedAsync(manager, run - 1));
        }

        await manager.ReachedAsync("s", static snapshot => snapshot.State == ServerState.Healthy && snapshot.Restarts == 4, "run 5");
        _clock.Advance(TimeSpan.FromMinutes(5));
        (await runs.WhenRunAsync(5)).Crash("once more");
        var down = await PlannedAsync(manager, 4);

        Assert.InRange((down.NextRetry!.Value - _clock.GetUtcNow()).TotalSeconds, 0.9, 1.1);
    }

    [Fact]
    public async Task Start_WhenTheCommandDoesNotExist_ItIsGivenUpAtOnceWithTheMend()
    {
        await using var manager = new McpManager(timeProvider: _clock);
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Command = "no-such-program-anywhere" });

        var end = await manager.ReachedAsync("s", ServerState.CrashLoop);

        Assert.Contains("no-such-program-anywhere", end.Reason, StringComparison.Ordinal);
        Assert.Null(end.NextRetry);
        Assert.Equal(0, end.Restarts);
    }

    [Fact]
    public async Task Start_WhenAVariableIsMissing_TheServerWaitsForItWithoutBeingStarted()
    {
        await using var manager = new McpManager(timeProvider: _clock);
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Command = "sh", MissingVariables = { "GITHUB_TOKEN" } });

        var snapshot = manager.Cell("s").Current;

        Assert.Equal(ServerState.MissingAuth, snapshot.State);
        Assert.Contains("GITHUB_TOKEN", snapshot.Reason, StringComparison.Ordinal);
        await Assert.ThrowsAsync<Unauthenticated>(async () => await manager.CallAsync("s", "hello"));
    }

    [Fact]
    public async Task Start_WhenTheServerEndsAtTheProbe_ItIsStartedOnceMoreAsLegacyOutsideTheBudget()
    {
        var runs = 0;
        var server = new EndsWhenProbed(() => Interlocked.Increment(ref runs));
        await using var manager = Manager(server);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });

        var up = await manager.ReachedAsync("s", ServerState.Healthy);

        Assert.Equal(2, runs);
        Assert.Equal(0, up.Restarts);
    }

    [Fact]
    public async Task Start_WhenTheEraIsKnown_TheServerIsNotProbedAgain()
    {
        var runs = ScriptedRuns.Legacy();
        await using var manager = Manager(runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);
        await manager.RestartServerAsync("s");
        await (await runs.WhenRunAsync(2)).Server.WhenReceivedAsync("notifications/initialized");

        Assert.Contains((await runs.WhenRunAsync(1)).Server.Received, static request => request.Method == "server/discover");
        Assert.DoesNotContain((await runs.WhenRunAsync(2)).Server.Received, static request => request.Method == "server/discover");
    }

    /// <summary>As servers on the official Rust SDK: anything before initialize ends them.</summary>
    private sealed class EndsWhenProbed(Action ran) : IMcpServer
    {
        public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
        {
            ran();
            await using var server = new ScriptedServer();
            server.SpeaksLegacy("{}").On("server/discover", probe =>
            {
                _ = server.HangUpAsync();
                return null;
            });
            await Task.WhenAny(input.CopyToAsync(server.Input, cancellationToken), server.Output.CopyToAsync(output, cancellationToken));
        }
    }
}
