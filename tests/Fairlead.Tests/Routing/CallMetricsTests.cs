using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Routing;

/// <summary>What calls came to: since the beginning, and over the last minute.</summary>
public sealed class CallMetricsTests
{
    private static readonly int s_lost = CallStatus.Of(ForwardError.ServerLost, isErrorAnswer: false);

    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void Record_WhenCallsEndDifferently_CountsEachByMethodAndStatus()
    {
        var metrics = new CallMetrics(_clock);
        Record(metrics, 3, TimeSpan.FromMilliseconds(4));
        Record(metrics, 2, TimeSpan.FromMilliseconds(6), s_lost);
        metrics.RecordUnsent(McpMethod.PromptsGet, CallStatus.Of(ForwardError.RateLimited, isErrorAnswer: false));

        // No request of the specification: it counts with those that nobody knows.
        metrics.RecordUnsent(McpMethod.NotificationsProgress, CallStatus.Ok);
        Assert.Equal(5, metrics.Total);
        Assert.Equal(2, metrics.Failed);
        Assert.Equal(((3 * 4_000) + (2 * 6_000)) / 5.0, metrics.MeanMicros);
        Assert.Equal(
            [("", "ok", 0, 1), ("tools/call", "ok", 3, 0), ("tools/call", "server_lost", 2, 0), ("prompts/get", "rate_limited", 0, 1)],
            metrics.All().Select(static one => (System.Text.Encoding.UTF8.GetString(McpMethods.NameOf(one.Method)), CallStatus.Name(one.Status), (int)one.Times.Count, (int)one.Times.CountUnsent)));
    }

    [Fact]
    public void Recent_WhenTimePasses_ForgetsWhatIsOlderThanTheWindow()
    {
        var metrics = new CallMetrics(_clock);
        Record(metrics, 90, TimeSpan.FromMilliseconds(1));
        _clock.Advance(TimeSpan.FromSeconds(30));
        Record(metrics, 10, TimeSpan.FromMilliseconds(1), s_lost);
        var both = metrics.Recent();
        Assert.Equal((100, 10), (both.Calls, both.Failed));
        Assert.Equal(0.1, both.ErrorRate);
        Assert.Equal(TimeSpan.FromSeconds(30), both.Elapsed);
        Assert.Equal(100 / 30.0, both.PerSecond, 9);

        // The first calls are out of the window, the failures are not.
        _clock.Advance(TimeSpan.FromSeconds(35));
        var later = metrics.Recent();
        Assert.Equal((10, 10), (later.Calls, later.Failed));
        Assert.Equal(1, later.ErrorRate);

        _clock.Advance(TimeSpan.FromSeconds(60));
        var none = metrics.Recent();
        Assert.Equal((0, 0, 0.0), (none.Calls, none.Failed, none.ErrorRate));
        Assert.Null(none.Percentile(0.5));
        Assert.Equal((100, 10), (metrics.Total, metrics.Failed));
    }

    [Fact]
    public void Recent_WhenNobodyLookedInBetween_StillKnowsWhereTheWindowBegins()
    {
        var metrics = new CallMetrics(_clock);
        for (var second = 0; second < 200; second++)
        {
            Record(metrics, 1, TimeSpan.FromMilliseconds(second < 100 ? 1 : 8));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        var recent = metrics.Recent();
        Assert.InRange(recent.Elapsed.TotalSeconds, 55, 60);
        Assert.Equal(recent.Elapsed.TotalSeconds, recent.Calls);
        Assert.Equal(1, recent.PerSecond);
        Assert.InRange(recent.Percentile(0.01)!.Value.TotalMilliseconds, 7, 10);
    }

    [Fact]
    public async Task Recent_WhenManyRecordAcrossSlices_LosesNoCall()
    {
        var metrics = new CallMetrics(_clock);
        for (var round = 0; round < 11; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Record(metrics, 1000, TimeSpan.FromMilliseconds(1)))));
            _clock.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.Equal(88_000, metrics.Total);
        Assert.Equal(88_000, metrics.Recent().Calls);
    }

    [Fact]
    public void Percentile_WhenLengthsAreKnown_IsWithinAQuarterOfTheTrueOne()
    {
        var metrics = new CallMetrics(_clock);
        var random = new Random(7);
        var lengths = Enumerable.Range(0, 5_000).Select(_ => TimeSpan.FromMilliseconds(0.02 * Math.Pow(10, 5 * random.NextDouble()))).Order().ToArray();
        foreach (var length in lengths)
        {
            Record(metrics, 1, length);
        }

        var recent = metrics.Recent();
        foreach (var share in new[] { 0.5, 0.95, 0.99 })
        {
            var exact = lengths[(int)(share * lengths.Length) - 1];
            Assert.InRange(recent.Percentile(share)!.Value / exact, 0.75, 1.25);
        }
    }

    [Fact]
    public void BucketOf_WhenALengthIsABound_IsTheBoundsOwn()
    {
        for (var bucket = 0; bucket < CallTimes.Bounds.Length; bucket++)
        {
            Assert.Equal(bucket, CallTimes.BucketOf(CallTimes.Bounds[bucket]));
            Assert.Equal(bucket + 1, CallTimes.BucketOf(CallTimes.Bounds[bucket] + 1));
        }

        Assert.Equal(CallTimes.Buckets, CallTimes.Bounds.Length + 1);
        Assert.Equal(0, CallTimes.BucketOf(0));
    }

    [Fact]
    public void Status_OfEachError_HasANameOfItsOwn()
    {
        var names = Enumerable.Range(0, CallStatus.Count).Select(CallStatus.Name).ToArray();
        Assert.Equal(names.Length, names.Distinct().Count());
        foreach (var error in Enum.GetValues<ForwardError>())
        {
            Assert.Equal(ForwardErrors.IsServerFailure(error), CallStatus.IsServerFailure(CallStatus.Of(error, isErrorAnswer: false)));
        }
    }

    private void Record(CallMetrics metrics, int calls, TimeSpan length, int status = CallStatus.Ok)
    {
        var now = _clock.GetTimestamp();
        for (var i = 0; i < calls; i++)
        {
            metrics.Record(McpMethod.ToolsCall, status, now - length.Ticks, now);
        }
    }
}
