namespace Fairlead.Guards;

/// <summary>A bound on a rate: so many calls in a period, so many of them at once.</summary>
/// <remarks>
/// Kept as one number, the time at which the bucket would be full again (the generic cell rate algorithm): each call moves it on by the time that one call is worth, and a call that would
/// move it further ahead of the clock than the burst is worth is refused. Any thread; one compare-and-swap, no allocation.
/// </remarks>
internal sealed class TokenBucket
{
    private readonly long _ticksPerCall;
    private readonly long _ahead;
    private long _fullAt;

    /// <summary>Starts full.</summary>
    /// <param name="ticksPerCall">Clock ticks after which one more call is allowed; 1 or more.</param>
    /// <param name="burst">Calls that may come at once; 1 or more.</param>
    public TokenBucket(long ticksPerCall, int burst)
    {
        _ticksPerCall = Math.Max(1, ticksPerCall);
        _ahead = _ticksPerCall * (burst - 1);
    }

    /// <summary>Takes one call out of the bucket.</summary>
    /// <param name="now">The clock's timestamp.</param>
    /// <returns>0 when it was taken; else the ticks after which the next try can succeed.</returns>
    public long TryTake(long now)
    {
        while (true)
        {
            var fullAt = Volatile.Read(ref _fullAt);
            var from = Math.Max(fullAt, now);
            if (from - now > _ahead)
            {
                return from - now - _ahead;
            }

            if (Interlocked.CompareExchange(ref _fullAt, from + _ticksPerCall, fullAt) == fullAt)
            {
                return 0;
            }
        }
    }

    /// <summary>Gives one call back, which another bound has refused.</summary>
    public void Return() => Interlocked.Add(ref _fullAt, -_ticksPerCall);
}
