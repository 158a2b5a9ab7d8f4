using Fairlead.Actors;
using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>Makes a beginning and an end of the single pauses that the readers of one connection make while its server floods (decision 4).</summary>
/// <param name="connection">Whose <see cref="UpstreamConnection.Flood"/> is kept.</param>
/// <param name="time">The clock.</param>
/// <param name="work">Keeps the wait for the end.</param>
/// <param name="changed">Told after each beginning and each end.</param>
internal sealed class FloodWatch(UpstreamConnection connection, TimeProvider time, BackgroundWork work, Func<UpstreamConnection, Task> changed)
{
    // A flooding reader pauses once a second: so long without a pause, and the flood is over.
    private static readonly TimeSpan s_calm = TimeSpan.FromSeconds(3);

    private long _lastPause;
    private int _isFlooding;

    /// <summary>A reader pauses. On the reader's thread.</summary>
    /// <param name="reason">What floods, in words that follow the server's name.</param>
    public void Paused(string reason)
    {
        Volatile.Write(ref _lastPause, time.GetTimestamp());
        if (Interlocked.Exchange(ref _isFlooding, 1) == 0)
        {
            connection.Flood = "it " + reason;
            work.Run(WatchAsync);
        }
    }

    private async Task WatchAsync()
    {
        await changed(connection).ConfigureAwait(false);
        while (!connection.Lost.IsCompleted && time.GetElapsedTime(Volatile.Read(ref _lastPause)) is var quiet && quiet < s_calm)
        {
            await Task.WhenAny(connection.Lost, Task.Delay(s_calm - quiet, time, CancellationToken.None)).ConfigureAwait(false);
        }

        connection.Flood = null;
        Volatile.Write(ref _isFlooding, 0);
        await changed(connection).ConfigureAwait(false);
    }
}
