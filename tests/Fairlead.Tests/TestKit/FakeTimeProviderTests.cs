using Fairlead.TestKit;

namespace Fairlead.Tests.TestKit;

public sealed class FakeTimeProviderTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _clock = new();
    private readonly List<string> _fired = [];

    [Fact]
    public void Advance_WhenNothingIsArmed_MovesBothClocksAlike()
    {
        var (now, timestamp) = (_clock.GetUtcNow(), _clock.GetTimestamp());
        _clock.Advance(s_second);
        Assert.Equal(s_second, _clock.GetUtcNow() - now);
        Assert.Equal(s_second, _clock.GetElapsedTime(timestamp));
    }

    [Fact]
    public void Advance_WhenSeveralTimersAreDue_FiresThemInOrderEachAtItsTime()
    {
        var start = _clock.GetUtcNow();
        foreach (var (name, seconds) in new[] { ("late", 3), ("early", 1), ("also early", 1), ("never", 9) })
        {
            _clock.CreateTimer(_ => _fired.Add($"{name} at {(_clock.GetUtcNow() - start).TotalSeconds}"), null, seconds * s_second, Timeout.InfiniteTimeSpan);
        }

        _clock.Advance(5 * s_second);

        Assert.Equal(["early at 1", "also early at 1", "late at 3"], _fired);
        Assert.Equal(start + (5 * s_second), _clock.GetUtcNow());
        Assert.Equal(1, _clock.ArmedTimers);
    }

    [Fact]
    public void Advance_WhenATimerArmsAnother_FiresThatOneToo()
    {
        _clock.CreateTimer(
            _ => _clock.CreateTimer(_ => _fired.Add("second"), null, s_second, Timeout.InfiniteTimeSpan),
            null, s_second, Timeout.InfiniteTimeSpan);
        _clock.Advance(2 * s_second);
        Assert.Equal(["second"], _fired);
    }

    [Fact]
    public void Advance_WhenTheTimerHasAPeriod_FiresOncePerPeriodUntilDisposed()
    {
        var timer = _clock.CreateTimer(_ => _fired.Add("tick"), null, s_second, 2 * s_second);
        _clock.Advance(5 * s_second);
        Assert.Equal(3, _fired.Count);

        timer.Dispose();
        _clock.Advance(9 * s_second);
        Assert.Equal(3, _fired.Count);
        Assert.False(timer.Change(s_second, s_second));
    }

    [Fact]
    public void Change_WhenDueIsInfinite_DisarmsTheTimer()
    {
        using var timer = _clock.CreateTimer(_ => _fired.Add("tick"), null, s_second, s_second);
        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _clock.Advance(3 * s_second);
        Assert.Empty(_fired);
        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Fact]
    public void Advance_WhenNegative_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _clock.Advance(-s_second));

    [Fact]
    public async Task WhenTimerArmedAsync_WhenAnotherThreadArmsIt_LetsTheTestAdvanceExactlyOnce()
    {
        var delay = Task.Run(() => Task.Delay(s_second, _clock));
        await _clock.WhenTimerArmedAsync(s_second);
        Assert.False(delay.IsCompleted);
        _clock.Advance(s_second);
        await Guard.WithinAsync(delay, "the delay");
    }

    [Fact]
    public async Task WhenTimerArmedAsync_WhenAnotherDueTimeIsArmed_StillWaits()
    {
        using var other = _clock.CreateTimer(_ => { }, null, 2 * s_second, Timeout.InfiniteTimeSpan);
        var armed = _clock.WhenTimerArmedAsync(s_second);
        Assert.False(armed.IsCompleted);
        using var wanted = _clock.CreateTimer(_ => { }, null, s_second, Timeout.InfiniteTimeSpan);
        await armed;
    }

    [Fact]
    public async Task CancellationTokenSource_WhenItsTimePasses_IsCancelled()
    {
        using var source = new CancellationTokenSource(s_second, _clock);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        source.Token.Register(cancelled.SetResult);
        _clock.Advance(s_second);
        await Guard.WithinAsync(cancelled.Task, "the cancellation");
    }
}
