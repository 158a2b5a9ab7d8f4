using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Threading.Channels;
using Fairlead.Routing;

namespace Fairlead.Events;

/// <summary>Tells whoever watches what happens in the fleet, and remembers the last of it for those who come back.</summary>
/// <remarks>
/// Any thread. What is told to nobody costs nothing: calls, checks and lines of stderr are looked at only while somebody has named their type. Nobody who watches holds up anybody: each has a queue of
/// <see cref="QueueMax"/>, and who does not keep up is told how many are missing.
/// </remarks>
internal sealed class FleetEvents(TimeProvider time)
{
    /// <summary>Events that are kept for those who come back.</summary>
    public const int HistoryMax = 4096;

    /// <summary>Events that wait for one watcher.</summary>
    public const int QueueMax = 8192;

    private readonly Lock _lock = new();
    private readonly Queue<FleetEvent> _history = [];
    private Watcher[] _watchers = [];
    private long _last;
    private long _forgotten;
    private volatile bool _wantsHealth;
    private volatile bool _wantsCalls;
    private volatile bool _wantsLogs;

    /// <summary>Tells this run from others: numbers begin anew with each.</summary>
    public string Run { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));

    /// <summary>Whether somebody wants to be told of health checks.</summary>
    public bool WantsHealth => _wantsHealth;

    /// <summary>Whether somebody wants to be told of calls.</summary>
    public bool WantsCalls => _wantsCalls;

    /// <summary>Whether somebody wants to be told of lines of stderr.</summary>
    public bool WantsLogs => _wantsLogs;

    /// <summary>Tells of an event. Number and time are set here.</summary>
    public void Tell(FleetEvent one)
    {
        lock (_lock)
        {
            one = one with { Number = ++_last, At = time.GetUtcNow() };
            if (!FleetEventType.IsLiveOnly(one.Type))
            {
                _history.Enqueue(one);
                if (_history.Count > HistoryMax)
                {
                    _forgotten = _history.Dequeue().Number;
                }
            }

            foreach (var watcher in _watchers)
            {
                watcher.Offer(one);
            }
        }
    }

    /// <summary>Tells what a new snapshot of a server changes. Of one that has left the fleet nothing more is told: its name may be another's by now.</summary>
    public void TellOf(ServerCell cell, ServerSnapshot before, ServerSnapshot now)
    {
        if (cell.HasLeft)
        {
            return;
        }

        var name = cell.Name;
        if (!ReferenceEquals(before.Config, now.Config))
        {
            Tell(new FleetEvent { Type = FleetEventType.ServerChanged, Server = name, State = now.State });
        }

        // Who is told that it is Healthy has been told of its lists.
        if (!ReferenceEquals(before.Catalog, now.Catalog))
        {
            Tell(new FleetEvent
            {
                Type = FleetEventType.ServerLists, Server = name, Tools = now.Catalog.Tools.Length, Resources = now.Catalog.Resources.Length, Prompts = now.Catalog.Prompts.Length,
            });
        }

        if (before.Replicas.Length != now.Replicas.Length || before.ReplicasWanted != now.ReplicasWanted)
        {
            Tell(new FleetEvent { Type = FleetEventType.ServerInstances, Server = name, Replicas = now.Replicas.Length, ReplicasWanted = now.ReplicasWanted });
        }

        if (before.State != now.State || before.Reason != now.Reason)
        {
            Tell(new FleetEvent { Type = FleetEventType.ServerState, Server = name, State = now.State, Before = before.State, Reason = now.Reason, NextRetry = now.NextRetry, Restarts = now.Restarts });
        }
    }

    /// <summary>Tells which servers joined and left.</summary>
    public void TellOf(FleetSnapshot before, FleetSnapshot now)
    {
        foreach (var cell in before.InOrder)
        {
            if (!now.ByName.ContainsKey(cell.Name))
            {
                cell.HasLeft = true;
                Tell(new FleetEvent { Type = FleetEventType.ServerRemoved, Server = cell.Name });
            }
        }

        foreach (var cell in now.InOrder)
        {
            if (!before.ByName.ContainsKey(cell.Name))
            {
                Tell(new FleetEvent { Type = FleetEventType.ServerAdded, Server = cell.Name, State = cell.Current.State, Reason = cell.Current.Reason });
            }
        }
    }

    /// <summary>Gives what happens from here on, until cancelled; then it throws.</summary>
    /// <param name="filter">What is wanted.</param>
    /// <param name="after">First those that are kept with a higher number; null = none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<FleetEvent> WatchAsync(FleetEventFilter filter, long? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watcher = new Watcher(filter);
        lock (_lock)
        {
            if (after is { } number)
            {
                if (number < _forgotten)
                {
                    watcher.Offer(new FleetEvent { Type = FleetEventType.Gap, Number = _forgotten, At = time.GetUtcNow(), Reason = $"only the last {HistoryMax} events are kept" });
                }

                foreach (var one in _history.Where(one => one.Number > number))
                {
                    watcher.Offer(one);
                }
            }

            _watchers = [.. _watchers, watcher];
            Look_NeedsLock();
        }

        try
        {
            await foreach (var one in watcher.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return one;
            }
        }
        finally
        {
            lock (_lock)
            {
                _watchers = [.. _watchers.Where(one => one != watcher)];
                Look_NeedsLock();
            }
        }
    }

    private void Look_NeedsLock()
    {
        _wantsHealth = _watchers.Any(static watcher => watcher.Filter.Wants(FleetEventType.Health));
        _wantsCalls = _watchers.Any(static watcher => watcher.Filter.Wants(FleetEventType.Call));
        _wantsLogs = _watchers.Any(static watcher => watcher.Filter.Wants(FleetEventType.Log));
    }

    /// <summary>One who watches: a queue with one writer at a time and one reader. Once it is full nothing more is taken until the reader has emptied it and has been told what is missing.</summary>
    private sealed class Watcher(FleetEventFilter filter)
    {
        private readonly Channel<FleetEvent> _queue = Channel.CreateBounded<FleetEvent>(new BoundedChannelOptions(QueueMax) { SingleReader = true });
        private readonly Lock _lock = new();
        private FleetEvent? _lastLost;
        private long _lost;

        public FleetEventFilter Filter => filter;

        public void Offer(FleetEvent one)
        {
            if (one.Type != FleetEventType.Gap && !filter.Wants(one))
            {
                return;
            }

            lock (_lock)
            {
                if (_lost != 0 || !_queue.Writer.TryWrite(one))
                {
                    _lost++;
                    _lastLost = one;
                }
            }
        }

        public async IAsyncEnumerable<FleetEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            while (await _queue.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                while (_queue.Reader.TryRead(out var one))
                {
                    yield return one;
                }

                if (TakeGap() is { } gap)
                {
                    yield return gap;
                }
            }
        }

        private FleetEvent? TakeGap()
        {
            lock (_lock)
            {
                if (_lost == 0)
                {
                    return null;
                }

                var gap = new FleetEvent
                {
                    Type = FleetEventType.Gap, Number = _lastLost!.Number, At = _lastLost.At, Lost = _lost, Reason = $"more than {QueueMax} events waited: they came faster than they were read",
                };
                (_lost, _lastLost) = (0, null);
                return gap;
            }
        }
    }
}
