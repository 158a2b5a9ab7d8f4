namespace Fairlead.Routing;

/// <summary>The lengths of calls of one method that ended in one way: a histogram with fixed bounds, counted without a lock and without a shared cache line for all threads.</summary>
/// <remarks>Each thread adds to one of a few shards; readers add up, and may see a call's bucket before its length is in the sum.</remarks>
internal sealed class CallTimes
{
    /// <summary>Buckets, the last one for what is longer than every bound.</summary>
    public const int Buckets = 46;

    // A power of two. Each shard fills six cache lines: the buckets, the sum, the calls that were never sent.
    private const int Shards = 4;
    private const int Stride = Buckets + 2;
    private const int Sum = Buckets;
    private const int Unsent = Buckets + 1;

    // Six in each decade, so that a percentile is known within a quarter of its value; those that metrics show are among them, and so are all that OpenTelemetry advises for MCP.
    private static readonly long[] s_bounds = Ticks(
        5e-6, 7e-6, 1e-5, 1.5e-5, 2e-5, 3e-5, 5e-5, 7e-5, 1e-4, 1.5e-4, 2e-4, 3e-4, 5e-4, 7e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 7e-3, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07,
        0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 60, 120, 300);

    private readonly long[] _cells = new long[Shards * Stride];
    private CallExemplar?[]? _exemplars;

    /// <summary>The upper bounds of the buckets but the last, ticks of <see cref="TimeSpan"/>; a call of exactly a bound is in its bucket.</summary>
    public static ReadOnlySpan<long> Bounds => s_bounds;

    /// <summary>Calls that were answered, or failed on their way, and have a length.</summary>
    public long Count
    {
        get
        {
            long count = 0;
            for (var bucket = 0; bucket < Buckets; bucket++)
            {
                count += Read(bucket);
            }

            return count;
        }
    }

    /// <summary>Calls that no instance has heard of: refused by a guard, or given up before.</summary>
    public long CountUnsent => Read(Unsent);

    /// <summary>All lengths together, ticks of <see cref="TimeSpan"/>.</summary>
    public long SumTicks => Read(Sum);

    /// <summary>The bucket of a length.</summary>
    public static int BucketOf(long ticks)
    {
        var (low, high) = (0, s_bounds.Length);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            (low, high) = s_bounds[middle] < ticks ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    /// <summary>Adds one call.</summary>
    /// <param name="ticks">Its length, ticks of <see cref="TimeSpan"/>.</param>
    public void Record(long ticks)
    {
        var shard = (Environment.CurrentManagedThreadId & (Shards - 1)) * Stride;
        Interlocked.Increment(ref _cells[shard + BucketOf(ticks)]);
        Interlocked.Add(ref _cells[shard + Sum], ticks);
    }

    /// <summary>Adds one call that no instance has heard of.</summary>
    public void RecordUnsent() => Interlocked.Increment(ref _cells[((Environment.CurrentManagedThreadId & (Shards - 1)) * Stride) + Unsent]);

    /// <summary>Keeps a traced call as the example of its bucket. Allocates: for calls alone that are traced.</summary>
    public void Keep(CallExemplar exemplar)
    {
        var exemplars = _exemplars ?? Interlocked.CompareExchange(ref _exemplars, new CallExemplar?[Buckets], null) ?? _exemplars;
        Volatile.Write(ref exemplars[BucketOf(exemplar.Ticks)], exemplar);
    }

    /// <summary>The last traced call of a bucket; null when there is none.</summary>
    public CallExemplar? ExemplarOf(int bucket) => _exemplars is { } exemplars ? Volatile.Read(ref exemplars[bucket]) : null;

    /// <summary>Adds the counts of the buckets to <paramref name="buckets"/>.</summary>
    public void AddTo(Span<long> buckets)
    {
        for (var shard = 0; shard < _cells.Length; shard += Stride)
        {
            for (var bucket = 0; bucket < Buckets; bucket++)
            {
                buckets[bucket] += Volatile.Read(ref _cells[shard + bucket]);
            }
        }
    }

    /// <summary>The length that a share of calls does not exceed, by straight lines between bounds.</summary>
    /// <param name="buckets">Counts.</param>
    /// <param name="share">Such as 0.95.</param>
    /// <returns>Null when there were no calls. Of calls longer than every bound nothing is known but that: the last bound.</returns>
    public static TimeSpan? Percentile(ReadOnlySpan<long> buckets, double share)
    {
        long calls = 0;
        foreach (var count in buckets)
        {
            calls += count;
        }

        var rank = share * calls;
        double before = 0;
        for (var bucket = 0; bucket < buckets.Length && calls > 0; bucket++)
        {
            if (before + buckets[bucket] >= rank && buckets[bucket] > 0)
            {
                var (low, high) = (bucket == 0 ? 0 : s_bounds[bucket - 1], s_bounds[Math.Min(bucket, s_bounds.Length - 1)]);
                return TimeSpan.FromTicks((long)(low + ((high - low) * (rank - before) / buckets[bucket])));
            }

            before += buckets[bucket];
        }

        return null;
    }

    private static long[] Ticks(params ReadOnlySpan<double> seconds)
    {
        var ticks = new long[seconds.Length];
        for (var i = 0; i < ticks.Length; i++)
        {
            ticks[i] = (long)Math.Round(seconds[i] * TimeSpan.TicksPerSecond);
        }

        return ticks;
    }

    private long Read(int column)
    {
        long sum = 0;
        for (var shard = 0; shard < _cells.Length; shard += Stride)
        {
            sum += Volatile.Read(ref _cells[shard + column]);
        }

        return sum;
    }
}

/// <summary>A traced call that stands for others of its length.</summary>
/// <param name="Ticks">Its length, ticks of <see cref="TimeSpan"/>.</param>
/// <param name="TraceId">32 hexadecimal digits.</param>
/// <param name="At">When it ended.</param>
internal sealed record CallExemplar(long Ticks, string TraceId, DateTimeOffset At);
