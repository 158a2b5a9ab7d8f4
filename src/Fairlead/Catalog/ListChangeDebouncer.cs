namespace Fairlead.Catalog;

/// <summary>Makes one call out of a storm of list_changed notifications: real servers send several when they start (protocol.md 7).</summary>
/// <remarks>Any thread may signal. The call runs on the timer's thread after a quiet time, at the latest a fixed time after the first signal, so that a server that never is quiet is still heard;
/// as long as it is not quiet, each such wait is twice the one before. The timer is armed once for a call, not once for a signal: a storm costs no more than its messages do.
/// One call at a time: what is signalled while one is under way makes one more after its end, however long it takes.</remarks>
internal sealed class ListChangeDebouncer : IDisposable
{
    /// <summary>How long no signal must have come.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(100);

    /// <summary>How long the first signal waits at most, when it was quiet before.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(1);

    /// <summary>How long it waits at most in a storm that does not end.</summary>
    public static readonly TimeSpan StormWaitMax = TimeSpan.FromSeconds(8);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Func<CatalogChanges, Task> _changed;
    private readonly ITimer _timer;
    private CatalogChanges _pending;
    private TimeSpan _waitMax = WaitMax;
    private long _firstAt;
    private long _lastAt;
    private bool _isArmed;
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

            _lastAt = _time.GetTimestamp();
            if (_pending == CatalogChanges.None)
            {
                _firstAt = _lastAt;
            }

            _pending |= changes;
            if (!_isArmed)
            {
                Arm_NeedsLock(Quiet);
            }
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
            _isArmed = false;
            if (_isCalling || _pending == CatalogChanges.None)
            {
                return;
            }

            var quietIn = Quiet - _time.GetElapsedTime(_lastAt);
            var atLatestIn = _waitMax - _time.GetElapsedTime(_firstAt);
            if (quietIn > TimeSpan.Zero && atLatestIn > TimeSpan.Zero)
            {
                Arm_NeedsLock(quietIn < atLatestIn ? quietIn : atLatestIn);
                return;
            }

            _waitMax = quietIn <= TimeSpan.Zero ? WaitMax : _waitMax < StormWaitMax ? 2 * _waitMax : StormWaitMax;
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
            if (_pending != CatalogChanges.None && !_isArmed)
            {
                Arm_NeedsLock(Quiet);
            }
        }
    }

    private void Arm_NeedsLock(TimeSpan time)
    {
        if (!_disposed)
        {
            _isArmed = true;
            _timer.Change(time, Timeout.InfiniteTimeSpan);
        }
    }
}
