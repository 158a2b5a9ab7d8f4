using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>Waits for calls in flight to end.</summary>
internal static class Drain
{
    // Ends of calls are counted nowhere, so that they cost nothing; only a connection that is being stopped is looked at, this often.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits until no call is open on the connection, at most <paramref name="grace"/>.</summary>
    /// <returns>How many are still open; 0 = drained.</returns>
    public static async Task<int> WaitAsync(UpstreamConnection connection, TimeSpan grace, TimeProvider time)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            var open = connection.Lost.IsCompleted ? 0 : connection.Pending.CountOpen();
            var left = grace - time.GetElapsedTime(since);
            if (open == 0 || left <= TimeSpan.Zero)
            {
                return open;
            }

            await Task.Delay(left < s_look ? left : s_look, time, CancellationToken.None).ConfigureAwait(false);
        }
    }
}
