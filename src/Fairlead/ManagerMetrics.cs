namespace Fairlead;

/// <summary>Counts of one manager since it was made. A copy: it does not change.</summary>
public sealed record ManagerMetrics
{
    /// <summary>Commands (deploy, list, health, ...) and tool calls that have ended.</summary>
    public required long TotalCommands { get; init; }

    /// <summary>Those of them that succeeded. A tool that answers with <c>isError</c> has done its work: it counts here.</summary>
    public required long Successful { get; init; }

    /// <summary>Those that failed: commands that threw, and calls whose server was lost, silent or incomprehensible.</summary>
    public required long Failed { get; init; }

    /// <summary>Servers that take calls at this moment.</summary>
    public required int ActiveServers { get; init; }

    /// <summary>Commands that wait in mailboxes at this moment.</summary>
    public required int QueueDepth { get; init; }

    /// <summary>Mean time of a command or call, in microseconds; 0 before the first.</summary>
    public required double AvgLatencyUs { get; init; }

    /// <summary>Per server, by id; only the one asked for, if one was.</summary>
    public required IReadOnlyDictionary<string, ServerMetrics> Servers { get; init; }
}

/// <summary>Counts of one server since it was deployed. They outlive its restarts.</summary>
public sealed record ServerMetrics
{
    /// <summary>Calls that have ended.</summary>
    public required long Calls { get; init; }

    /// <summary>Those of them whose server was lost, silent or incomprehensible.</summary>
    public required long Failed { get; init; }

    /// <summary>Mean time of a call in microseconds; 0 before the first.</summary>
    public required double AvgLatencyUs { get; init; }

    /// <summary>Calls in flight at this moment on the shared instance.</summary>
    public required int InFlight { get; init; }

    /// <summary>Restarts after failures.</summary>
    public required int Restarts { get; init; }

    /// <summary>The time in seconds that <see cref="RequestsPerSecond"/>, <see cref="ErrorRate"/> and the percentiles look back: up to a minute, less for a server that is younger.</summary>
    public required double WindowSeconds { get; init; }

    /// <summary>Calls per second within the window.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>Share of the calls within the window whose server was lost, silent or incomprehensible, 0 to 1; 0 when there were none.</summary>
    public required double ErrorRate { get; init; }

    /// <summary>Share of the last five minutes, or of the time since it was deployed, in which the server was Healthy, Degraded or Idle, 0 to 1. Time in Maintenance, Stopped, Disabled or
    /// MissingAuth does not count; null when no other has passed.</summary>
    public required double? Availability { get; init; }

    /// <summary>The time in microseconds that half of the calls within the window did not exceed, to about a quarter of its value; null when there were none.</summary>
    public required double? P50Us { get; init; }

    /// <summary>As <see cref="P50Us"/>, for 95 % of the calls.</summary>
    public required double? P95Us { get; init; }

    /// <summary>As <see cref="P50Us"/>, for 99 % of the calls.</summary>
    public required double? P99Us { get; init; }
}
