namespace Fairlead.Upstreams;

/// <summary>Ends calls that are past their deadline: one tick of 50 ms walks the open slots of every connection.</summary>
/// <remarks>
/// A call costs nothing to add or remove, because nothing is added: its deadlines are fields that the tick reads (docs/adr/0001). The tick stops
/// when no call is open and is started by the next one. Any thread may call <see cref="EnsureRunning"/>; it is one volatile read while running.
/// </remarks>
internal sealed class DeadlineSweep : IDisposable
{
    /// <summary>Time between two looks; a deadline is noticed at most this late.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly ITimer _timer;
    private UpstreamConnection[] _connections = [];
    private readonly Dictionary<string, LinkFaults> _faults = new(StringComparer.Ordinal);
    private volatile bool _running;
    private bool _disposed;

    /// <summary>Reads time from <paramref name="timeProvider"/>.</summary>
    public DeadlineSweep(TimeProvider timeProvider)
    {
        TimeProvider = timeProvider;
        _timer = timeProvider.CreateTimer(static state => ((DeadlineSweep)state!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The clock that deadlines are measured with.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>The current timestamp of the clock.</summary>
    public long Now => TimeProvider.GetTimestamp();

    /// <summary>A length of time in ticks of the clock; infinite and non-positive become 0, "none".</summary>
    public long Ticks(TimeSpan time) => time <= TimeSpan.Zero ? 0 : (long)(time.TotalSeconds * TimeProvider.TimestampFrequency);

    /// <summary>Watches the calls of <paramref name="connection"/> until <see cref="Remove"/>.</summary>
    public void Add(UpstreamConnection connection)
    {
        lock (_lock)
        {
            _connections = [.. _connections, connection];
            connection.Faults = _faults.GetValueOrDefault(connection.Server);
        }
    }

    /// <summary>Stops watching.</summary>
    public void Remove(UpstreamConnection connection)
    {
        lock (_lock)
        {
            _connections = Array.FindAll(_connections, other => other != connection);
        }
    }

    /// <summary>The connections of a server at this moment, those that are ending included.</summary>
    public IReadOnlyList<UpstreamConnection> ConnectionsOf(string server) => Array.FindAll(Volatile.Read(ref _connections), connection => connection.Server == server);

    /// <summary>Lays faults on every connection of a server, on those that come as well; null takes them away.</summary>
    public void SetFaults(string server, LinkFaults? faults)
    {
        lock (_lock)
        {
            if (faults is null)
            {
                _faults.Remove(server);
            }
            else
            {
                _faults[server] = faults;
            }

            foreach (var connection in _connections)
            {
                if (connection.Server == server)
                {
                    connection.Faults = faults;
                }
            }
        }
    }

    /// <summary>Starts the tick when it rests. Called after a call was opened.</summary>
    public void EnsureRunning()
    {
        if (_running)
        {
            return;
        }

        lock (_lock)
        {
            if (!_running && !_disposed)
            {
                _running = true;
                _timer.Change(Interval, Interval);
            }
        }
    }

    /// <summary>Cancels the call that a client names by its own id, wherever it runs. Walks the open calls: cancelling is rare, and a table would cost every call.</summary>
    /// <param name="owner">The client; only its own calls are looked at.</param>
    /// <param name="requestIdToken">The raw id token as the client sent it.</param>
    public void CancelCall(object owner, ReadOnlySpan<byte> requestIdToken)
    {
        foreach (var connection in Volatile.Read(ref _connections))
        {
            if (connection.TryCancel(owner, requestIdToken))
            {
                return;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        _timer.Dispose();
    }

    private void Tick()
    {
        if (Walk())
        {
            return;
        }

        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _running = false;
        }

        // A call that was opened between the walk and the line above saw a running tick: look once more.
        Interlocked.MemoryBarrier();
        if (Walk())
        {
            EnsureRunning();
        }
    }

    /// <summary>Looks at every open call once; false when there was none.</summary>
    private bool Walk()
    {
        var now = Now;
        var any = false;
        foreach (var connection in Volatile.Read(ref _connections))
        {
            any |= connection.Sweep(now);
        }

        return any;
    }
}
