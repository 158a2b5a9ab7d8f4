using System.Text;
using System.Text.Json;

namespace Fairlead.TestServers.EchoTools;

/// <summary>Never answers: it holds its call until the caller gives it up.</summary>
public sealed class HoldTool : ITool
{
    public string Name => "hold";

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = Encoding.UTF8.GetBytes("{\"name\":\"hold\",\"inputSchema\":{\"type\":\"object\"}}");

    public async ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
    {
        HeldCalls.Begin();
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }
        finally
        {
            HeldCalls.GiveUp();
        }

        return ToolOutput.Text("never");
    }
}

/// <summary>Answers once as many calls of hold have begun, or were given up, as its arguments <c>begun</c> and <c>givenUp</c> say, counted since the process began.</summary>
public sealed class WhenTool : ITool
{
    public string Name => "when";

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = Encoding.UTF8.GetBytes("{\"name\":\"when\",\"inputSchema\":{\"type\":\"object\"}}");

    public async ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
    {
        using var arguments = JsonDocument.Parse(argumentsUtf8.IsEmpty ? "{}"u8.ToArray() : argumentsUtf8);
        var (begun, givenUp) = await HeldCalls.WhenAsync(Number("begun"), Number("givenUp")).WaitAsync(cancellationToken);
        return ToolOutput.Structured(JsonSerializer.SerializeToUtf8Bytes(new { begun, givenUp }));

        int Number(string name) => arguments.RootElement.TryGetProperty(name, out var number) ? number.GetInt32() : 0;
    }
}

/// <summary>What became of the calls of hold in this process.</summary>
internal static class HeldCalls
{
    private static readonly Lock s_lock = new();
    private static int s_begun;
    private static int s_givenUp;
    private static TaskCompletionSource s_changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static void Begin() => Count(ref s_begun);

    public static void GiveUp() => Count(ref s_givenUp);

    public static async Task<(int Begun, int GivenUp)> WhenAsync(int begun, int givenUp)
    {
        while (true)
        {
            Task changed;
            lock (s_lock)
            {
                if (s_begun >= begun && s_givenUp >= givenUp)
                {
                    return (s_begun, s_givenUp);
                }

                changed = s_changed.Task;
            }

            await changed;
        }
    }

    private static void Count(ref int counter)
    {
        TaskCompletionSource changed;
        lock (s_lock)
        {
            counter++;
            changed = s_changed;
            s_changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }
}
