namespace Fairlead;

/// <summary>What is known of an injected fault at one moment. A copy: it does not change.</summary>
public sealed record FaultInfo
{
    /// <summary>Its id, such as <c>f3</c>; given once in the life of this Fairlead.</summary>
    public required string Id { get; init; }

    /// <summary>The server that it lies on.</summary>
    public required string Server { get; init; }

    /// <summary>What is done.</summary>
    public required FaultKind Kind { get; init; }

    /// <summary>The only tool whose calls it hits; null = all calls.</summary>
    public string? Tool { get; init; }

    /// <summary>The share of the calls that it hits.</summary>
    public double Percent { get; init; } = 100;

    /// <summary>How long calls are held back, in ms; null unless it is latency.</summary>
    public double? LatencyMs { get; init; }

    /// <summary>Up to how much longer at random, in ms; null without jitter.</summary>
    public double? JitterMs { get; init; }

    /// <summary>Who injected it, as he called himself.</summary>
    public required string By { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ends by itself.</summary>
    public required DateTimeOffset EndsAt { get; init; }

    /// <summary>When it ended; null while it is active.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why it ended; null while it is active.</summary>
    public string? EndReason { get; init; }

    /// <summary>Calls of clients that it has hit so far. A call that was sent again counts each time it is hit.</summary>
    public long CallsAffected { get; init; }
}

/// <summary>The faults of a manager: those that are active, and the last 100 that have ended, the latest first.</summary>
/// <param name="Enabled">Whether faults may be injected at all (<c>faultInjection.enabled</c>).</param>
/// <param name="Active">In the order in which they were injected.</param>
/// <param name="Ended">The latest first.</param>
public sealed record FaultList(bool Enabled, IReadOnlyList<FaultInfo> Active, IReadOnlyList<FaultInfo> Ended);
