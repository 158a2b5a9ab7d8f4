using Fairlead.Configuration;
using Fairlead.Guards;

namespace Fairlead.Tests.Guards;

public sealed class TrialRecordTests
{
    [Fact]
    public void ErrorRate_AtItsBoundAndBeforeEnoughCalls_IsNotBroken()
    {
        var record = new TrialRecord(new RolloutOptions { MinimumCalls = 100, ErrorRateMax = 0.05, FailuresInARow = 1000 });
        for (var i = 0; i < 5; i++)
        {
            record.Record(CallOutcome.Failed, 1);
        }

        for (var i = 0; i < 95; i++)
        {
            record.Record(CallOutcome.Good, 1);
        }

        Assert.False(record.Broken.IsCompleted);
        record.Record(CallOutcome.ConnectionFailed, 1);
        Assert.True(record.Broken.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Latency_AboveItsBound_IsBrokenOnceEnoughCallsWereSeen()
    {
        var record = new TrialRecord(new RolloutOptions { MinimumCalls = 32, LatencyP99MaxMs = 100 });
        for (var i = 0; i < 31; i++)
        {
            record.Record(CallOutcome.Good, 500_000);
        }

        Assert.False(record.Broken.IsCompleted);
        record.Record(CallOutcome.Good, 500_000);
        Assert.Contains("(rollout.latencyP99MaxMs 100)", await record.Broken, StringComparison.Ordinal);
    }

    [Fact]
    public void Percentile_OfKnownTimes_IsWithinSixPercent()
    {
        var record = new TrialRecord(new RolloutOptions());
        Assert.Null(record.P99Ms);
        for (var i = 1; i <= 1000; i++)
        {
            record.Record(CallOutcome.Good, i * 1000);
        }

        Assert.InRange(record.P99Ms!.Value, 990 * 0.94, 990 * 1.07);
    }

    [Fact]
    public void Neutral_OutcomesAndAGoodCall_CountForNothingAndEndTheRow()
    {
        var record = new TrialRecord(new RolloutOptions { FailuresInARow = 3 });
        foreach (var outcome in (CallOutcome[])[CallOutcome.Failed, CallOutcome.Failed, CallOutcome.Neutral, CallOutcome.Good, CallOutcome.Failed, CallOutcome.Failed])
        {
            record.Record(outcome, 1);
        }

        Assert.Equal((5L, 4L, 2), (record.Calls, record.Failures, record.FailuresInARow));
        Assert.False(record.Broken.IsCompleted);
    }
}
