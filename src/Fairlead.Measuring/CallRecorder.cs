using HdrHistogram;

namespace Fairlead.Measuring;

/// <summary>What the callers of a run saw: counts, and two histograms of how long calls took. Safe for all threads; callers that share one wait for each other briefly.</summary>
/// <remarks>
/// In an open loop the latency of a call begins when it was <em>meant</em> to be sent. A server that stalls for a second delays all calls of that second, and each is counted with
/// its whole wait: measured from when it was sent they would look fast (coordinated omission). The time from being sent to the answer is kept beside it as the service time.
/// </remarks>
internal sealed class CallRecorder(long frequency)
{
    private const long NanosecondsMax = 3_600_000_000_000;
    private const int SignificantDigits = 3;

    private readonly Lock _gate = new();
    private readonly LongHistogram _latency = new(NanosecondsMax, SignificantDigits);
    private readonly LongHistogram _service = new(NanosecondsMax, SignificantDigits);
    private long _bytes;
    private long _errors;
    private long _notStarted;

    /// <summary>What the first call that failed got; null when none did.</summary>
    public string? FirstFault { get; private set; }

    /// <summary>Records a call that has ended.</summary>
    /// <param name="intended">Timestamp at which it was meant to be sent; in closed loop the same as <paramref name="sent"/>.</param>
    /// <param name="sent">Timestamp at which it was sent.</param>
    /// <param name="done">Timestamp at which its whole answer was there.</param>
    /// <param name="outcome">How it went. A failed call is counted, but its time is in no histogram.</param>
    public void Record(long intended, long sent, long done, CallOutcome outcome)
    {
        lock (_gate)
        {
            _bytes += outcome.Bytes;
            if (outcome.Fault is { } fault)
            {
                _errors++;
                FirstFault ??= fault;
                return;
            }

            _latency.RecordValue(Nanoseconds(done - intended));
            _service.RecordValue(Nanoseconds(done - sent));
        }
    }

    /// <summary>Records a call of the schedule that could not be sent before the end, because all connections were waiting: its wait so far is the least it would have taken.</summary>
    public void RecordNotStarted(long intended, long end)
    {
        lock (_gate)
        {
            _notStarted++;
            _latency.RecordValue(Nanoseconds(end - intended));
        }
    }

    /// <summary>Adds what another one has.</summary>
    /// <param name="other">Not written to any more.</param>
    public void Add(CallRecorder other)
    {
        lock (_gate)
        {
            _latency.Add(other._latency);
            _service.Add(other._service);
            _bytes += other._bytes;
            _errors += other._errors;
            _notStarted += other._notStarted;
            FirstFault ??= other.FirstFault;
        }
    }

    /// <summary>The figures.</summary>
    /// <param name="seconds">How long calls were begun.</param>
    /// <param name="rate">The rate that was asked for; null in closed loop.</param>
    public LoadResult ToResult(double seconds, double? rate)
    {
        lock (_gate)
        {
            return new LoadResult(_service.TotalCount, _errors, _notStarted, seconds, rate, _bytes, Latencies.Of(_latency), Latencies.Of(_service)) { FirstFault = FirstFault };
        }
    }

    private long Nanoseconds(long distance) => Math.Clamp(Pacing.ToNanoseconds(distance, frequency), 1, NanosecondsMax);
}

/// <summary>Percentiles of one histogram, in microseconds; all 0 when it is empty.</summary>
/// <param name="MeanUs">Mean.</param>
/// <param name="P50Us">Median.</param>
/// <param name="P90Us">90th percentile.</param>
/// <param name="P99Us">99th percentile.</param>
/// <param name="P999Us">99.9th percentile.</param>
/// <param name="MaxUs">The longest.</param>
/// <param name="Curve">The microseconds at <see cref="CurvePercentiles"/>, in that order, for a plot.</param>
internal sealed record Latencies(double MeanUs, double P50Us, double P90Us, double P99Us, double P999Us, double MaxUs, IReadOnlyList<double> Curve)
{
    /// <summary>The percentiles of <see cref="Curve"/>: each step halves what is left to 100, as the axis of such plots does.</summary>
    public static readonly IReadOnlyList<double> CurvePercentiles = [0, 10, 25, 50, 75, 87.5, 93.75, 96.875, 98.4375, 99.21875, 99.609375, 99.8046875, 99.90234375, 99.951171875, 99.99];

    /// <summary>The percentiles of a histogram of nanoseconds.</summary>
    public static Latencies Of(HistogramBase histogram)
    {
        if (histogram.TotalCount == 0)
        {
            return new Latencies(0, 0, 0, 0, 0, 0, [.. CurvePercentiles.Select(static _ => 0.0)]);
        }

        double At(double percentile) => Math.Round(histogram.GetValueAtPercentile(percentile) / 1e3, 3);
        return new Latencies(Math.Round(histogram.GetMean() / 1e3, 3), At(50), At(90), At(99), At(99.9), At(100), [.. CurvePercentiles.Select(At)]);
    }
}
