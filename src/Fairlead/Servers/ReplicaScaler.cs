using Fairlead.Routing;

namespace Fairlead.Servers;

/// <summary>Moves the number of a server's instances with its load, between <c>replicas.min</c> and <c>replicas.max</c> (product D9).</summary>
/// <remarks>
/// The load is the calls in flight and waiting, as a share of what the instances that are ready can take: each of them its part of maxConnections, which is for as many as there may be. At or
/// above scaleUpAt twice in a row, one more is started; at or below scaleDownAt for half a minute, one is stopped. So a peak is met within ten seconds, and a pause costs no instance.
/// </remarks>
internal static class ReplicaScaler
{
    private const int UpLooks = 2;
    private const int DownLooks = 6;

    /// <summary>Time between two looks.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    /// <summary>Looks until cancelled; rests while the configuration leaves no choice.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="scale">Told of a number that is wanted, and why, in words.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task RunAsync(ServerCell cell, Func<int, string, Task> scale, TimeProvider time, CancellationToken cancellationToken)
    {
        var (ups, downs) = (0, 0);
        while (true)
        {
            var changed = cell.Changed;
            var config = cell.Current.Config;
            var (min, max) = (config.Replicas.Min ?? config.Replicas.Count, config.Replicas.Max ?? config.Replicas.Count);
            if (min == max)
            {
                await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            await Task.Delay(Look, time, cancellationToken).ConfigureAwait(false);
            var snapshot = cell.Current;
            var calls = cell.Guards.Bulkhead.Taken + cell.Guards.Bulkhead.Waiting;
            var capacity = Math.Max(1, snapshot.Replicas.Length) * (double)config.MaxConnections / max;
            var load = calls / capacity;
            ups = load >= config.Replicas.ScaleUpAt ? ups + 1 : 0;
            downs = load <= config.Replicas.ScaleDownAt ? downs + 1 : 0;
            var wanted = snapshot.ReplicasWanted;
            if (ups >= UpLooks && wanted < max)
            {
                ups = 0;
                await scale(wanted + 1, $"{calls} calls at {snapshot.Replicas.Length} instances").ConfigureAwait(false);
            }
            else if (downs >= DownLooks && wanted > min)
            {
                downs = 0;
                await scale(wanted - 1, $"{calls} calls at {snapshot.Replicas.Length} instances").ConfigureAwait(false);
            }
        }
    }
}
