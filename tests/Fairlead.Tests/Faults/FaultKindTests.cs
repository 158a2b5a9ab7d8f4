using Fairlead.Faults;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests.Faults;

/// <summary>What calls meet under each kind of fault, at a server without a child.</summary>
public sealed class FaultKindTests
{
    [Theory]
    [InlineData(20)]
    [InlineData(0.5)]
    [InlineData(99)]
    public void Draw_OverManyCalls_HitsTheShareThatWasAskedFor(double percent)
    {
        var hits = 0;
        using var fault = new Fault(Info(percent), new FakeTimeProvider());
        for (var i = 0; i < 100_000; i++)
        {
            hits += fault.Draw() ? 1 : 0;
        }

        // Five standard deviations of the mean.
        Assert.InRange(hits, (percent * 1000) - (5 * Math.Sqrt(1000 * percent * (100 - percent) / 100)), (percent * 1000) + (5 * Math.Sqrt(1000 * percent * (100 - percent) / 100)));
    }

    [Fact]
    public async Task Error_OfAShare_HitsThatManyCallsAndNoMore()
    {
        await using var world = await FaultWorld.StartAsync();
        var fault = await world.InjectAsync(new FaultRequest(FaultKind.Error) { Percent = 50 });
        var failed = 0;
        for (var i = 0; i < 200; i++)
        {
            try
            {
                await world.CallAsync();
            }
            catch (ConnectionFailed)
            {
                failed++;
            }
        }

        Assert.InRange(failed, 60, 140);
        Assert.Equal(failed, (await world.Manager.EndFaultAsync(fault.Id)).CallsAffected);
        Assert.Equal(200 - failed, await world.CallsAsync());
    }

    [Fact]
    public async Task Error_OfOneTool_LeavesTheOthersAlone()
    {
        await using var world = await FaultWorld.StartAsync();
        await world.InjectAsync(new FaultRequest(FaultKind.Error) { Tool = "other" });

        Assert.Equal("hello", await world.CallAsync());
        await Assert.ThrowsAsync<ConnectionFailed>(() => world.CallAsync("other"));
    }

    [Fact]
    public async Task Latency_HoldsACallBackUntilItsTimeAndNoLonger()
    {
        await using var world = await FaultWorld.StartAsync();
        await world.InjectAsync(new FaultRequest(FaultKind.Latency) { Latency = TimeSpan.FromMilliseconds(500) });
        var call = world.CallAsync();
        await world.Clock.WhenTimerArmedAsync(TimeSpan.FromMilliseconds(500));

        world.Clock.Advance(TimeSpan.FromMilliseconds(499));
        Assert.Equal(0, await world.CallsAsync());
        world.Clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal("hello", await call);
    }

    [Fact]
    public async Task Latency_WithJitter_HoldsCallsBackForLengthsOfTheirOwn()
    {
        using var fault = new Fault(Info(100) with { LatencyMs = 100, JitterMs = 50 }, new FakeTimeProvider());
        var lengths = Enumerable.Range(0, 1000).Select(_ => fault.NextLatency().TotalMilliseconds).ToArray();
        Assert.All(lengths, static length => Assert.InRange(length, 100, 150));
        Assert.True(lengths.Max() - lengths.Min() > 40);

        await using var world = await FaultWorld.StartAsync();
        await world.InjectAsync(new FaultRequest(FaultKind.Latency) { Latency = TimeSpan.FromMilliseconds(100), Jitter = TimeSpan.FromMilliseconds(50) });
        var calls = Enumerable.Range(0, 5).Select(_ => world.CallAsync()).ToArray();
        await world.ReachedAsync(static fault => fault.CallsAffected == 5);
        world.Clock.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(0, await world.CallsAsync());
        world.Clock.Advance(TimeSpan.FromMilliseconds(52));
        Assert.Equal(["hello", "hello", "hello", "hello", "hello"], await Task.WhenAll(calls));
    }

    [Fact]
    public async Task Latency_WithAnErrorBesideIt_MakesCallsFailLate()
    {
        await using var world = await FaultWorld.StartAsync();
        await world.InjectAsync(new FaultRequest(FaultKind.Error) { Tool = "other" });
        await world.InjectAsync(new FaultRequest(FaultKind.Latency) { Latency = TimeSpan.FromMilliseconds(300) });
        await world.InjectAsync(new FaultRequest(FaultKind.Latency) { Latency = TimeSpan.FromMilliseconds(200) });
        var (good, bad) = (world.CallAsync(), world.CallAsync("other"));
        await Guard.WithinAsync(HitAsync(), "both calls to be hit");

        world.Clock.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(good.IsCompleted || bad.IsCompleted);
        world.Clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal("hello", await good);
        Assert.Contains("(error) was injected", (await Assert.ThrowsAsync<ConnectionFailed>(() => bad)).Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 2], (await world.Manager.EndAllFaultsAsync()).Select(static fault => fault.CallsAffected));

        async Task HitAsync()
        {
            while ((await world.Manager.ListFaultsAsync()).Active[2].CallsAffected != 2)
            {
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task Latency_WhenItIsEnded_LetsWhatWaitsGoAtOnce()
    {
        await using var world = await FaultWorld.StartAsync();
        var fault = await world.InjectAsync(new FaultRequest(FaultKind.Latency) { Latency = TimeSpan.FromSeconds(5) });
        var call = world.CallAsync();
        await world.ReachedAsync(static fault => fault.CallsAffected == 1);
        await world.Manager.EndFaultAsync(fault.Id);

        Assert.Equal("hello", await call);
    }

    [Fact]
    public async Task Latency_LongerThanTheTimeOut_IsATimeOutAndTheServerNeverHearsOfTheCall()
    {
        await using var world = await FaultWorld.StartAsync();
        await world.InjectAsync(new FaultRequest(FaultKind.Latency) { Latency = TimeSpan.FromSeconds(20) });
        var call = world.CallAsync();
        await world.ReachedAsync(static fault => fault.CallsAffected == 1);
        world.Clock.Advance(TimeSpan.FromSeconds(11));
        await Assert.ThrowsAsync<McpTimeout>(() => call);

        world.Clock.Advance(TimeSpan.FromSeconds(10));
        await world.Manager.EndAllFaultsAsync();
        Assert.Equal("hello", await world.CallAsync());
        Assert.Equal(1, await world.CallsAsync());
    }

    [Fact]
    public async Task Partition_LetsNothingArriveAndNothingComeBack()
    {
        await using var world = await FaultWorld.StartAsync();
        var server = await world.ServerAsync();
        server.On("tools/call", static _ => null);
        var before = world.CallAsync();
        await server.WhenReceivedAsync("tools/call");
        var fault = await world.InjectAsync(new FaultRequest(FaultKind.Partition));
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.Last(static request => request.Method == "tools/call").Id}}},"result":{"content":[]}}""");
        await world.ReachedAsync(static fault => fault.CallsAffected == 1);
        var during = world.CallAsync();
        await world.ReachedAsync(static fault => fault.CallsAffected == 2);

        world.Clock.Advance(TimeSpan.FromSeconds(11));
        await Assert.ThrowsAsync<McpTimeout>(() => before);
        await Assert.ThrowsAsync<McpTimeout>(() => during);
        Assert.Equal(1, await world.CallsAsync());
        Assert.DoesNotContain(server.Received, static request => request.Method == "notifications/cancelled");

        Assert.Equal(2, (await world.Manager.EndFaultAsync(fault.Id)).CallsAffected);
        server.On("tools/call", """ "result":{"content":[{"type":"text","text":"again"}]} """);
        Assert.Equal("again", await world.CallAsync());
    }

    [Fact]
    public async Task Partition_OfOneTool_LetsTheOthersThrough()
    {
        await using var world = await FaultWorld.StartAsync();
        await world.InjectAsync(new FaultRequest(FaultKind.Partition) { Tool = "other" });
        var lost = world.CallAsync("other");
        Assert.Equal("hello", await world.CallAsync());

        world.Clock.Advance(TimeSpan.FromSeconds(11));
        await Assert.ThrowsAsync<McpTimeout>(() => lost);
    }

    [Fact]
    public async Task Stall_OfAServerInThisProcess_HoldsItsAnswersBackUntilTheEnd()
    {
        await using var world = await FaultWorld.StartAsync(null, "s", "neighbour");
        var fault = await world.InjectAsync(new FaultRequest(FaultKind.Stall) { Duration = TimeSpan.FromSeconds(5) });
        Assert.Contains(fault.Id, (await Assert.ThrowsAsync<FaultRefused>(() => world.InjectAsync(new FaultRequest(FaultKind.Stall)))).Message, StringComparison.Ordinal);
        var call = world.CallAsync();
        await (await world.ServerAsync()).WhenReceivedAsync("tools/call");
        world.Clock.Advance(TimeSpan.FromMilliseconds(4_999));
        for (var i = 0; i < 100; i++)
        {
            // An answer that is not held back would be there long before the last of these.
            Assert.Equal("hello", await world.CallAsync(server: "neighbour"));
        }

        Assert.False(call.IsCompleted);

        world.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("hello", await call);
        Assert.Equal(1, (await world.EndedAsync(fault.Id)).CallsAffected);
    }

    [Fact]
    public async Task Disconnect_FailsWhatIsInFlightAndTheServerIsStartedAgain()
    {
        await using var world = await FaultWorld.StartAsync();
        var server = await world.ServerAsync();
        server.On("tools/call", static _ => null);
        var call = world.CallAsync();
        await server.WhenReceivedAsync("tools/call");

        var fault = await world.InjectAsync(new FaultRequest(FaultKind.Disconnect));

        Assert.Equal((1, "it happened, to 1 instance"), (fault.CallsAffected, fault.EndReason));
        Assert.Contains($"the fault {fault.Id} (disconnect) was injected on purpose", (await Assert.ThrowsAsync<ConnectionFailed>(() => call)).Message, StringComparison.Ordinal);
        await world.Clock.AdvanceToRetryAsync(await world.Manager.ReachedAsync("s", static snapshot => snapshot.NextRetry is not null, "a restart being planned"));
        await world.Manager.ReachedAsync("s", ServerState.Healthy);
        Assert.Equal("hello", await world.CallAsync());
    }

    private static FaultInfo Info(double percent) => new()
    {
        Id = "f1", Server = "s", Kind = FaultKind.Latency, Percent = percent, By = "a test", StartedAt = default, EndsAt = default,
    };
}
