using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.TestKit;

namespace Fairlead.Tests.Guards;

/// <summary>Product D1: opens at half of at least 10 calls over 30 s, or after 5 connection failures in a row; stays open for 60 s; then probes.</summary>
public sealed class CircuitBreakerTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly ServerGuards _guards;
    private readonly CircuitBreaker _breaker;

    public CircuitBreakerTests()
    {
        _guards = new ServerGuards(_clock);
        _guards.Apply(new ServerConfig { Name = "s" });
        _breaker = new CircuitBreaker(_guards);
    }

    private long Now => _clock.GetTimestamp();

    [Fact]
    public void Circuit_AfterFiveConnectionFailuresInARow_OpensAndClosesAfterAGoodProbe()
    {
        Record(CallOutcome.ConnectionFailed, 4);
        Record(CallOutcome.Good, 1);
        Record(CallOutcome.ConnectionFailed, 4);
        Assert.Equal(CircuitState.Closed, _breaker.State);

        Record(CallOutcome.ConnectionFailed, 1);
        Assert.Equal(CircuitState.Open, _breaker.State);
        Assert.False(_breaker.TryPass(Now, out _));
        Assert.Equal(TimeSpan.FromSeconds(60).Ticks, _breaker.RetryAfter(Now));

        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.True(_breaker.TryPass(Now, out var isProbe));
        Assert.True(isProbe);
        Assert.Equal(CircuitState.HalfOpen, _breaker.State);
        Assert.False(_breaker.TryPass(Now, out _), "One probe at a time.");

        _breaker.Record(CallOutcome.Good, isProbe: true, Now);
        Assert.Equal(CircuitState.Closed, _breaker.State);
        Assert.True(_breaker.TryPass(Now, out isProbe));
        Assert.False(isProbe);
    }

    [Fact]
    public void Circuit_WhenTheProbeFails_StaysOpenForAsLongAgain()
    {
        Record(CallOutcome.ConnectionFailed, 5);
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.True(_breaker.TryPass(Now, out _));

        _breaker.Record(CallOutcome.Failed, isProbe: true, Now);

        Assert.Equal(CircuitState.Open, _breaker.State);
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.False(_breaker.TryPass(Now, out _));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_breaker.TryPass(Now, out _));
    }

    [Fact]
    public void Circuit_WhenTheProbeSaysNothing_LetsAnotherOneThrough()
    {
        Record(CallOutcome.ConnectionFailed, 5);
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.True(_breaker.TryPass(Now, out _));

        _breaker.Record(CallOutcome.Neutral, isProbe: true, Now);

        Assert.True(_breaker.TryPass(Now, out var isProbe));
        Assert.True(isProbe);
    }

    [Theory]
    [InlineData(5, 4, CircuitState.Closed)]
    [InlineData(5, 5, CircuitState.Open)]
    [InlineData(6, 5, CircuitState.Closed)]
    [InlineData(0, 9, CircuitState.Closed)]
    [InlineData(0, 10, CircuitState.Open)]
    public void Circuit_ByTheShareOfFailures_OpensAtHalfOfTenCallsOrMore(int good, int failed, CircuitState state)
    {
        Record(CallOutcome.Good, good);
        Record(CallOutcome.Neutral, 20);
        Record(CallOutcome.Failed, failed);

        Assert.Equal(state, _breaker.State);
    }

    [Fact]
    public void Window_AfterItsLength_HasForgotten()
    {
        Record(CallOutcome.Failed, 9);
        _clock.Advance(TimeSpan.FromSeconds(31));

        Record(CallOutcome.Failed, 1);

        Assert.Equal(CircuitState.Closed, _breaker.State);
    }

    [Fact]
    public void Circuit_WhenItIsSwitchedOff_NeverOpensAndWhenIsolated_OnlyAPersonCloses()
    {
        _guards.Apply(new ServerConfig { Name = "s", CircuitBreaker = { Enabled = false } });
        Record(CallOutcome.ConnectionFailed, 100);
        Assert.True(_breaker.TryPass(Now, out _));

        _breaker.Isolate();
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.False(_breaker.TryPass(Now, out _));
        _breaker.Close();
        Assert.True(_breaker.TryPass(Now, out _));
    }

    [Fact]
    public void Probes_WhenManyThreadsAsk_AreAsManyAsAreWanted()
    {
        _guards.Apply(new ServerConfig { Name = "s", CircuitBreaker = { HalfOpenProbes = 3 } });
        Record(CallOutcome.ConnectionFailed, 5);
        _clock.Advance(TimeSpan.FromSeconds(60));
        var passed = 0;

        Parallel.For(0, 1_000, _ => Interlocked.Add(ref passed, _breaker.TryPass(Now, out var _) ? 1 : 0));

        Assert.Equal(3, passed);
        Record(CallOutcome.Good, 2, isProbe: true);
        Assert.Equal(CircuitState.HalfOpen, _breaker.State);
        Record(CallOutcome.Good, 1, isProbe: true);
        Assert.Equal(CircuitState.Closed, _breaker.State);
    }

    private void Record(CallOutcome outcome, int times, bool isProbe = false)
    {
        for (var i = 0; i < times; i++)
        {
            _breaker.Record(outcome, isProbe, Now);
        }
    }
}
