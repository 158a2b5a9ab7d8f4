using Fairlead.AspNetCore.Mcp;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Who says that they are there: each holds <c>GET /api/v1/presence</c> open. An instance that was started in the background ends when nobody is left (decision 13).</summary>
internal sealed class Presence(McpFront front)
{
    private int _count;

    /// <summary>How many are there. Any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts a client for as long as it holds its request open.</summary>
    public async Task AttendAsync(HttpContext context)
    {
        Interlocked.Increment(ref _count);
        try
        {
            var response = await SseResponse.StartAsync(context, front).ConfigureAwait(false);
            await KeepAlive.UntilAsync(Task.Delay(Timeout.InfiniteTimeSpan, front.TimeProvider, context.RequestAborted), response.WriteKeepAliveAsync, front.TimeProvider, context.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The client has gone before it was greeted.
        }
        finally
        {
            Interlocked.Decrement(ref _count);
        }
    }
}
