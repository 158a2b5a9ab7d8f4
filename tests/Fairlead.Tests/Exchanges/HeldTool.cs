using System.Text;
using Fairlead.TestKit;

namespace Fairlead.Tests.Exchanges;

/// <summary>A tool whose calls end when the test ends them; each call is told apart by its number, from 0.</summary>
internal sealed class HeldTool : ITool
{
    private readonly Lock _lock = new();
    private readonly List<(TaskCompletionSource<ToolOutput> End, CancellationToken Token)> _calls = [];
    private TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Name => "held";

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = Encoding.UTF8.GetBytes("""{"name":"held","inputSchema":{"type":"object"}}""");

    /// <summary>How many calls have begun.</summary>
    public int Begun
    {
        get
        {
            lock (_lock)
            {
                return _calls.Count;
            }
        }
    }

    public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
    {
        var end = new TaskCompletionSource<ToolOutput>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _calls.Add((end, cancellationToken));
            var began = _began;
            _began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            began.SetResult();
        }

        return new ValueTask<ToolOutput>(end.Task);
    }

    /// <summary>Completes when a call has begun.</summary>
    public async Task WhenBegunAsync(int number)
    {
        while (true)
        {
            Task began;
            lock (_lock)
            {
                if (_calls.Count > number)
                {
                    return;
                }

                began = _began.Task;
            }

            await Guard.WithinAsync(began, $"call {number} to begin");
        }
    }

    /// <summary>Ends a call with a text.</summary>
    public void End(int number, string text) => At(number).End.SetResult(ToolOutput.Text(text));

    /// <summary>Completes when the token of a call is cancelled.</summary>
    public async Task WhenCancelledAsync(int number)
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = At(number).Token.Register(told.SetResult);
        await Guard.WithinAsync(told.Task, $"call {number} to be cancelled");
    }

    private (TaskCompletionSource<ToolOutput> End, CancellationToken Token) At(int number)
    {
        lock (_lock)
        {
            return _calls[number];
        }
    }
}
