using System.Text;

namespace Fairlead.TestServers.EchoTools;

/// <summary>Answers when its caller gives it up, which is never an answer: what it shows is who is told of a cancellation.</summary>
public sealed class HoldTool : ITool
{
    private static long s_held;
    private static long s_cancelled;

    public string Name => "hold";

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = Encoding.UTF8.GetBytes("{\"name\":\"hold\",\"inputSchema\":{\"type\":\"object\"}}");

    /// <summary>Calls that are held at this moment.</summary>
    internal static long Held => Interlocked.Read(ref s_held);

    /// <summary>Calls that were given up.</summary>
    internal static long Cancelled => Interlocked.Read(ref s_cancelled);

    public async ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
    {
        var given = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(() => given.TrySetResult());
        Interlocked.Increment(ref s_held);
        await given.Task;
        Interlocked.Decrement(ref s_held);
        Interlocked.Increment(ref s_cancelled);
        cancellationToken.ThrowIfCancellationRequested();
        return ToolOutput.Text("never");
    }
}
