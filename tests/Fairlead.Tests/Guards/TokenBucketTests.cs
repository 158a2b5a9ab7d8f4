using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.TestKit;

namespace Fairlead.Tests.Guards;

public sealed class TokenBucketTests
{
    private readonly FakeTimeProvider _clock = new();

    private long Now => _clock.GetTimestamp();

    [Fact]
    public void Bucket_WhenItIsEmpty_SaysAfterWhatTimeItIsNot()
    {
        var bucket = TokenBucketsByClient.Make(new RateOptions { Calls = 10, PerMs = 1_000, Burst = 3 }, _clock);

        Assert.Equal([0, 0, 0], new[] { bucket.TryTake(Now), bucket.TryTake(Now), bucket.TryTake(Now) });
        Assert.Equal(TimeSpan.FromMilliseconds(100).Ticks, bucket.TryTake(Now));
        _clock.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(TimeSpan.FromMilliseconds(1).Ticks, bucket.TryTake(Now));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, bucket.TryTake(Now));
        Assert.NotEqual(0, bucket.TryTake(Now));

        bucket.Return();
        Assert.Equal(0, bucket.TryTake(Now));
    }

    [Fact]
    public void Bucket_AfterALongRest_HoldsItsBurstAndNoMore()
    {
        var bucket = TokenBucketsByClient.Make(new RateOptions { Calls = 5, PerMs = 1_000 }, _clock);
        _clock.Advance(TimeSpan.FromDays(1));

        Assert.Equal(5, Enumerable.Range(0, 20).Count(_ => bucket.TryTake(Now) == 0));
    }

    [Fact]
    public void Bucket_WhenManyThreadsTake_GivesNoMoreThanItHolds()
    {
        var bucket = TokenBucketsByClient.Make(new RateOptions { Calls = 100, PerMs = 1_000 }, _clock);
        var taken = 0;

        Parallel.For(0, 10_000, _ => Interlocked.Add(ref taken, bucket.TryTake(Now) == 0 ? 1 : 0));

        Assert.Equal(100, taken);
    }

    [Fact]
    public void Rates_WhenALaterOneRefuses_TheEarlierOnesAreGivenBack()
    {
        var guards = new ServerGuards(_clock);
        var config = new ServerConfig { Name = "s", RateLimit = { Client = new RateOptions { Calls = 2 }, Server = new RateOptions { Calls = 3 } } };
        config.RateLimit.Tools["t"] = new RateOptions { Calls = 1 };
        guards.Apply(config);
        var (one, other) = (new object(), new object());

        Assert.Equal(GuardRefusal.None, guards.TryAdmit(one, guards.ToolOf("t"), isRepeated: false, Now, out _, out _));
        Assert.Equal(GuardRefusal.ToolRate, guards.TryAdmit(one, guards.ToolOf("t"), isRepeated: false, Now, out _, out var retryAfter));
        Assert.Equal(TimeSpan.FromMinutes(1).Ticks, retryAfter);
        Assert.Equal(GuardRefusal.None, guards.TryAdmit(one, guards.ToolOf("u"), isRepeated: false, Now, out _, out _));
        Assert.Equal(GuardRefusal.ClientRate, guards.TryAdmit(one, guards.ToolOf("u"), isRepeated: false, Now, out _, out _));
        Assert.Equal(GuardRefusal.None, guards.TryAdmit(other, null, isRepeated: false, Now, out _, out _));
        Assert.Equal(GuardRefusal.ServerRate, guards.TryAdmit(null, null, isRepeated: false, Now, out _, out _));

        // A changed rate holds at once, an unchanged configuration takes nothing back.
        guards.Apply(config.Copy());
        Assert.Equal(GuardRefusal.ServerRate, guards.TryAdmit(null, null, isRepeated: false, Now, out _, out _));
        config = config.Copy();
        config.RateLimit.Tools["t"] = new RateOptions { Calls = 2 };
        guards.Apply(config);
        Assert.Equal(GuardRefusal.None, guards.TryAdmit(one, guards.ToolOf("t"), isRepeated: false, Now, out _, out _));
    }
}
