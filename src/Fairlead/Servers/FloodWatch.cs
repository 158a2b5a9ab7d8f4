using Fairlead.Actors;
using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>Makes a beginning and an end of the single pauses that a reader makes while a server floods (decision 4).</summary>
/// <param name="resources">What all servers share.</param>
/// <param name="work">Keeps the wait for the end.</param>
/// <param name="changed">Told of the beginning, with its reason, and of the end, with null.</param>
internal sealed class FloodWatch(FleetResources resources, BackgroundWork work, Func<UpstreamConnection, string?, Task> changed)
{
    // A flooding reader pauses once a second: so long without a pause, and the flood is over.
    private static readonly TimeSpan s_calm = TimeSpan.FromSeconds(3);

    private long _lastPause;
    private int _isFlooding;

    /// <summary>A reader pauses. On the reader's thread.</summary>
    public void Flooded(UpstreamConnection connection, string reason)
    {
        Volatile.Write(ref _lastPause, resources.Time.GetTimestamp());
        if (Interlocked.Exchange(ref _isFlooding, 1) == 0)
        {
            work.Run(() => WatchAsync(connection, reason));
        }
    }

    private async Task WatchAsync(UpstreamConnection connection, string reason)
    {
        await changed(connection, "it " + reason).ConfigureAwait(false);
        while (!connection.Lost.IsCompleted && resources.Time.GetElapsedTime(Volatile.Read(ref _lastPause)) is var quiet && quiet < s_calm)
        {
            await Task.WhenAny(connection.Lost, Task.Delay(s_calm - quiet, resources.Time, CancellationToken.None)).ConfigureAwait(false);
        }

        Volatile.Write(ref _isFlooding, 0);
        await changed(connection, null).ConfigureAwait(false);
    }
}
