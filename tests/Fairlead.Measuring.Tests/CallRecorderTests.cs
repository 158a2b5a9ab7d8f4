namespace Fairlead.Measuring.Tests;

public sealed class CallRecorderTests
{
    private const long Frequency = 1_000_000_000;
    private const long Millisecond = 1_000_000;
    private static readonly CallOutcome s_good = new(100, null);

    /// <summary>100 calls a second over one connection; the server stalls for a second on the first call and answers within a millisecond afterwards.</summary>
    [Fact]
    public void Record_WhenTheServerStalls_CountsTheWaitOfEveryCallThatWasDue()
    {
        var schedule = new ArrivalSchedule(0, 100, Frequency, TimeSpan.FromSeconds(2));
        var recorder = new CallRecorder(Frequency);
        long free = 0;
        for (long number = 0; number < schedule.Count; number++)
        {
            var sent = Math.Max(schedule.At(number), free);
            free = sent + (number == 0 ? 1000 * Millisecond : Millisecond);
            recorder.Record(schedule.At(number), sent, free, s_good);
        }

        var result = recorder.ToResult(2, 100);
        Assert.Equal(200, result.Calls);

        // What was sent is answered fast but for one call; what was due waited, half of it for more than a tenth of a second.
        Near(1_000, result.Service.P50Us);
        Near(1_000, result.Service.P99Us);
        Near(1_000_000, result.Service.MaxUs);
        Near(1_000_000, result.Latency.MaxUs);
        Assert.InRange(result.Latency.P50Us, 50_000, 120_000);
        Assert.InRange(result.Latency.P90Us, 750_000, 900_000);
    }

    [Fact]
    public void RecordNotStarted_WhenTheEndComesFirst_CountsTheWaitSoFarButNoCall()
    {
        var recorder = new CallRecorder(Frequency);
        recorder.Record(0, 0, Millisecond, s_good);
        recorder.RecordNotStarted(0, 500 * Millisecond);
        var result = recorder.ToResult(1, 2);
        Assert.Equal((1, 1, true), (result.Calls, result.NotStarted, result.MissedRate));
        Near(500_000, result.Latency.MaxUs);
        Near(1_000, result.Service.MaxUs);
    }

    [Fact]
    public void Record_WhenCallsFail_CountsThemAndKeepsTheFirstReason()
    {
        var (one, other) = (new CallRecorder(Frequency), new CallRecorder(Frequency));
        one.Record(0, 0, Millisecond, s_good);
        other.Record(0, 0, 9 * Millisecond, new CallOutcome(50, "status 503: first"));
        other.Record(0, 0, 9 * Millisecond, new CallOutcome(50, "status 503: second"));
        one.Add(other);
        var result = one.ToResult(0.5, null);
        Assert.Equal((1, 2, 200), (result.Calls, result.Errors, result.Bytes));
        Assert.Equal("status 503: first", result.FirstFault);
        Assert.Equal(2, result.CallsPerSecond);
        Assert.False(result.MissedRate);
        Near(1_000, result.Latency.MaxUs);
    }

    [Fact]
    public void ToResult_WhenNothingWasRecorded_IsAllZero()
    {
        var result = new CallRecorder(Frequency).ToResult(0, null);
        Assert.Equal((0, 0.0, 0.0), (result.Calls, result.CallsPerSecond, result.Latency.P99Us));
        Assert.Equal(Latencies.CurvePercentiles.Count, result.Latency.Curve.Count);
    }

    [Theory]
    [InlineData(1_000_000_000, 3, 1_000_000_000)]
    [InlineData(10_000_000, 3, 10_000_000)]
    public void At_ForTheLastOfManyCalls_HasNotDrifted(long frequency, double rate, long distance)
    {
        var schedule = new ArrivalSchedule(50, rate, frequency, TimeSpan.FromHours(1));
        Assert.Equal(10_800, schedule.Count);
        Assert.Equal(50, schedule.At(0));
        Assert.InRange(schedule.At(10_797) - 50 - (3599 * distance), -1, 1);
        Assert.True(schedule.At(schedule.Count - 1) < schedule.End);
    }

    private static void Near(double expected, double actual) => Assert.InRange(actual, expected * 0.998, expected * 1.002);
}
