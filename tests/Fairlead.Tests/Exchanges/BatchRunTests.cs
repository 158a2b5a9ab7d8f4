using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests.Exchanges;

public sealed class BatchRunTests : IAsyncDisposable
{
    private readonly HeldTool _held = new();
    private readonly McpManager _manager = new(new FairleadOptions { Servers = { new ServerConfig { Name = "tools", MaxConnections = 1_000 } } });

    public async ValueTask DisposeAsync()
    {
        await _manager.ShutdownAsync(TimeSpan.Zero);
        await _manager.DisposeAsync();
    }

    [Fact]
    public async Task Batch_OfToolsThatEndAtOnceAndLater_HasItsOutcomesInTheOrderOfTheCalls()
    {
        await StartAsync(TextTool.Echo(), new TextTool("later", static async (arguments, _) =>
        {
            await Task.Yield();
            return ToolOutput.Text(arguments);
        }));

        var outcomes = await Guard.WithinAsync(
            _manager.ExecuteBatchAsync(Enumerable.Range(0, 1_000).Select(static i => new BatchCall("tools", i % 3 == 0 ? "later" : "echo", new { i }))), "the batch");

        Assert.Equal(Enumerable.Range(0, 1_000).Select(static i => $"{{\"i\":{i}}}"), outcomes.Select(static outcome => outcome.Result!.Text));
    }

    [Fact]
    public async Task Batch_WhenCallsFailInAnyWay_TheOthersAreUntouched()
    {
        await StartAsync(TextTool.Echo(), new TextTool("bad", static (_, _) => throw new InvalidOperationException("no paper")));

        var outcomes = await Guard.WithinAsync(
            _manager.ExecuteBatchAsync([new("tools", "echo"), new("tools", "none"), new("tools", "bad"), new("tools", "echo", 5), new("nobody", "echo"), new("tools", "echo", new { n = 1 })]),
            "the batch");

        Assert.True(outcomes[0].IsSuccess);
        Assert.IsType<ToolNotFound>(outcomes[1].Error);
        Assert.Contains("no paper", outcomes[2].Result!.Text, StringComparison.Ordinal);
        Assert.Equal(-32602, Assert.IsType<ToolFailed>(outcomes[3].Error).Code);
        Assert.IsType<ServerNotFound>(outcomes[4].Error);
        Assert.Equal("{\"n\":1}", outcomes[5].Result!.Text);
    }

    [Fact]
    public async Task Batch_OfCallsThatTakeTime_HasSixtyFourOfThemInFlight()
    {
        await StartAsync(_held);
        var batch = _manager.ExecuteBatchAsync(Enumerable.Repeat(new BatchCall("tools", "held"), 100));
        await _held.WhenBegunAsync(63);

        Assert.Equal(64, _held.Begun);
        for (var i = 0; i < 100; i++)
        {
            await _held.WhenBegunAsync(i);
            _held.End(i, "done");
        }

        Assert.All(await Guard.WithinAsync(batch, "the batch"), static outcome => Assert.True(outcome.IsSuccess));
    }

    [Fact]
    public async Task Batch_WhenItsCallerGivesUp_EndsWithAllOfItsCallsCancelled()
    {
        await StartAsync(_held);
        using var cancel = new CancellationTokenSource();
        var batch = _manager.ExecuteBatchAsync(Enumerable.Repeat(new BatchCall("tools", "held"), 10), cancel.Token);
        await _held.WhenBegunAsync(9);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Guard.WithinAsync(batch, "the batch"));
        for (var i = 0; i < 10; i++)
        {
            await _held.WhenCancelledAsync(i);
        }
    }

    [Fact]
    public async Task Batch_WhenOneOfItsCallsIsNull_IsRefusedBeforeAnyIsMade()
    {
        await StartAsync(_held);

        await Assert.ThrowsAsync<ArgumentException>(() => _manager.ExecuteBatchAsync([new("tools", "held"), null!]));

        Assert.Equal(0, _held.Begun);
        Assert.Empty(await _manager.ExecuteBatchAsync([]));
    }

    private async Task StartAsync(params ITool[] tools)
    {
        _manager.AddTools("tools", tools);
        Assert.Equal(["tools"], await Guard.WithinAsync(_manager.LaunchAllAsync(), "the tools to start"));
    }
}
