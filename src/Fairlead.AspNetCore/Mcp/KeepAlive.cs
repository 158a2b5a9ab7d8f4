namespace Fairlead.AspNetCore.Mcp;

/// <summary>Waits for something to send while keeping the connection alive with comments.</summary>
internal static class KeepAlive
{
    /// <summary>Completes when <paramref name="news"/> does, or the client is gone; writes a comment with <paramref name="write"/> every 15 s meanwhile.</summary>
    public static async Task UntilAsync(Task news, Func<ValueTask<bool>> write, TimeProvider timeProvider, CancellationToken aborted)
    {
        while (!news.IsCompleted)
        {
            try
            {
                await news.WaitAsync(SseResponse.KeepAliveInterval, timeProvider, aborted).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                if (!await write().ConfigureAwait(false))
                {
                    return;
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
