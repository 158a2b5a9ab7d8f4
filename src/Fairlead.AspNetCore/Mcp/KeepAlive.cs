namespace Fairlead.AspNetCore.Mcp;

/// <summary>Waits for something to send while keeping the connection alive with comments.</summary>
internal static class KeepAlive
{
    /// <summary>Completes when <paramref name="news"/> does, or the client is gone; writes a comment with <paramref name="write"/> every 15 s meanwhile.</summary>
    public static async Task UntilAsync(Task news, Func<ValueTask<bool>> write, TimeProvider timeProvider, CancellationToken aborted)
    {
        while (!news.IsCompleted)
        {
            // Whatever becomes of the news is for whoever waits for them.
            await news.WaitAsync(SseResponse.KeepAliveInterval, timeProvider, aborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (news.IsCompleted || aborted.IsCancellationRequested || !await write().ConfigureAwait(false))
            {
                return;
            }
        }
    }
}
