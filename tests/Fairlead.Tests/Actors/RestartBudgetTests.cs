using Fairlead.Actors;
using Fairlead.TestKit;

namespace Fairlead.Tests.Actors;

public sealed class RestartBudgetTests
{
    private readonly FakeTimeProvider _clock = new();

    private RestartBudget Budget() => new(5, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(16), TimeSpan.FromMinutes(5), _clock);

    [Fact]
    public void Spend_WhenRestartsFollowEachOther_DelaysDoubleWithinATenthAndEnd()
    {
        var budget = Budget();

        foreach (var seconds in new[] { 1, 2, 4, 8, 16 })
        {
            Assert.InRange(budget.TrySpend()!.Value.TotalSeconds, seconds * 0.9, seconds * 1.1);
        }

        Assert.Null(budget.TrySpend());
    }

    [Fact]
    public void Spend_WhenTheLongestWaitIsReached_ItGrowsNoMore()
    {
        var budget = new RestartBudget(10, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(5), _clock);
        var delays = Enumerable.Range(0, 10).Select(_ => budget.TrySpend()!.Value.TotalSeconds).ToList();

        Assert.InRange(delays.Max(), 2.7, 3.3);
    }

    [Fact]
    public void Spend_WhenItWasUpLongEnough_TheCountBeginsAnew()
    {
        var budget = Budget();
        budget.TrySpend();
        budget.TrySpend();
        budget.NoteUp();
        _clock.Advance(TimeSpan.FromMinutes(5));

        Assert.InRange(budget.TrySpend()!.Value.TotalSeconds, 0.9, 1.1);
        Assert.Equal(1, budget.Spent);
    }

    [Fact]
    public void Spend_WhenItWasUpTooBriefly_TheCountGoesOn()
    {
        var budget = Budget();
        budget.TrySpend();
        budget.NoteUp();
        _clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));

        Assert.InRange(budget.TrySpend()!.Value.TotalSeconds, 1.8, 2.2);
    }

    [Fact]
    public void Spend_WhenItFallsAgainBeforeItIsUp_AnEarlierStableTimeDoesNotCountTwice()
    {
        var budget = Budget();
        budget.NoteUp();
        _clock.Advance(TimeSpan.FromMinutes(5));
        budget.TrySpend();
        budget.TrySpend();

        Assert.Equal(2, budget.Spent);
    }

    [Fact]
    public void Reset_WhenAPersonMendedIt_TheBudgetIsFull()
    {
        var budget = Budget();
        while (budget.TrySpend() is not null)
        {
        }

        budget.Reset();

        Assert.NotNull(budget.TrySpend());
    }
}
