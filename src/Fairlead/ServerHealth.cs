namespace Fairlead;

/// <summary>What a health check found.</summary>
public sealed record ServerHealth
{
    /// <summary>The server.</summary>
    public required string Id { get; init; }

    /// <summary>Whether it takes calls and has just answered.</summary>
    public required bool IsHealthy { get; init; }

    /// <summary>The state when it was asked.</summary>
    public required ServerState State { get; init; }

    /// <summary>Why it is not healthy, in words; null when it is.</summary>
    public string? Reason { get; init; }

    /// <summary>Since when it is in this state.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>How long it took to answer; null when it was not asked, because it takes no calls, or did not answer.</summary>
    public TimeSpan? ResponseTime { get; init; }

    /// <summary>The last failure, kept when it has recovered; null when it never failed.</summary>
    public string? LastFailure { get; init; }

    /// <summary>When the next start is tried; null when none is planned.</summary>
    public DateTimeOffset? NextRetry { get; init; }
}
