using Fairlead.Configuration;
using Fairlead.Routing;

namespace Fairlead.Servers;

/// <summary>Finds out that nobody needs a server any more (product D8): then it sleeps until it is called.</summary>
internal static class IdleWatch
{
    private static readonly TimeSpan s_onDemand = TimeSpan.FromMinutes(5);

    /// <summary>After how long without a call the server sleeps; null = never.</summary>
    public static TimeSpan? LimitOf(ServerConfig config, FairleadOptions options) =>
        config.IdleStopMs is { } ms ? TimeSpan.FromMilliseconds(ms) : IsOnDemand(config, options) ? s_onDemand : null;

    /// <summary>Whether the server starts at its first call.</summary>
    public static bool IsOnDemand(ServerConfig config, FairleadOptions options) => (config.Start ?? options.Start) == ServerStartMode.OnDemand;

    /// <summary>Completes when no call has ended, none was open and no client was subscribed for as long as the configuration says, as far as a look at every fifth of that shows. A changed configuration counts at once.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="options">What servers do that do not say it themselves.</param>
    /// <param name="isNeeded">Whether it is needed although nobody calls.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <returns>How long it was.</returns>
    public static async Task<TimeSpan> UntilIdleAsync(ServerCell cell, FairleadOptions options, Func<bool> isNeeded, TimeProvider time, CancellationToken cancellationToken)
    {
        var (calls, since) = (cell.Counters.Total, time.GetTimestamp());
        while (true)
        {
            var changed = cell.Changed;
            if (LimitOf(cell.Current.Config, options) is not { } limit)
            {
                await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            await Task.Delay(limit / 5, time, cancellationToken).ConfigureAwait(false);
            var now = cell.Counters.Total;
            if (now != calls || isNeeded() || IsUsed(cell))
            {
                (calls, since) = (now, time.GetTimestamp());
            }
            else if (time.GetElapsedTime(since) >= limit)
            {
                return limit;
            }
        }
    }

    /// <summary>Whether a client's call is open, parked ones included (Fairlead's own have no owner), or a client waits for word of a resource: an instance that sleeps tells nothing.</summary>
    private static bool IsUsed(ServerCell cell) =>
        cell.SubscribedResources != 0 || cell.Guards.Bulkhead.Taken + cell.Guards.Bulkhead.Waiting != 0 || cell.Current.Replicas.Any(static instance => instance.Pending.HasOwnedCall());
}
