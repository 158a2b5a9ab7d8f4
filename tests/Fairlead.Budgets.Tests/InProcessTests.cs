using System.Threading.Tasks.Sources;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.Budgets.Tests;

/// <summary>What a call of a tool object allocates; its result is among it.</summary>
public sealed class InProcessTests : IAsyncDisposable
{
    private const int Calls = 10_000;
    private const int WarmRounds = 2;
    private const int Rounds = 6;

    private static readonly byte[] s_arguments = """{"message":"hello"}"""u8.ToArray();

    // With a clock that stands still the 50 ms tick of the deadlines, whose timer allocates, does not run into the count.
    private readonly McpManager _manager = new(new FairleadOptions { Servers = { new ServerConfig { Name = "tools" } } }, timeProvider: new FakeTimeProvider());

    public async ValueTask DisposeAsync()
    {
        await _manager.ShutdownAsync(TimeSpan.Zero);
        await _manager.DisposeAsync();
    }

    [Theory]
    [InlineData(false, "call.in-process")]
    [InlineData(true, "call.in-process-cancellable")]
    public async Task Call_OfAToolThatEndsAtOnce_KeepsItsBudget(bool canBeCancelled, string budget)
    {
        await StartAsync(new ReadyTool());
        using var cancel = new CancellationTokenSource();
        var token = canBeCancelled ? cancel.Token : CancellationToken.None;

        BudgetFile.Check(budget, LeastOf(() =>
        {
            for (var i = 0; i < Calls; i++)
            {
                var call = _manager.ExecuteToolAsync("tools", "ready", s_arguments.AsMemory(), token);
                if (!call.IsCompletedSuccessfully)
                {
                    throw new InvalidOperationException("The call did not end at once.");
                }
            }
        }));
    }

    [Fact]
    public async Task Call_OfAToolThatEndsLater_KeepsItsBudget()
    {
        var tool = new LaterTool();
        await StartAsync(tool);

        var least = await Guard.WithinAsync(Task.Run(() => LeastLaterAsync(tool)), "60 000 calls");

        // What is left is the runtime's, a few times in 10 000 calls.
        BudgetFile.Check("call.in-process-later", least);
    }

    // One async method for all calls: a box per call would be the harness's own allocation.
    private async Task<long> LeastLaterAsync(LaterTool tool)
    {
        var least = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Calls; i++)
            {
                var call = _manager.ExecuteToolAsync("tools", "later", s_arguments.AsMemory(), CancellationToken.None);
                if (call.IsCompleted)
                {
                    throw new InvalidOperationException("The call ended at once.");
                }

                tool.End();
                await call;
            }

            least = round < WarmRounds ? least : Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / Calls);
        }

        return least;
    }

    private static long LeastOf(Action calls)
    {
        var least = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            calls();
            least = round < WarmRounds ? least : Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least % Calls);
        return least / Calls;
    }

    [Fact]
    public void Result_OfACall_KeepsItsBudget() => BudgetFile.Check("size.tool-result", Measured.BytesOf(static () => new ToolResult(default, isError: false)));

    private async Task StartAsync(ITool tool)
    {
        _manager.AddTools("tools", tool);
        Assert.Equal(["tools"], await Guard.WithinAsync(_manager.LaunchAllAsync(), "the tools to start"));
    }

    private sealed class ReadyTool : ITool
    {
        private readonly ToolOutput _output = ToolOutput.Text("ready");

        public string Name => "ready";

        public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = """{"name":"ready","inputSchema":{"type":"object"}}"""u8.ToArray();

        public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken) => new(_output);
    }

    /// <summary>One call at a time, which ends when the test says so.</summary>
    private sealed class LaterTool : ITool, IValueTaskSource<ToolOutput>
    {
        private readonly ToolOutput _output = ToolOutput.Text("later");
        private ManualResetValueTaskSourceCore<ToolOutput> _core;

        public string Name => "later";

        public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = """{"name":"later","inputSchema":{"type":"object"}}"""u8.ToArray();

        public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
        {
            _core.Reset();
            return new ValueTask<ToolOutput>(this, _core.Version);
        }

        public void End() => _core.SetResult(_output);

        public ToolOutput GetResult(short token) => _core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);
    }
}
