using System.Text.Json;
using Fairlead.Configuration;

namespace Fairlead.Interop;

/// <summary>One tool call of a caller outside .NET, from its beginning to its record in the queue. Runs on the thread pool: a tool that works without awaiting must not hold the caller's thread.</summary>
internal sealed class BridgedCall(CallerBridge owner, long id, string server, string tool, byte[] arguments, bool wantsProgress)
    : Operation(owner, id), IThreadPoolWorkItem, IProgress<ToolProgress>
{
    /// <inheritdoc/>
    public void Report(ToolProgress value) =>
        Owner.Completions.PostUnasked(new Completion(Id, CompletionKind.Progress, JsonSerializer.SerializeToUtf8Bytes(value, ApiJson.Options)));

    /// <inheritdoc/>
    public void Execute()
    {
        ValueTask<ToolResult> running;
        try
        {
            running = wantsProgress
                ? Owner.Manager.CallAsync(server, tool, arguments, this, Token)
                : Owner.Manager.CallAsync(server, tool, (ReadOnlyMemory<byte>)arguments, Token);
        }
        catch (Exception exception)
        {
            End(exception);
            return;
        }

        if (running.IsCompletedSuccessfully)
        {
            End(running.Result);
            return;
        }

        _ = AwaitAsync(running);
    }

    private async Task AwaitAsync(ValueTask<ToolResult> running)
    {
        try
        {
            End(await running.ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            End(exception);
        }
    }

    private void End(ToolResult result) => End(result.IsError ? CompletionKind.ToolError : CompletionKind.Result, result.Raw);
}
