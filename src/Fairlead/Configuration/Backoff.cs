namespace Fairlead.Configuration;

/// <summary>The wait before something is tried again: longer each time, and moved at random, so that many that failed together do not come again together.</summary>
internal static class Backoff
{
    /// <summary>The wait before the next try.</summary>
    /// <param name="first">Before the first repetition.</param>
    /// <param name="factor">What it is multiplied with for each one after that.</param>
    /// <param name="longest">Longest wait, before it is moved.</param>
    /// <param name="repetitions">How many there have been; 0 or more.</param>
    /// <param name="jitter">By which share of itself it is moved up or down at most.</param>
    public static TimeSpan Delay(TimeSpan first, double factor, TimeSpan longest, int repetitions, double jitter)
    {
        var exact = Math.Min(first.TotalMilliseconds * Math.Pow(factor, repetitions), longest.TotalMilliseconds);

        // Spreading needs no unpredictable numbers.
        return TimeSpan.FromMilliseconds(Math.Round(exact * (1 + (jitter * ((2 * Random.Shared.NextDouble()) - 1)))));
    }
}
