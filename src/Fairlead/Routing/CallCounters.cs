namespace Fairlead.Routing;

/// <summary>Counts calls without a lock and without a shared cache line for all threads: each thread adds to one of a few shards, readers add up.</summary>
internal sealed class CallCounters
{
    // A power of two. Each shard fills its own pair of cache lines (128 bytes = 16 longs).
    private const int Shards = 4;
    private const int Stride = 16;
    private const int Calls = 0;
    private const int Failures = 1;
    private const int Micros = 2;

    private readonly long[] _cells = new long[Shards * Stride];

    /// <summary>Calls that have ended.</summary>
    public long Total => Sum(Calls);

    /// <summary>Those that failed in the sense of decision 15.</summary>
    public long Failed => Sum(Failures);

    /// <summary>Mean time of a call in microseconds; 0 before the first.</summary>
    public double MeanMicros => Total is > 0 and var total ? (double)Sum(Micros) / total : 0;

    /// <summary>Adds one call that has ended.</summary>
    /// <param name="micros">Its length in microseconds.</param>
    /// <param name="failed">Whether the server is to blame.</param>
    public void Record(long micros, bool failed)
    {
        var shard = (Environment.CurrentManagedThreadId & (Shards - 1)) * Stride;
        Interlocked.Increment(ref _cells[shard + Calls]);
        Interlocked.Add(ref _cells[shard + Micros], micros);
        if (failed)
        {
            Interlocked.Increment(ref _cells[shard + Failures]);
        }
    }

    private long Sum(int column)
    {
        long sum = 0;
        for (var shard = 0; shard < Shards; shard++)
        {
            sum += Volatile.Read(ref _cells[(shard * Stride) + column]);
        }

        return sum;
    }
}
