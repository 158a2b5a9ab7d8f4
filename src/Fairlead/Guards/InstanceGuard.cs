using Fairlead.Upstreams;

namespace Fairlead.Guards;

/// <summary>What is watched of one instance: its breaker, and what balancing looks at. Any thread.</summary>
internal sealed class InstanceGuard(ServerGuards guards)
{
    // The share of a new measurement in the average. A peak counts whole: an instance that became slow must be avoided at once, and may earn trust slowly.
    private const double Share = 0.1;

    private int _inFlight;
    private long _averageMicros;
    private volatile TrialRecord? _trial;

    /// <summary>Stops calls to an instance that keeps failing.</summary>
    public CircuitBreaker Breaker { get; } = new(guards);

    /// <summary>Counts the calls of an instance of a changed server while that is watched; null = it is not.</summary>
    public TrialRecord? Trial
    {
        get => _trial;
        set => _trial = value;
    }

    /// <summary>Calls in flight.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Moving average of the time of a call, microseconds, which follows peaks at once; 0 before the first.</summary>
    public long AverageMicros => Volatile.Read(ref _averageMicros);

    /// <summary>The guard of an instance, made at its first call.</summary>
    public static InstanceGuard Of(UpstreamConnection connection, ServerGuards guards)
    {
        if (Volatile.Read(ref connection.Guard) is InstanceGuard known)
        {
            return known;
        }

        var made = new InstanceGuard(guards);
        return Interlocked.CompareExchange(ref connection.Guard, made, null) as InstanceGuard ?? made;
    }

    /// <summary>Tells the breaker, and whoever watches a change, how a call has ended.</summary>
    /// <param name="outcome">How.</param>
    /// <param name="isProbe">Whether the breaker let it pass as a probe.</param>
    /// <param name="now">The clock's timestamp.</param>
    /// <param name="micros">How long it took.</param>
    public void Record(CallOutcome outcome, bool isProbe, long now, long micros)
    {
        Breaker.Record(outcome, isProbe, now);
        if (_trial is { } trial)
        {
            trial.Record(outcome, micros);
            if (Breaker.State == CircuitState.Open)
            {
                trial.Break("its circuit opened, because too many of its calls failed");
            }
        }
    }

    /// <summary>A call goes to the instance.</summary>
    public void Enter() => Interlocked.Increment(ref _inFlight);

    /// <summary>A call has ended.</summary>
    /// <param name="micros">How long it took; negative = that says nothing of the instance.</param>
    public void Leave(long micros)
    {
        Interlocked.Decrement(ref _inFlight);
        if (micros < 0)
        {
            return;
        }

        // Two calls that end at once may lose one of the two measurements: it is an average.
        var old = Volatile.Read(ref _averageMicros);
        Volatile.Write(ref _averageMicros, old == 0 || micros > old ? micros : (long)(old + (Share * (micros - old))));
    }
}
