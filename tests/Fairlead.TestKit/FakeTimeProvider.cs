namespace Fairlead.TestKit;

/// <summary>
/// A clock that stands still until the test moves it. The pattern: start what waits, <see cref="WhenTimerArmedAsync(TimeSpan)"/>,
/// <see cref="Advance"/> once, await the event. Safe for all threads; only one thread may advance at a time.
/// </summary>
/// <remarks>Timers fire on the thread that advances, in the order of their due times (equal ones in the order of arming), each seeing its own due time as the present.</remarks>
public sealed class FakeTimeProvider : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<FakeTimer> _armed = [];
    private readonly List<Waiter> _waiters = [];
    private long _order;
    private DateTimeOffset _now;

    /// <summary>Starts at <paramref name="start"/>, by default midnight of 2026-01-01, UTC.</summary>
    public FakeTimeProvider(DateTimeOffset? start = null) => _now = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>How many timers wait for their time.</summary>
    public int ArmedTimers
    {
        get
        {
            lock (_lock)
            {
                return _armed.Count;
            }
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new FakeTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock and fires what becomes due on the way, also timers that are armed meanwhile by those that fire.</summary>
    /// <param name="by">Zero fires what is due now; negative is refused.</param>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var end = GetUtcNow() + by;
        while (TakeDue(end) is { } timer)
        {
            timer.Fire();
        }

        lock (_lock)
        {
            _now = end;
        }
    }

    /// <summary>Completes once at least <paramref name="count"/> timers are armed, at once when they are.</summary>
    /// <exception cref="TimeoutException">The guard ran out.</exception>
    public Task WhenTimerArmedAsync(int count = 1) => WhenAsync(timers => timers.Count >= count, $"{count} armed timers");

    /// <summary>Completes when a timer is due within <paramref name="dueIn"/> or sooner: also one that was armed in the middle of an <see cref="Advance"/>.</summary>
    public Task WhenTimerDueWithinAsync(TimeSpan dueIn) => WhenAsync(timers => timers.Exists(t => t.Due <= _now + dueIn), $"a timer due within {dueIn}");

    /// <summary>Completes once a timer is armed that fires in exactly <paramref name="dueIn"/> of this clock, at once when there is one.</summary>
    /// <exception cref="TimeoutException">The guard ran out.</exception>
    public Task WhenTimerArmedAsync(TimeSpan dueIn) => WhenAsync(timers => timers.Exists(t => t.Due == _now + dueIn), $"a timer due in {dueIn}");

    /// <summary>Completes with the time left to the next timer that is due after more than <paramref name="more"/> and within <paramref name="most"/>: for waits of a random length.</summary>
    /// <param name="more">Timers that are due earlier do not count.</param>
    /// <param name="most">Nor do those that are due later.</param>
    /// <param name="count">How many such timers are waited for.</param>
    /// <exception cref="TimeoutException">The guard ran out.</exception>
    public async Task<TimeSpan> WhenTimerDueBetweenAsync(TimeSpan more, TimeSpan most, int count = 1)
    {
        await WhenAsync(timers => timers.Count(t => t.Due > _now + more && t.Due <= _now + most) >= count, $"{count} timer(s) due after {more} and within {most}").ConfigureAwait(false);
        lock (_lock)
        {
            return _armed.Where(t => t.Due > _now + more && t.Due <= _now + most).Min(static t => t.Due) - _now;
        }
    }

    private Task WhenAsync(Predicate<List<FakeTimer>> condition, string what)
    {
        lock (_lock)
        {
            if (condition(_armed))
            {
                return Task.CompletedTask;
            }

            var waiter = new Waiter(condition, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            _waiters.Add(waiter);
            return Guard.WithinAsync(waiter.Reached.Task, what);
        }
    }

    private FakeTimer? TakeDue(DateTimeOffset end)
    {
        lock (_lock)
        {
            var next = _armed.Where(t => t.Due <= end).MinBy(t => (t.Due, t.Order));
            if (next is not null)
            {
                _now = next.Due > _now ? next.Due : _now;
                _armed.Remove(next);
                if (next.Period > TimeSpan.Zero)
                {
                    Arm_NeedsLock(next, next.Period);
                }
            }

            return next;
        }
    }

    private bool Change(FakeTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            _armed.Remove(timer);
            if (timer.IsDisposed)
            {
                return false;
            }

            timer.Period = period;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Arm_NeedsLock(timer, dueTime);
            }

            return true;
        }
    }

    private void Arm_NeedsLock(FakeTimer timer, TimeSpan dueTime)
    {
        timer.Due = _now + dueTime;
        timer.Order = _order++;
        _armed.Add(timer);
        foreach (var waiter in _waiters.FindAll(w => w.Condition(_armed)))
        {
            waiter.Reached.SetResult();
            _waiters.Remove(waiter);
        }
    }

    private sealed record Waiter(Predicate<List<FakeTimer>> Condition, TaskCompletionSource Reached);

    private sealed class FakeTimer(FakeTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; set; }

        public long Order { get; set; }

        public TimeSpan Period { get; set; }

        public bool IsDisposed { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period) => clock.Change(this, dueTime, period);

        public void Dispose()
        {
            IsDisposed = true;
            clock.Change(this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
