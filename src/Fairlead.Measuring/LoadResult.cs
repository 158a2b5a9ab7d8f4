namespace Fairlead.Measuring;

/// <summary>What one run saw.</summary>
/// <param name="Calls">Calls that were answered as expected.</param>
/// <param name="Errors">Calls that failed, or had no answer when the grace was over.</param>
/// <param name="NotStarted">Calls of the schedule that found no free connection until a quarter of a second after its end; 0 in closed loop.</param>
/// <param name="Seconds">From the first call to the last answer, in open loop at least the length of the schedule.</param>
/// <param name="Rate">Calls per second that were asked for; null in closed loop.</param>
/// <param name="Bytes">All that was read, headers included.</param>
/// <param name="Latency">From when a call was meant to be sent to its answer, corrected for coordinated omission; in closed loop from when it was sent.</param>
/// <param name="Service">From when a call was sent to its answer. In open loop it hides what calls waited for a connection.</param>
internal sealed record LoadResult(long Calls, long Errors, long NotStarted, double Seconds, double? Rate, long Bytes, Latencies Latency, Latencies Service)
{
    /// <summary>What the first failed call got; null when none failed.</summary>
    public string? FirstFault { get; init; }

    /// <summary>99th percentile of how late the load generator itself was, microseconds; 0 in closed loop. Latencies of that size say more of it than of the server.</summary>
    public double LateP99Us { get; init; }

    /// <summary>Processor time of the load generator's process during the run, seconds.</summary>
    public double GeneratorCpuSeconds { get; init; }

    /// <summary>Answered calls per second.</summary>
    public double CallsPerSecond => Seconds <= 0 ? 0 : Calls / Seconds;

    /// <summary>Whether a rate was asked for and the target did not take it: calls were left over, or failed.</summary>
    public bool MissedRate => Rate is not null && (NotStarted != 0 || Errors != 0);
}
