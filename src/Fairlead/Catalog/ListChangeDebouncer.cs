namespace Fairlead.Catalog;

/// <summary>Makes one call out of a storm of list_changed notifications: real servers send several when they start (protocol.md 7).</summary>
/// <remarks>Any thread may signal. The call runs on the timer's thread after a quiet time, at the latest a fixed time after the first signal, so that a server that never is quiet is still heard.</remarks>
internal sealed class ListChangeDebouncer : IDisposable
{
    /// <summary>How long no signal must have come.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(100);

    /// <summary>How long the first signal waits at most.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Action<CatalogChanges> _changed;
    private readonly ITimer _timer;
    private CatalogChanges _pending;
    private long _firstAt;
    private bool _disposed;

    /// <summary>Waits for the first signal.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="changed">Called with all changes since the last call. Must not block: the next call may come while it runs.</param>
    public ListChangeDebouncer(TimeProvider time, Action<CatalogChanges> changed)
    {
        _time = time;
        _changed = changed;
        _timer = time.CreateTimer(static state => ((ListChangeDebouncer)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Notes that lists changed. Does nothing after <see cref="Dispose"/>.</summary>
    public void Signal(CatalogChanges changes)
    {
        lock (_lock)
        {
            if (_disposed || changes == CatalogChanges.None)
            {
                return;
            }

            if (_pending == CatalogChanges.None)
            {
                _firstAt = _time.GetTimestamp();
            }

            _pending |= changes;
            var left = WaitMax - _time.GetElapsedTime(_firstAt);
            _timer.Change(left < Quiet ? (left > TimeSpan.Zero ? left : TimeSpan.Zero) : Quiet, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Drops what is pending. A call that has begun may still be running.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _pending = CatalogChanges.None;
        }

        _timer.Dispose();
    }

    private void Fire()
    {
        CatalogChanges changes;
        lock (_lock)
        {
            changes = _pending;
            _pending = CatalogChanges.None;
        }

        if (changes != CatalogChanges.None)
        {
            _changed(changes);
        }
    }
}
