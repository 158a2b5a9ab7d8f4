using Fairlead.Configuration;

namespace Fairlead.Actors;

/// <summary>Counts how often something was started again and says how long to wait, or that it was enough.</summary>
/// <remarks>
/// The wait doubles with each restart, from the base to the longest wait, moved at random by at most a tenth so that many that fell together do not
/// rise together. The count begins anew after a stable time. Used by one thread at a time.
/// </remarks>
internal sealed class RestartBudget
{
    private const double JitterShare = 0.1;

    private readonly TimeSpan _base;
    private readonly TimeSpan _longest;
    private readonly TimeSpan _stable;
    private readonly TimeProvider _time;
    private long? _upSince;

    /// <summary>Starts full.</summary>
    /// <param name="attempts">Restarts in a row before it is enough.</param>
    /// <param name="baseDelay">Wait before the first; zero = none ever.</param>
    /// <param name="longestDelay">Longest wait.</param>
    /// <param name="stable">How long something must have been up for its count to begin anew.</param>
    /// <param name="time">The clock.</param>
    public RestartBudget(int attempts, TimeSpan baseDelay, TimeSpan longestDelay, TimeSpan stable, TimeProvider time)
    {
        AttemptsMax = attempts;
        _base = baseDelay;
        _longest = longestDelay;
        _stable = stable;
        _time = time;
    }

    /// <summary>Restarts in a row before it is enough.</summary>
    public int AttemptsMax { get; }

    /// <summary>Restarts spent since the last stable time.</summary>
    public int Spent { get; private set; }

    /// <summary>Notes that the thing is up; a stable time begins.</summary>
    public void NoteUp() => _upSince ??= _time.GetTimestamp();

    /// <summary>Begins anew, as after a change by a person.</summary>
    public void Reset()
    {
        Spent = 0;
        _upSince = null;
    }

    /// <summary>Asks for one more restart.</summary>
    /// <returns>How long to wait before it; null when the budget is spent.</returns>
    public TimeSpan? TrySpend()
    {
        if (_upSince is { } since && _time.GetElapsedTime(since) >= _stable)
        {
            Spent = 0;
        }

        _upSince = null;
        if (Spent >= AttemptsMax)
        {
            return null;
        }

        return Backoff.Delay(_base, 2, _longest, Spent++, JitterShare);
    }
}
