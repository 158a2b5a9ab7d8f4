using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests.Exchanges;

/// <summary>Calls of tool objects from this process: what guards, deadlines and cancellation do to them is what they do to every call.</summary>
public sealed class DirectCallTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly HeldTool _held = new();
    private readonly McpManager _manager;

    public DirectCallTests()
    {
        _manager = new McpManager(timeProvider: _clock);
        _manager.AddTools("tools", _held, TextTool.Echo());
    }

    public async ValueTask DisposeAsync()
    {
        await _manager.ShutdownAsync(TimeSpan.Zero);
        await _manager.DisposeAsync();
    }

    [Fact]
    public async Task Call_BeyondTheRateOfTheServer_IsRefusedWithTheTimeToWait()
    {
        var config = Tools();
        config.RateLimit.Server = new RateOptions { Calls = 1, PerMs = 10_000 };
        await StartAsync(config);

        Assert.Equal("{}", (await _manager.CallAsync("tools", "echo", "{}"u8.ToArray())).Text);
        var refused = await Assert.ThrowsAsync<ResourceExhausted>(async () => await _manager.CallAsync("tools", "echo"));
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(TimeSpan.FromSeconds(10), refused.RetryAfter);
        Assert.Contains("rateLimit.server", refused.Message, StringComparison.Ordinal);
        Assert.False((await _manager.CallAsync("tools", "echo")).IsError);
    }

    [Fact]
    public async Task Call_WhenTheBulkheadIsFull_WaitsForItsTurnOrIsRefused()
    {
        var config = Tools();
        (config.MaxConnections, config.QueueMax) = (1, 1);
        await StartAsync(config);

        var first = _manager.CallAsync("tools", "held").AsTask();
        var second = _manager.CallAsync("tools", "held").AsTask();
        var third = await Assert.ThrowsAsync<ResourceExhausted>(async () => await _manager.CallAsync("tools", "echo"));

        Assert.Equal(1, _held.Begun);
        Assert.Contains("maxConnections (1)", third.Message, StringComparison.Ordinal);
        _held.End(0, "first");
        Assert.Equal("first", (await Guard.WithinAsync(first, "the first call")).Text);
        await _held.WhenBegunAsync(1);
        _held.End(1, "second");
        Assert.Equal("second", (await Guard.WithinAsync(second, "the call that waited")).Text);
        Assert.False((await _manager.CallAsync("tools", "echo")).IsError);
    }

    [Fact]
    public async Task Call_ThatIsCancelledWhileItWaits_IsNeverRun()
    {
        var config = Tools();
        config.MaxConnections = 1;
        await StartAsync(config);
        using var cancel = new CancellationTokenSource();
        var first = _manager.CallAsync("tools", "held").AsTask();
        var second = _manager.CallAsync("tools", "held", cancellationToken: cancel.Token).AsTask();

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Guard.WithinAsync(second, "the cancelled call"));
        _held.End(0, "first");

        Assert.Equal("first", (await Guard.WithinAsync(first, "the first call")).Text);
        Assert.False((await _manager.CallAsync("tools", "echo")).IsError);
        Assert.Equal(1, _held.Begun);
    }

    [Fact]
    public async Task Call_WhenItsTimeIsOver_FailsAndItsToolIsToldAndItsLateEndIsNobodys()
    {
        await StartAsync(Tools());
        var slow = _manager.CallAsync("tools", "held").AsTask();
        await _clock.WhenTimerDueWithinAsync(TimeSpan.FromMilliseconds(50));

        _clock.Advance(TimeSpan.FromSeconds(31));
        await Assert.ThrowsAsync<McpTimeout>(() => Guard.WithinAsync(slow, "the call whose time is over"));
        await _held.WhenCancelledAsync(0);
        var next = _manager.CallAsync("tools", "held").AsTask();
        _held.End(0, "late");
        Assert.False((await _manager.CallAsync("tools", "echo")).IsError);
        Assert.False(next.IsCompleted);
        _held.End(1, "in time");

        Assert.Equal("in time", (await Guard.WithinAsync(next, "the next call")).Text);
        Assert.Equal(1, (await _manager.GetMetricsAsync()).Failed);
    }

    [Fact]
    public async Task Call_WhenItsToolKeepsFailing_IsRefusedByTheOpenCircuit()
    {
        var config = Tools();
        (config.CircuitBreaker.MinimumCalls, config.Retry.Attempts) = (3, 1);
        await StartAsync(config);
        Task<ToolResult>[] slow = [.. Enumerable.Range(0, 3).Select(_ => _manager.CallAsync("tools", "held").AsTask())];
        await _clock.WhenTimerDueWithinAsync(TimeSpan.FromMilliseconds(50));
        _clock.Advance(TimeSpan.FromSeconds(31));
        foreach (var call in slow)
        {
            await Assert.ThrowsAsync<McpTimeout>(() => Guard.WithinAsync(call, "a call whose time is over"));
        }

        var refused = await Assert.ThrowsAsync<CircuitOpen>(async () => await _manager.CallAsync("tools", "held"));

        Assert.NotNull(refused.RetryAfter);
        Assert.Equal(3, _held.Begun);
    }

    [Fact]
    public async Task Call_WhenItsCallerGivesUp_EndsAtOnceAndItsToolIsTold()
    {
        await StartAsync(Tools());
        using var cancel = new CancellationTokenSource();
        var call = _manager.CallAsync("tools", "held", cancellationToken: cancel.Token).AsTask();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Guard.WithinAsync(call, "the cancelled call"));
        await _held.WhenCancelledAsync(0);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _manager.CallAsync("tools", "held", cancellationToken: cancel.Token));
        Assert.Equal(1, _held.Begun);
        Assert.Equal(0, (await _manager.GetMetricsAsync()).Failed);
    }

    [Fact]
    public async Task Call_OfAToolThatLooksAtItsTokenWhileItRuns_SeesTheCallerGiveUp()
    {
        using var cancel = new CancellationTokenSource();
        _manager.AddTools("looks", new TextTool("looks", (_, token) =>
        {
            cancel.Cancel();
            Assert.True(token.IsCancellationRequested);
            return new ValueTask<ToolOutput>(ToolOutput.Text("too late"));
        }));
        await _manager.DeployServerAsync(new ServerConfig { Name = "looks" });
        await _manager.ReachedAsync("looks", ServerState.Healthy);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _manager.CallAsync("looks", "looks", cancellationToken: cancel.Token));
    }

    [Fact]
    public async Task Shutdown_WhenToolsRun_WaitsForThemAndCutsThemOffAfterwards()
    {
        await StartAsync(Tools());
        var ends = _manager.CallAsync("tools", "held").AsTask();
        var hangs = _manager.CallAsync("tools", "held").AsTask();

        var stopping = _manager.ShutdownAsync(TimeSpan.FromSeconds(5));
        await _clock.WhenTimerDueWithinAsync(TimeSpan.FromMilliseconds(20));
        _held.End(0, "whole");
        Assert.Equal("whole", (await Guard.WithinAsync(ends, "the call that ends")).Text);
        _clock.Advance(TimeSpan.FromSeconds(6));

        await Assert.ThrowsAsync<ConnectionFailed>(() => Guard.WithinAsync(hangs, "the call that is cut off"));
        await _held.WhenCancelledAsync(1);
        await Guard.WithinAsync(stopping, "the shutdown");
    }

    private static ServerConfig Tools() => new() { Name = "tools" };

    private async Task StartAsync(ServerConfig config)
    {
        await _manager.DeployServerAsync(config);
        await _manager.ReachedAsync("tools", ServerState.Healthy);
    }
}
