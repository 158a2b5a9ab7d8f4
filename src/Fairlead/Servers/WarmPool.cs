using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>Processes of one server that run and have been asked nothing yet, for clients that will need an instance of their own (product D8).</summary>
/// <remarks>
/// What an instance is told of its client stands in its first request, so a process that has not had it serves any client; the wait that is saved is that for the process. Kept while the
/// shared instance serves, and only of servers that may give clients instances of their own. Any thread takes; one loop fills.
/// </remarks>
internal sealed class WarmPool(FleetResources resources, ServerStart start)
{
    private readonly Lock _lock = new();
    private readonly List<(ServerConfig Config, UpstreamConnection Connection)> _ready = [];
    private volatile TaskCompletionSource _taken = NewSignal();

    /// <summary>How many are ready.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _ready.Count;
            }
        }
    }

    /// <summary>Those that are ready.</summary>
    public IReadOnlyCollection<UpstreamConnection> Ready
    {
        get
        {
            lock (_lock)
            {
                return [.. _ready.Select(static warm => warm.Connection)];
            }
        }
    }

    /// <summary>Gives one away, which its taker owns from here on; null when there is none that lives. Another is started in its place.</summary>
    /// <param name="config">What it must have been started from.</param>
    public UpstreamConnection? TryTake(ServerConfig config)
    {
        lock (_lock)
        {
            var index = _ready.FindIndex(warm => !warm.Connection.Lost.IsCompleted && !LaunchComparison.Differ(warm.Config, config));
            if (index < 0)
            {
                return null;
            }

            var connection = _ready[index].Connection;
            _ready.RemoveAt(index);
            _taken.TrySetResult();
            return connection;
        }
    }

    /// <summary>Keeps as many ready as the configuration asks for, until cancelled; then ends them.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="cancellationToken">Ends it, without an exception.</param>
    public async Task RunAsync(ServerCell cell, CancellationToken cancellationToken)
    {
        var limits = resources.Options.Limits;
        var failures = 0;
        try
        {
            while (true)
            {
                var (changed, taken) = (cell.Changed, _taken.Task);
                var snapshot = cell.Current;
                foreach (var spent in Spent(snapshot.Config))
                {
                    failures = spent.Lost.IsCompleted ? failures + 1 : failures;
                    await spent.DisposeAsync().ConfigureAwait(false);
                }

                if (Count < Wanted(snapshot))
                {
                    if (failures > 0)
                    {
                        // One that ends because nobody talks to it must not be started all the time.
                        await Task.Delay(Backoff.Delay(limits.RestartBase, 2, limits.RestartMax, Math.Min(failures, 16), jitter: 0.1), resources.Time, cancellationToken).ConfigureAwait(false);
                    }

                    failures = await AddAsync(snapshot.Config, cancellationToken).ConfigureAwait(false) ? failures : failures + 1;
                    continue;
                }

                await Task.WhenAny([changed, taken, .. Losses()]).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (taken.IsCompleted)
                {
                    failures = 0;
                    _taken = NewSignal();
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            foreach (var connection in Spent(keep: null))
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private static int Wanted(ServerSnapshot snapshot)
    {
        var config = snapshot.Config;

        // Also before the server has asked for the first time: whoever wants a warm pool says that it will.
        var givesOwn = config.Isolation is not ServerIsolation.Shared;

        // A modern server is told of its client with every request, and greeted in another way.
        return givesOwn && snapshot.Shared is { Identity.IsModern: false } && Connector.StartsProcess(config) ? config.WarmPool : 0;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<bool> AddAsync(ServerConfig config, CancellationToken cancellationToken)
    {
        try
        {
            var connection = await start.OpenAsync(config, cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                _ready.Add((config, connection));
            }

            return true;
        }
        catch (HopelessStartException)
        {
            // The shared instance runs from the same configuration and tells of it when it cannot be started either.
            return false;
        }
    }

    private Task[] Losses()
    {
        lock (_lock)
        {
            return [.. _ready.Select(static warm => warm.Connection.Lost)];
        }
    }

    /// <summary>Takes out what has ended, what was started from another configuration, and what is too many.</summary>
    /// <param name="keep">The configuration of the moment; null = all are spent.</param>
    private List<UpstreamConnection> Spent(ServerConfig? keep)
    {
        lock (_lock)
        {
            var kept = 0;
            var spent = new List<UpstreamConnection>();
            _ready.RemoveAll(warm =>
            {
                var isSpent = keep is null || warm.Connection.Lost.IsCompleted || LaunchComparison.Differ(warm.Config, keep) || ++kept > keep.WarmPool;
                if (isSpent)
                {
                    spent.Add(warm.Connection);
                }

                return isSpent;
            });
            return spent;
        }
    }
}
