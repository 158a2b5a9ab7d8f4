using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.Tests.Servers;

/// <summary>What a server that cannot serve costs, and is sent, in an hour. Nobody waits for it: the clock is the test's.</summary>
public sealed class BoundedTrafficTests
{
    private readonly FakeTimeProvider _clock = new();

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task Refusal_OfFairleadsCredentials_IsTakenOnceForAll(int status)
    {
        await using var upstream = await RawUpstream.StartAsync((_, context, _) => context.StatusAsync(status));
        await using var manager = new McpManager(timeProvider: _clock);
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Url = upstream.Url });
        var refused = await manager.ReachedAsync("s", ServerState.AuthRequired);
        var requests = upstream.Requests.Count;

        await AnHourAsync(async () => await Assert.ThrowsAsync<Unauthenticated>(async () => await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the refusal")));

        Assert.Equal(ServerState.AuthRequired, manager.Cell("s").Current.State);
        Assert.Null(refused.NextRetry);
        Assert.Contains("correct \"auth\" or \"headers\"", refused.Reason, StringComparison.Ordinal);

        // The probe, and at most initialize after it; the hour and sixty calls add nothing.
        Assert.InRange(requests, 1, 2);
        Assert.Equal(requests, upstream.Requests.Count);
    }

    [Theory]
    [InlineData(401, false, ServerIsolation.Auto)]
    [InlineData(401, false, ServerIsolation.Session)]
    [InlineData(401, true, ServerIsolation.Auto)]
    [InlineData(403, false, ServerIsolation.Auto)]
    [InlineData(403, true, ServerIsolation.Auto)]
    public async Task Refusal_AfterAGoodStart_IsTakenOnceForAllUntilSomethingChanges(int status, bool isModern, ServerIsolation isolation)
    {
        const string Tools = """{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"hello","inputSchema":{"type":"object"}}]}""";
        var refuses = false;
        var legacy = new LegacyScript { Call = static (_, context, request) => context.ResultAsync(request, request.RpcMethod == "tools/list" ? Tools : "{\"content\":[]}") };
        await using var upstream = await RawUpstream.StartAsync((server, context, request) =>
            Volatile.Read(ref refuses) ? context.AnswerAsync(status, "text/plain", "the token has expired")
            : !isModern ? legacy.AnswerAsync(server, context, request)
            : context.ResultAsync(request, request.RpcMethod switch
            {
                "server/discover" => ModernScript.Discovered,
                "tools/list" => Tools,
                _ => """{"resultType":"complete","content":[]}""",
            }));
        await using var manager = new McpManager(timeProvider: _clock);
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Url = upstream.Url, Isolation = isolation, HealthCheck = { Kind = HealthCheckKind.None } });
        await manager.ReachedAsync("s", ServerState.Healthy);
        await Guard.WithinAsync(manager.CallAsync("s", "hello"), "a call");

        Volatile.Write(ref refuses, true);
        await Assert.ThrowsAsync<Unauthenticated>(async () => await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the first refusal"));
        var refused = await manager.ReachedAsync("s", ServerState.AuthRequired);
        await upstream.NextAsync(static one => one.RpcMethod == "tools/call", "the first call");
        var requests = upstream.Requests.Count;
        await AnHourAsync(async () => await Assert.ThrowsAsync<Unauthenticated>(async () => await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the refusal")));

        Assert.Contains($"HTTP {status}: the token has expired", refused.Reason, StringComparison.Ordinal);
        Assert.Null(refused.NextRetry);
        Assert.Equal("hello", refused.Catalog.Tools[0].Name);

        // What ends the session at the server may still be on its way; calls and retries are not.
        Assert.InRange(upstream.Requests.Count - requests, 0, 2);

        Volatile.Write(ref refuses, false);
        await manager.RestartServerAsync("s");
        await manager.ReachedAsync("s", ServerState.Healthy);
    }

    [Fact]
    public async Task Refusal_OfOneToolAlone_LeavesTheServerInService()
    {
        await using var upstream = await new LegacyScript
        {
            Call = static (_, context, request) => request.RpcMethod == "tools/call"
                ? context.AnswerAsync(403, "text/plain", "not this tool")
                : context.ResultAsync(request, """{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]}"""),
        }.StartAsync();
        await using var manager = new McpManager(timeProvider: _clock);
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Url = upstream.Url, HealthCheck = { Kind = HealthCheckKind.None } });
        await manager.ReachedAsync("s", ServerState.Healthy);

        await Assert.ThrowsAsync<Unauthenticated>(async () => await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the refusal"));

        await upstream.NextAsync("ping");
        await Assert.ThrowsAsync<Unauthenticated>(async () => await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the next refusal"));
        Assert.Equal(ServerState.Healthy, manager.Cell("s").Current.State);
    }

    [Fact]
    public async Task Exit_BecauseOfACredential_IsTakenOnceForAllUntilSomethingChanges()
    {
        const string Secret = "sk-test-0123456789";
        await using var manager = new McpManager(timeProvider: _clock);
        var config = MisbehaveServer.Config("s", "exit", "1", $"Error: invalid API key {Secret}");
        config.Environment["SOME_API_KEY"] = Secret;
        await manager.DeployServerAsync(config);
        var refused = await manager.ReachedAsync("s", ServerState.AuthRequired);

        await AnHourAsync(async () => await Assert.ThrowsAsync<Unauthenticated>(async () => await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the refusal")));

        Assert.StartsWith("it ended with code 1 because a credential is missing or refused: Error: invalid API key ", refused.Reason, StringComparison.Ordinal);
        Assert.EndsWith("Correct it (\"env\" or \"args\"), then restart it", refused.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, refused.Reason, StringComparison.Ordinal);
        Assert.Null(refused.NextRetry);
        Assert.Equal((ServerState.AuthRequired, 0), (manager.Cell("s").Current.State, manager.Cell("s").Current.Restarts));

        await manager.UpdateServerAsync("s", MisbehaveServer.Config("s", "slow"));
        await manager.ReachedAsync("s", ServerState.Healthy);
    }

    [Fact]
    public async Task Crashes_OfAServerThatStartsWell_EndInCrashLoopAfterFiveRestartsAndStayThere()
    {
        var runs = ScriptedRuns.Legacy();
        await using var manager = new McpManager(timeProvider: _clock);
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        for (var restarts = 0; restarts < 5; restarts++)
        {
            await manager.ReachedAsync("s", snapshot => snapshot.State == ServerState.Healthy && snapshot.Restarts == restarts, $"run {restarts + 1}");
            (await runs.WhenRunAsync(restarts + 1)).Crash("again");
            var down = await manager.ReachedAsync("s", snapshot => snapshot.NextRetry is not null && snapshot.Restarts == restarts, $"restart {restarts + 1} being planned");
            Assert.InRange((down.NextRetry!.Value - _clock.GetUtcNow()).TotalSeconds, (1 << restarts) * 0.9, (1 << restarts) * 1.1);
            await _clock.AdvanceToRetryAsync(down);
        }

        await manager.ReachedAsync("s", static snapshot => snapshot.State == ServerState.Healthy && snapshot.Restarts == 5, "run 6");
        (await runs.WhenRunAsync(6)).Crash("for the last time");
        var end = await manager.ReachedAsync("s", ServerState.CrashLoop);

        await AnHourAsync(async () => await Assert.ThrowsAsync<ConnectionFailed>(async () => await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the refusal")));

        Assert.Contains("for the last time", end.Reason, StringComparison.Ordinal);
        Assert.Null(end.NextRetry);
        Assert.Equal(6, runs.Count);
        Assert.Equal(ServerState.CrashLoop, manager.Cell("s").Current.State);
    }

    [Fact]
    public async Task Crash_WhileCallsAreInFlight_EndsThemAtOnceKeepsTheListsAndTellsTheRecovery()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static _ => null));
        await using var manager = new McpManager(timeProvider: _clock);
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);
        var first = await runs.WhenRunAsync(1);
        var calls = Enumerable.Range(0, 3).Select(_ => manager.CallAsync("s", "hello").AsTask()).ToArray();
        await first.Server.WhenReceivedAsync("tools/call", 3);

        first.Crash("out of luck");

        foreach (var call in calls)
        {
            // The clock stands still: no deadline can have ended them.
            var error = await Assert.ThrowsAsync<ConnectionFailed>(() => Guard.WithinAsync(call, "the failure"));
            Assert.Contains("out of luck", error.Message, StringComparison.Ordinal);
            Assert.Contains("'s'", error.Message, StringComparison.Ordinal);
        }

        var down = await manager.ReachedAsync("s", ServerState.Unhealthy);
        Assert.Equal("hello", down.Catalog.Tools[0].Name);
        var told = manager.Cell("s").Changed;
        await _clock.AdvanceToRetryAsync(down);
        await Guard.WithinAsync(told, "the news that it starts again");
        var up = await manager.ReachedAsync("s", ServerState.Healthy);

        Assert.Equal(1, up.Restarts);
        Assert.Equal(down.Catalog.Tools.Length, up.Catalog.Tools.Length);
        Assert.Contains("out of luck", up.LastFailure, StringComparison.Ordinal);
    }

    /// <summary>An hour passes, a minute at a time, and each minute somebody calls.</summary>
    private async Task AnHourAsync(Func<Task> eachMinute)
    {
        for (var minute = 0; minute < 60; minute++)
        {
            _clock.Advance(TimeSpan.FromMinutes(1));
            await eachMinute();
        }
    }
}
