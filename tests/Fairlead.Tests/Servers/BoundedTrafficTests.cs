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
