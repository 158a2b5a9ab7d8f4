using Fairlead.Actors;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Health;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>The instances of a server beside the first one, which share its calls (product D7).</summary>
/// <remarks>
/// Each has a place with a loop of its own that starts it, waits for its loss, and starts it again within its own restart budget; what happens in one place touches no other. The first
/// instance is the actor's, with all that hangs on it (lists, subscriptions, health). When it is lost, one of these takes its place. Any thread; what is ready is read without a lock.
/// </remarks>
/// <param name="resources">What all servers share.</param>
/// <param name="cell">The server.</param>
/// <param name="start">Starts instances.</param>
/// <param name="work">Keeps the loops.</param>
/// <param name="logger">The server's log.</param>
/// <param name="wire">Attaches to the events of an instance.</param>
/// <param name="joined">Told of a ready instance of a configuration, before it takes calls.</param>
/// <param name="failed">Told that an instance of a configuration could not be started or was lost, and why.</param>
/// <param name="changed">Told that others are ready.</param>
internal sealed partial class ReplicaSet(
    FleetResources resources, ServerCell cell, ServerStart start, BackgroundWork work, ILogger logger, Action<UpstreamConnection> wire, Action<ServerConfig, UpstreamConnection> joined,
    Action<ServerConfig, string> failed, Action changed)
{
    private readonly Lock _lock = new();
    private readonly List<Place> _places = [];
    private volatile UpstreamConnection[] _ready = [];

    // Under the lock: what places are made from, how many there are to be, and which change of the configuration that was.
    private ServerConfig? _config;
    private int _target;
    private int _generation;
    private bool _isReplacing;

    /// <summary>Those that take calls now.</summary>
    public UpstreamConnection[] Ready => _ready;

    /// <summary>How many there are to be, starting and lost ones included.</summary>
    public int Target
    {
        get
        {
            lock (_lock)
            {
                return _places.Count;
            }
        }
    }

    /// <summary>How each place stands.</summary>
    public IReadOnlyList<InstancePlace> Places
    {
        get
        {
            lock (_lock)
            {
                return [.. _places.Select(static place => new InstancePlace(place.Connection, place.Failure, place.Restarts, place.NextRetry))];
            }
        }
    }

    /// <summary>Waits until each has been started for the first time, well or not.</summary>
    public Task WhenSettledAsync()
    {
        lock (_lock)
        {
            return Task.WhenAll(_places.Select(static place => place.Settled.Task).ToArray());
        }
    }

    /// <summary>Sets how many there are to be. Returns at once; those that are too many end when their calls have ended, within the drain grace.</summary>
    public void SetTarget(ServerConfig config, int count)
    {
        lock (_lock)
        {
            (_config, _target) = (config, count);
            Adjust_NeedsLock();
        }
    }

    /// <summary>Puts instances of a changed configuration into the places, one after the other: each old one ends when its successor is ready, or has failed to become so.</summary>
    /// <remarks>
    /// A further change while that is under way counts for every place, also for those that were replaced already. Comes before a changed number: places that are made for that are of the changed
    /// configuration and need no successor.
    /// </remarks>
    public void Replace(ServerConfig config)
    {
        lock (_lock)
        {
            _config = config;
            _generation++;
            if (_isReplacing)
            {
                return;
            }

            _isReplacing = true;
        }

        work.Run(ReplaceAsync);
    }

    private async Task ReplaceAsync()
    {
        while (true)
        {
            Place? old;
            Place next;
            lock (_lock)
            {
                old = _places.Find(place => place.Generation != _generation);
                if (old is null)
                {
                    _isReplacing = false;
                    Adjust_NeedsLock();
                    return;
                }

                if (_places.Count > _target)
                {
                    End_NeedsLock(old);
                    continue;
                }

                next = Add_NeedsLock();
            }

            await next.Settled.Task.ConfigureAwait(false);
            lock (_lock)
            {
                End_NeedsLock(old);
            }
        }
    }

    /// <summary>While places are being replaced there is one too many, which must not be the one that ends: the number is looked at again afterwards.</summary>
    private void Adjust_NeedsLock()
    {
        while (!_isReplacing && _places.Count > _target)
        {
            End_NeedsLock(_places[^1]);
        }

        while (!_isReplacing && _places.Count < _target)
        {
            Add_NeedsLock();
        }
    }

    /// <summary>Gives one that is ready to the actor, which owns it from here on; its place starts another.</summary>
    public UpstreamConnection? TryPromote()
    {
        lock (_lock)
        {
            // One of the changed configuration, if there is any.
            foreach (var place in _places.OrderByDescending(static place => place.Generation))
            {
                if (place is { Connection: { Lost.IsCompleted: false } connection, IsUnhealthy: false })
                {
                    place.Connection = null;
                    Publish_NeedsLock();
                    place.Promoted.TrySetResult();
                    return connection;
                }
            }
        }

        return null;
    }

    /// <summary>Ends all of them: they are taken out before this returns, and the task completes when their processes are gone.</summary>
    public async Task EndAllAsync()
    {
        Task[] loops;
        lock (_lock)
        {
            _target = 0;
            loops = [.. _places.Select(static place => place.Loop)];
            while (_places.Count != 0)
            {
                End_NeedsLock(_places[^1]);
            }
        }

        await Task.WhenAll(loops).ConfigureAwait(false);
    }

    private Place Add_NeedsLock()
    {
        var place = new Place(_config!, _generation);
        _places.Add(place);
        place.Loop = work.Run(() => RunAsync(place));
        return place;
    }

    private void End_NeedsLock(Place place)
    {
        if (_places.Remove(place))
        {
            Publish_NeedsLock();
            work.Run(place.End.CancelAsync);
        }
    }

    private void Publish_NeedsLock()
    {
        _ready = [.. _places.Where(static place => place is { Connection: not null, IsUnhealthy: false }).Select(static place => place.Connection!)];
        changed();
    }

    private async Task RunAsync(Place place)
    {
        var config = place.Config;
        var limits = resources.Options.Limits;
        var budget = new RestartBudget(ServerActor.RestartsMax, limits.RestartBase, limits.RestartMax, ServerActor.Stable, resources.Time);
        var end = place.End.Token;
        try
        {
            while (!end.IsCancellationRequested)
            {
                var reason = await RunOnceAsync(place, config, budget, end).ConfigureAwait(false);
                place.Settled.TrySetResult();
                if (reason is null)
                {
                    continue;
                }

                failed(config, reason);
                var delay = budget.TrySpend();
                LogLost(logger, config.Name, reason, delay ?? ServerActor.Stable);
                lock (_lock)
                {
                    place.Failure = resources.Redactor.Redact(reason);
                    place.NextRetry = resources.Time.GetUtcNow() + (delay ?? ServerActor.Stable);
                    place.Restarts++;
                }

                // A place is never given up for good: the first instance decides about the state of the server, and this one is tried again with it.
                await Task.Delay(delay ?? ServerActor.Stable, resources.Time, end).ConfigureAwait(false);
            }
        }
        finally
        {
            place.Settled.TrySetResult();
        }
    }

    /// <returns>Why the instance failed or was lost; null when it was given away.</returns>
    private async Task<string?> RunOnceAsync(Place place, ServerConfig config, RestartBudget budget, CancellationToken end)
    {
        var result = await start.RunAsync(config, Handshake.SharedCapabilities.ToArray(), wire, end).ConfigureAwait(false);
        if (result.Connection is not { } connection)
        {
            return result.Reason ?? "it could not be started";
        }

        joined(config, connection);
        var isOurs = true;
        try
        {
            lock (_lock)
            {
                if (!_places.Contains(place))
                {
                    return null;
                }

                place.IsUnhealthy = false;
                (place.Failure, place.NextRetry) = (null, null);
                place.Promoted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                place.Connection = connection;
                Publish_NeedsLock();
            }

            budget.NoteUp();
            place.Settled.TrySetResult();
            LogReady(logger, config.Name);
            var hung = await WatchAsync(place, connection, end).ConfigureAwait(false);
            lock (_lock)
            {
                isOurs = place.Connection == connection;
                if (isOurs)
                {
                    place.Connection = null;
                    Publish_NeedsLock();
                }
            }

            return hung ?? (connection.Lost.IsCompletedSuccessfully ? await connection.Lost.ConfigureAwait(false) : null);
        }
        finally
        {
            if (isOurs)
            {
                // A call that looked before it was taken out goes to one of the others.
                connection.Pending.Close();
                await Drain.WaitAsync(connection, resources.Options.Limits.DrainGrace, resources.Time).ConfigureAwait(false);
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Checks the health of an instance until it is lost, given away, ended or found to hang. One that fails its checks takes no calls until it passes them again.</summary>
    /// <returns>Why it is to be replaced; null unless it hangs.</returns>
    private async Task<string?> WatchAsync(Place place, UpstreamConnection connection, CancellationToken end)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(end);
        var hung = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var monitor = new HealthMonitor(resources.Health, cell, resources.Time, resources.Redactor, JudgedAsync, logger, isFirst: false);
        var checking = monitor.RunAsync(connection, watching.Token);
        await ((Task)Task.WhenAny(connection.Lost, place.Promoted.Task, hung.Task)).WaitAsync(end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await watching.CancelAsync().ConfigureAwait(false);
        await checking.ConfigureAwait(false);
        return hung.Task.IsCompleted && !connection.Lost.IsCompleted && !place.Promoted.Task.IsCompleted ? await hung.Task.ConfigureAwait(false) : null;

        Task JudgedAsync(UpstreamConnection judged, HealthVerdict verdict)
        {
            if (verdict.IsHung)
            {
                hung.TrySetResult(verdict.Reason!);
            }

            lock (_lock)
            {
                place.IsUnhealthy = verdict.State == ServerState.Unhealthy;
                place.Failure = place.IsUnhealthy ? verdict.Reason : null;
                Publish_NeedsLock();
            }

            return Task.CompletedTask;
        }
    }

    [LoggerMessage(EventIds.ServerReplicaReady, LogLevel.Information, "Server {Server}: another instance is ready.")]
    private static partial void LogReady(ILogger logger, string server);

    [LoggerMessage(EventIds.ServerReplicaLost, LogLevel.Warning, "Server {Server}: one of its instances is not there: {Reason}. It is started again in {Delay}.")]
    private static partial void LogLost(ILogger logger, string server, string reason, TimeSpan delay);

    private sealed class Place(ServerConfig config, int generation)
    {
        public ServerConfig Config => config;

        /// <summary>How often the configuration had been changed when it was made.</summary>
        public int Generation => generation;

        // Not disposed: it has no timer, and whoever ends the place may come later than the end of its loop.
        public CancellationTokenSource End { get; } = new();

        public Task Loop { get; set; } = Task.CompletedTask;

        /// <summary>Completes when the first start has ended, well or not.</summary>
        public TaskCompletionSource Settled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when the connection of the moment was given away.</summary>
        public TaskCompletionSource Promoted { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Whether its connection fails its health checks. Under the lock.</summary>
        public bool IsUnhealthy { get; set; }

        /// <summary>Why it takes no calls; null while it does, or starts for the first time. Under the lock.</summary>
        public string? Failure { get; set; }

        /// <summary>When it is started again; null when that is not waited for. Under the lock.</summary>
        public DateTimeOffset? NextRetry { get; set; }

        /// <summary>Starts after failures. Under the lock.</summary>
        public int Restarts { get; set; }

        /// <summary>Ready; null while it starts or is lost. Under the lock.</summary>
        public UpstreamConnection? Connection { get; set; }
    }
}
