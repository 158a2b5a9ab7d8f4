using System.Globalization;
using System.Numerics;
using Fairlead.Configuration;

namespace Fairlead.Guards;

/// <summary>Counts what the instances of a changed server do while it is watched, and says when they break a rule of the rollout (product A9, decision 15). Any thread; no lock and no allocation until a rule is broken.</summary>
internal sealed class TrialRecord(RolloutOptions rules)
{
    // Sixteen parts for each power of two: a percentile is off by at most 6 %.
    private const int PartBits = 4;
    private const int Parts = 1 << PartBits;
    private const int P99LookEvery = 16;
    private const double Percentile = 0.99;

    private readonly int[] _times = new int[(64 - PartBits + 1) * Parts];
    private readonly TaskCompletionSource<string> _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _calls;
    private long _failures;
    private int _inARow;

    /// <summary>Completes when a rule is broken, with which one and by what, in words that follow "it" or a colon.</summary>
    public Task<string> Broken => _broken.Task;

    /// <summary>Calls that ended with a verdict.</summary>
    public long Calls => Volatile.Read(ref _calls);

    /// <summary>Those of them that the server is to blame for.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>Failures since the last good call.</summary>
    public int FailuresInARow => Volatile.Read(ref _inARow);

    /// <summary>The 99th percentile of the time of a call, ms; null before the first.</summary>
    public double? P99Ms
    {
        get
        {
            var wanted = (long)Math.Ceiling(Calls * Percentile);
            long seen = 0;
            for (var i = 0; i < _times.Length; i++)
            {
                seen += Volatile.Read(ref _times[i]);
                if (wanted > 0 && seen >= wanted)
                {
                    return UpperMicros(i) / 1000.0;
                }
            }

            return null;
        }
    }

    /// <summary>A call has ended.</summary>
    /// <param name="outcome">How; neutral ones are not counted.</param>
    /// <param name="micros">How long it took.</param>
    public void Record(CallOutcome outcome, long micros)
    {
        if (outcome == CallOutcome.Neutral)
        {
            return;
        }

        Interlocked.Increment(ref _times[PlaceOf(micros)]);
        var calls = Interlocked.Increment(ref _calls);
        if (outcome == CallOutcome.Good)
        {
            if (Volatile.Read(ref _inARow) != 0)
            {
                Volatile.Write(ref _inARow, 0);
            }
        }
        else
        {
            Interlocked.Increment(ref _failures);
            Interlocked.Increment(ref _inARow);
        }

        if (outcome != CallOutcome.Good || calls % P99LookEvery == 0)
        {
            Judge(calls);
        }
    }

    /// <summary>A rule was broken that is not counted here.</summary>
    public void Break(string reason) => _broken.TrySetResult(reason);

    private static int PlaceOf(long micros)
    {
        var value = (ulong)Math.Max(0, micros);
        if (value < Parts)
        {
            return (int)value;
        }

        var power = BitOperations.Log2(value);
        return ((power - PartBits + 1) << PartBits) + (int)((value >> (power - PartBits)) & (Parts - 1));
    }

    private static double UpperMicros(int place)
    {
        if (place < Parts)
        {
            return place;
        }

        var power = (place >> PartBits) - 1;
        return ((ulong)(Parts + (place & (Parts - 1)) + 1) << power) - 1;
    }

    private static string Text(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    private void Judge(long calls)
    {
        if (FailuresInARow is var inARow && inARow >= rules.FailuresInARow)
        {
            Break($"{inARow} of its calls in a row failed (rollout.failuresInARow {rules.FailuresInARow})");
        }
        else if (calls >= rules.MinimumCalls && Failures is var failures && failures > rules.ErrorRateMax * calls)
        {
            Break($"{failures} of its {calls} calls failed (rollout.errorRateMax {Text(rules.ErrorRateMax)})");
        }
        else if (calls >= rules.MinimumCalls && rules.LatencyP99MaxMs is { } max && P99Ms is { } p99 && p99 > max)
        {
            Break($"the 99th percentile of its latency is {Text(p99)} ms (rollout.latencyP99MaxMs {max})");
        }
    }
}
