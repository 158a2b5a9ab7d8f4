using Fairlead.Configuration;
using Fairlead.Health;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.Tests.Health;

/// <summary>What becomes of servers whose checks fail, and of those whose checks succeed again.</summary>
public sealed class HealthMonitorTests
{
    // So long that no other wait of a test is as long.
    private static readonly TimeSpan s_interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _clock = new();
    private volatile string? _reason;

    private static HealthCheckOptions Options(HealthCheckKind kind) =>
        new() { Kind = kind, IntervalMs = (int)s_interval.TotalMilliseconds, TimeoutMs = (int)s_timeout.TotalMilliseconds, UnhealthyAfter = 3, HealthyAfter = 2 };

    private async Task<McpManager> DeployAsync(IMcpServer server, HealthCheckKind kind, Action<McpManager>? prepare = null, int timeoutMs = 30_000)
    {
        var manager = new McpManager(timeProvider: _clock);
        manager.AddServer("s", server);
        prepare?.Invoke(manager);
        await manager.DeployServerAsync(new ServerConfig { Name = "s", HealthCheck = Options(kind), TimeoutMs = timeoutMs });
        await manager.ReachedAsync("s", ServerState.Healthy);
        return manager;
    }

    /// <summary>Moves the clock to the next check, once the one before has ended and been judged.</summary>
    private async Task CheckAsync() => _clock.Advance(await WhenJudgedAsync());

    private Task<TimeSpan> WhenJudgedAsync() => _clock.WhenTimerDueBetweenAsync(s_interval / 3, s_interval);

    [Fact]
    public async Task Protocol_WhenAnInstanceBesideTheFirstOneHangs_ItTakesNoCallsAndIsReplaced()
    {
        var number = 0;
        var runs = ScriptedRuns.Legacy(server =>
        {
            if (Interlocked.Increment(ref number) == 2)
            {
                server.On("ping", static _ => null);
            }
        });
        var limits = new FairleadOptions();
        limits.Limits.RestartBase = limits.Limits.RestartMax = TimeSpan.FromMinutes(3);
        await using var manager = new McpManager(limits, timeProvider: _clock);
        manager.AddServer("s", runs);
        var options = Options(HealthCheckKind.Protocol);
        options.UnhealthyAfter = 1;
        await manager.DeployServerAsync(new ServerConfig { Name = "s", HealthCheck = options, Replicas = { Count = 2 } });
        var both = await manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 2, "both instances");
        var (first, hung) = (both.Replicas[0], both.Replicas[1]);

        await _clock.WhenTimerDueBetweenAsync(s_interval / 3, s_interval, count: 2);
        _clock.Advance(s_interval);
        await (await runs.WhenRunAsync(2)).Server.WhenReceivedAsync("ping");
        await Guard.WithinAsync(CheckedAsync(manager), "the check of the first instance");
        _clock.Advance(s_timeout);

        await Guard.WithinAsync(hung.Lost, "the end of the hung instance");
        var alone = await manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 1, "the first instance alone");
        Assert.Equal((first, ServerState.Healthy), (alone.Replicas[0], alone.State));
        _clock.Advance(await _clock.WhenTimerDueBetweenAsync(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(6)));
        var after = await manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 2, "an instance in its place");
        Assert.Equal((first, ServerState.Healthy), (after.Replicas[0], after.State));
        Assert.All(manager.Cell("s").Health.Current.Checks, static check => Assert.True(check.IsHealthy, check.Reason));
    }

    private static async Task CheckedAsync(McpManager manager)
    {
        while (manager.Cell("s").Health.Current.Checks.Length == 0)
        {
            await Task.Yield();
        }
    }

    [Fact]
    public async Task Custom_WhenItFailsAgainAndAgain_CallsAreRefusedWithTheReasonUntilItIsGoodAgain()
    {
        await using var manager = await DeployAsync(
            ScriptedRuns.Legacy(), HealthCheckKind.None, manager => manager.AddHealthCheck("s", _ => Task.FromResult(_reason)));
        _reason = "the licence has run out";

        await CheckAsync();
        await WhenReasonAsync(manager, ServerState.Degraded, "1 of 3 health checks failed: the licence has run out");
        await CheckAsync();
        await WhenReasonAsync(manager, ServerState.Degraded, "2 of 3 health checks failed: the licence has run out");
        Assert.Equal("hello", (await manager.CallAsync("s", "hello")).Text);

        await CheckAsync();
        var down = await WhenReasonAsync(manager, ServerState.Unhealthy, "3 health checks in a row failed: the licence has run out");
        Assert.Equal(_clock.GetUtcNow() + s_interval, down.NextRetry);
        var refused = await Assert.ThrowsAsync<ConnectionFailed>(async () => await manager.CallAsync("s", "hello"));
        Assert.Contains("the licence has run out", refused.Message, StringComparison.Ordinal);
        Assert.Equal(s_interval, refused.RetryAfter);

        _reason = null;
        await CheckAsync();
        await WhenReasonAsync(manager, ServerState.Unhealthy, "1 of 2 good health checks since it failed: the licence has run out");
        await CheckAsync();
        var up = await manager.ReachedAsync("s", ServerState.Healthy);
        Assert.Null(up.Reason);
        Assert.Null(up.NextRetry);
        Assert.Contains("the licence has run out", up.LastFailure, StringComparison.Ordinal);
        Assert.Equal(0, up.Restarts);
        Assert.Equal("hello", (await manager.CallAsync("s", "hello")).Text);

        var health = await manager.GetServerHealthAsync("s", HealthDepth.Ready);
        Assert.Equal([false, false, false, true, true], health.Checks.Select(static check => check.IsHealthy));
        Assert.Equal(0.4, health.Availability);
        Assert.Equal((0, 2), (health.FailuresInARow, health.SuccessesInARow));
        Assert.All(health.Checks, static check => Assert.Equal("custom", check.Kind));
    }

    [Fact]
    public async Task Custom_WhenItHangs_CountsAsFailedAndTheServerCanStillBeRemoved()
    {
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var manager = await DeployAsync(ScriptedRuns.Legacy(), HealthCheckKind.None, manager => manager.AddHealthCheck("s", async _ =>
        {
            began.SetResult();
            await new TaskCompletionSource().Task;
            return null;
        }));
        await CheckAsync();
        await Guard.WithinAsync(began.Task, "the check");
        _clock.Advance(s_timeout);
        await WhenReasonAsync(manager, ServerState.Degraded, "1 of 3 health checks failed: the custom check did not end within 5000 ms (healthCheck.timeoutMs)");
        await CheckAsync();
        await WhenReasonAsync(manager, ServerState.Degraded, "2 of 3 health checks failed: the custom check before was given up after 5000 ms and has not ended yet");
        await Guard.WithinAsync(manager.UndeployServerAsync("s"), "the removal of a server whose check hangs");
    }

    [Fact]
    public async Task Protocol_WhenTheServerHangs_ItIsReplaced()
    {
        var runs = 0;
        var server = new ScriptedRuns(server =>
        {
            server.SpeaksLegacy("{}");
            if (Interlocked.Increment(ref runs) == 1)
            {
                server.On("ping", static _ => null);
            }
            else
            {
                server.On("ping", """ "result":{} """);
            }
        });
        await using var manager = await DeployAsync(server, HealthCheckKind.Protocol);
        var first = (await server.WhenRunAsync(1)).Server;
        for (var check = 1; check <= 3; check++)
        {
            await CheckAsync();
            await first.WhenReceivedAsync("ping", check);
            _clock.Advance(s_timeout + TimeSpan.FromSeconds(1));
            if (check < 3)
            {
                await WhenReasonAsync(manager, ServerState.Degraded, $"{check} of 3 health checks failed: it did not answer ping within 5000 ms (healthCheck.timeoutMs)");
            }
        }

        var lost = await WhenReasonAsync(manager, ServerState.Unhealthy, "3 health checks in a row failed: it did not answer ping within 5000 ms (healthCheck.timeoutMs)");
        await _clock.AdvanceToRetryAsync(lost);
        var up = await manager.ReachedAsync("s", ServerState.Healthy);
        Assert.Equal(1, up.Restarts);

        await CheckAsync();
        await WhenJudgedAsync();
        Assert.Equal([false, false, false, true], manager.Cell("s").Health.Current.Checks.Select(static check => check.IsHealthy));
        Assert.Equal(ServerState.Healthy, manager.Cell("s").Current.State);
    }

    [Fact]
    public async Task Protocol_WhenOtherCallsAreAnsweredMeanwhile_TheServerIsBusyAndStays()
    {
        var server = ScriptedRuns.Legacy(static server => server.On("ping", static _ => null));
        await using var manager = await DeployAsync(server, HealthCheckKind.Protocol);
        for (var check = 1; check <= 4; check++)
        {
            await CheckAsync();
            await (await server.WhenRunAsync(1)).Server.WhenReceivedAsync("ping", check);
            Assert.Equal("hello", (await manager.CallAsync("s", "hello")).Text);
            _clock.Advance(s_timeout + TimeSpan.FromSeconds(1));
            await WhenJudgedAsync();
        }

        Assert.Equal((ServerState.Healthy, 1), (manager.Cell("s").Current.State, server.Count));
        Assert.All(manager.Cell("s").Health.Current.Checks, static check =>
        {
            Assert.True(check.IsHealthy);
            Assert.Contains("it is busy", check.Reason, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Protocol_WhenItWorksOnACall_MayBeSilentForAsLongAsTheCallMay()
    {
        var server = ScriptedRuns.Legacy(static server => server.On("ping", static _ => null).On("tools/call", static _ => null));
        await using var manager = await DeployAsync(server, HealthCheckKind.None, timeoutMs: 3_600_000);
        var check = new PatientProtocolCheck(manager.Cell("s").Current.Shared!, s_timeout, TimeSpan.FromMinutes(1), _clock);
        Assert.False((await AskAsync(1)).IsGood);
        var call = manager.CallAsync("s", "hello").AsTask();
        var first = (await server.WhenRunAsync(1)).Server;
        await first.WhenReceivedAsync("tools/call");

        var patient = await AskAsync(2);
        Assert.True(patient.IsGood);
        Assert.Contains("it works on a call that may be silent for 60 s (timeoutMs)", patient.Reason, StringComparison.Ordinal);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.False((await AskAsync(3)).IsGood);

        await first.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{first.Received.Single(static request => request.Method == "tools/call").Id}}},"result":{"content":[{"type":"text","text":"done"}]}}""");
        Assert.Equal("done", (await Guard.WithinAsync(call, "the long call")).Text);

        async Task<HealthFinding> AskAsync(int number)
        {
            var asking = check.AskAsync(CancellationToken.None);
            await (await server.WhenRunAsync(1)).Server.WhenReceivedAsync("ping", number);
            _clock.Advance(s_timeout + TimeSpan.FromSeconds(1));
            return await Guard.WithinAsync(asking, "the check");
        }
    }

    [Fact]
    public async Task Protocol_WhenARemoteServerIsAwayForOneCheck_ItIsNotReplaced()
    {
        var isAway = false;
        await using var upstream = await RawUpstream.StartAsync(async (_, context, request) =>
        {
            switch (request.RpcMethod)
            {
                case "initialize":
                    await context.ResultAsync(request, """{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"raw","version":"1"}}""");
                    break;
                case "ping" when Volatile.Read(ref isAway):
                    await context.StatusAsync(503);
                    break;
                case "ping":
                    await context.ResultAsync(request, "{}");
                    break;
                default:
                    await context.StatusAsync(request.Method == "GET" ? 405 : request.Id.Length == 0 ? 202 : 400);
                    break;
            }
        });
        await using var manager = new McpManager(timeProvider: _clock);
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Url = upstream.Url, HealthCheck = Options(HealthCheckKind.Protocol) });
        await manager.ReachedAsync("s", ServerState.Healthy);

        Volatile.Write(ref isAway, true);
        await CheckAsync();
        await WhenReasonAsync(manager, ServerState.Degraded, "1 of 3 health checks failed: HTTP 503");
        Volatile.Write(ref isAway, false);
        await CheckAsync();
        Assert.Equal(0, (await manager.ReachedAsync("s", ServerState.Healthy)).Restarts);
        Assert.Equal(2, upstream.Requests.Count(static request => request.RpcMethod == "ping"));
        Assert.Single(upstream.Requests, static request => request.RpcMethod == "initialize");
    }

    [Fact]
    public async Task Checks_WhenTheyRun_AreNoTrafficOfTheServer()
    {
        var server = ScriptedRuns.Legacy();
        await using var manager = await DeployAsync(server, HealthCheckKind.Protocol);
        await CheckAsync();
        await CheckAsync();
        await WhenJudgedAsync();
        Assert.Equal(2, manager.Cell("s").Health.Current.Checks.Length);
        Assert.Equal(0, (await manager.GetMetricsAsync()).Servers["s"].Calls);
    }

    [Fact]
    public async Task Update_WhenOnlyTheIntervalChanges_ItCountsAtOnceWithoutARestart()
    {
        var server = ScriptedRuns.Legacy();
        await using var manager = await DeployAsync(server, HealthCheckKind.Protocol);
        await WhenJudgedAsync();
        await manager.UpdateServerAsync("s", new ServerConfig { Name = "s", HealthCheck = { IntervalMs = 1_000, TimeoutMs = 1_000 } });
        _clock.Advance(await _clock.WhenTimerDueBetweenAsync(TimeSpan.FromMilliseconds(400), TimeSpan.FromSeconds(1)));
        await (await server.WhenRunAsync(1)).Server.WhenReceivedAsync("ping");
        Assert.Equal(1, server.Count);
    }

    [Fact]
    public async Task Protocol_WhenARealChildIsStopped_AnotherOneTakesItsPlace()
    {
        await using var manager = new McpManager();
        var config = MisbehaveServer.Config("s", "junk");
        config.HealthCheck = new HealthCheckOptions { IntervalMs = 500, TimeoutMs = 500, UnhealthyAfter = 2 };
        await manager.DeployServerAsync(config);
        var before = await manager.ReachedAsync("s", ServerState.Healthy);

        ProcessTable.Signal(before.ProcessId!.Value, 19); // SIGSTOP: it hangs, and nothing tells.

        var lost = await manager.ReachedAsync("s", ServerState.Unhealthy);
        Assert.Contains("2 health checks in a row failed: it did not answer", lost.LastFailure, StringComparison.Ordinal);
        var after = await manager.ReachedAsync("s", snapshot => snapshot.State == ServerState.Healthy && snapshot.ProcessId != before.ProcessId, "another process");
        Assert.Equal("hello", (await Guard.WithinAsync(manager.CallAsync("s", "hello"), "a call")).Text);
        await ProcessTable.WhenGoneAsync(before.ProcessId.Value);
        Assert.NotNull(after.ProcessId);
    }

    [Fact]
    public async Task Look_WhenAskedInDepths_EachSaysWhatItSees()
    {
        await using var manager = await DeployAsync(
            ScriptedRuns.Legacy(), HealthCheckKind.None, manager => manager.AddHealthCheck("s", _ => Task.FromResult(_reason)));
        foreach (var depth in Enum.GetValues<HealthDepth>())
        {
            Assert.True((await Guard.WithinAsync(manager.GetServerHealthAsync("s", depth), depth.ToString())).IsHealthy);
        }

        _reason = "the licence has run out";
        var deep = await Guard.WithinAsync(manager.GetServerHealthAsync("s", HealthDepth.Deep), "the deep look");
        Assert.Equal((false, "the licence has run out"), (deep.IsHealthy, deep.Reason));
        Assert.True((await manager.GetServerHealthAsync("s", HealthDepth.Ready)).IsHealthy);
        Assert.Empty(deep.Checks);

        await Guard.WithinAsync(manager.ShutdownServerAsync("s"), "the stop");
        foreach (var depth in Enum.GetValues<HealthDepth>())
        {
            var stopped = await Guard.WithinAsync(manager.GetServerHealthAsync("s", depth), depth.ToString());
            Assert.Equal((false, ServerState.Stopped), (stopped.IsHealthy, stopped.State));
        }
    }

    [Fact]
    public async Task Look_WhenToolsCannotBeListed_TheDeepOneSaysSo()
    {
        var server = ScriptedRuns.Legacy();
        await using var manager = await DeployAsync(server, HealthCheckKind.Protocol);
        (await server.WhenRunAsync(1)).Server.On("tools/list", """ "error":{"code":-32603,"message":"no"} """);
        Assert.True((await Guard.WithinAsync(manager.GetServerHealthAsync("s"), "the health")).IsHealthy);
        var deep = await Guard.WithinAsync(manager.GetServerHealthAsync("s", HealthDepth.Deep), "the deep look");
        Assert.Equal((false, "tools/list: it answered error -32603"), (deep.IsHealthy, deep.Reason));
    }

    private static Task<Fairlead.Routing.ServerSnapshot> WhenReasonAsync(McpManager manager, ServerState state, string reason) =>
        manager.ReachedAsync("s", snapshot => snapshot.State == state && snapshot.Reason == reason, $"{state}: {reason}");
}
