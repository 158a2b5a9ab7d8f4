namespace Fairlead.Catalog;

/// <summary>Makes one call out of a storm of list_changed notifications: real servers send several when they start (protocol.md 7).</summary>
/// <remarks>Any thread may signal. The call runs on the timer's thread after a quiet time, at the latest a fixed time after the first signal, so that a server that never is quiet is still heard.
/// One call at a time: what is signalled while one is under way makes one more after its end, however long it takes.</remarks>
internal sealed class ListChangeDebouncer : IDisposable
{
    /// <summary>How long no signal must have come.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(100);

    /// <summary>How long the first signal waits at most.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Func<CatalogChanges, Task> _changed;
    private readonly ITimer _timer;
    private CatalogChanges _pending;
    private long _firstAt;
    private bool _isCalling;
    private bool _disposed;

    /// <summary>Waits for the first signal.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="changed">Called with all changes since the last call. Must not block; the next call comes after the end of the task.</param>
    public ListChangeDebouncer(TimeProvider time, Func<CatalogChanges, Task> changed)
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
            // The end of the call that is under way looks again. Readings would pile up at a server that changes faster than it answers.
            if (_isCalling || _pending == CatalogChanges.None)
            {
                return;
            }

            changes = _pending;
            _pending = CatalogChanges.None;
            _isCalling = true;
        }

        var call = _changed(changes);
        if (call.IsCompleted)
        {
            Ended();
        }
        else
        {
            _ = call.ContinueWith(_ => Ended(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private void Ended()
    {
        lock (_lock)
        {
            _isCalling = false;
            if (_pending != CatalogChanges.None)
            {
                _timer.Change(Quiet, Timeout.InfiniteTimeSpan);
            }
        }
    }
}
