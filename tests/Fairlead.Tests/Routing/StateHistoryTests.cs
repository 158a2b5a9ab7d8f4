using Fairlead.Routing;
using Fairlead.TestKit;

namespace Fairlead.Tests.Routing;

/// <summary>Availability is a share of time, over a window that moves.</summary>
public sealed class StateHistoryTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void Availability_WhenTheServerWasAwayForATime_IsTheShareOfTheRest()
    {
        var history = new StateHistory(_clock);
        Assert.Null(history.Availability());
        Be(history, ServerState.Initializing, 10);
        Be(history, ServerState.Healthy, 60);
        Be(history, ServerState.Unhealthy, 20);
        Be(history, ServerState.Degraded, 10);
        Assert.Equal(0.7, history.Availability());
    }

    [Fact]
    public void Availability_WhenAFailureIsOlderThanTheWindow_IsWholeAgain()
    {
        var history = new StateHistory(_clock);
        Be(history, ServerState.CrashLoop, 100);
        Be(history, ServerState.Healthy, 300);
        Assert.Equal(1, history.Availability());
        Be(history, ServerState.Unhealthy, 75);
        Be(history, ServerState.Healthy, 75);
        Assert.Equal(0.75, history.Availability());
        _clock.Advance(TimeSpan.FromSeconds(187.5));
        Assert.Equal(0.875, history.Availability());
    }

    [Fact]
    public void Availability_WhenSomebodyWantedTheServerAway_LeavesThatTimeOut()
    {
        var history = new StateHistory(_clock);
        Be(history, ServerState.Healthy, 30);
        Be(history, ServerState.Maintenance, 100);
        Be(history, ServerState.Unhealthy, 10);
        Assert.Equal(0.75, history.Availability());
        Be(history, ServerState.MissingAuth, 100);
        Be(history, ServerState.Stopped, 200);
        Assert.Null(history.Availability());
        Be(history, ServerState.Idle, 1);
        Assert.Equal(1, history.Availability());
    }

    private void Be(StateHistory history, ServerState state, double seconds)
    {
        history.Note(state);
        _clock.Advance(TimeSpan.FromSeconds(seconds));
    }
}
