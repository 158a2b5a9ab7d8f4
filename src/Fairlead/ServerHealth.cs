using Fairlead.Configuration;
using Fairlead.Routing;

namespace Fairlead;

/// <summary>How deep a server's health is looked into. Each depth includes those before it.</summary>
public enum HealthDepth
{
    /// <summary>Its process or connection is there, or on its way: nothing needs to start it.</summary>
    Live,

    /// <summary>Its handshake is done and its connection stands.</summary>
    Started,

    /// <summary>It takes calls.</summary>
    Ready,

    /// <summary>It answers a ping (server/discover where the revision has no ping) and <c>tools/list</c>, and passes its configured and its registered health check, asked at this moment.</summary>
    Deep,
}

/// <summary>What one health check of a server found.</summary>
public sealed record ServerHealthCheck
{
    /// <summary>When it began.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Its kind in the word of the configuration (<c>protocol</c>, <c>http</c>, ...), or <c>custom</c> for one of <see cref="McpManager.AddHealthCheck"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>Whether it spoke for the server.</summary>
    public required bool IsHealthy { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Why it spoke against the server. Of a good check null, or what is worth knowing, such as that the server was busy.</summary>
    public string? Reason { get; init; }
}

/// <summary>What is known of a server's health. A copy: it does not change.</summary>
public sealed record ServerHealth
{
    /// <summary>The server.</summary>
    public required string Id { get; init; }

    /// <summary>Whether it takes calls and has just answered; for a <see cref="HealthDepth"/>, whether it is healthy down to that depth.</summary>
    public required bool IsHealthy { get; init; }

    /// <summary>The state when it was asked.</summary>
    public required ServerState State { get; init; }

    /// <summary>Why it is not healthy, in words; of a healthy one what its state says, or null.</summary>
    public string? Reason { get; init; }

    /// <summary>Since when it is in this state.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>How long it took to answer; null when it was not asked, because it takes no calls, or did not answer.</summary>
    public TimeSpan? ResponseTime { get; init; }

    /// <summary>The last failure, kept when it has recovered; null when it never failed.</summary>
    public string? LastFailure { get; init; }

    /// <summary>When the next start is tried, or a server that failed its health checks is checked again; null when neither is planned.</summary>
    public DateTimeOffset? NextRetry { get; init; }

    /// <summary>The configured way of checking.</summary>
    public HealthCheckKind Check { get; init; }

    /// <summary>Failed checks since the last good one, of its worst check.</summary>
    public int FailuresInARow { get; init; }

    /// <summary>Good checks since the last failed one, of its worst check.</summary>
    public int SuccessesInARow { get; init; }

    /// <summary>Share of good checks among <see cref="Checks"/>, from 0 to 1; null before the first.</summary>
    public double? Availability => Checks.Count == 0 ? null : (double)Checks.Count(static check => check.IsHealthy) / Checks.Count;

    /// <summary>The last 100 periodic checks, the oldest first, those of instances before the present one included. What is asked for by hand is not among them.</summary>
    public IReadOnlyList<ServerHealthCheck> Checks { get; init; } = [];

    /// <summary>Reads what is known at this moment, without asking: healthy means that the server takes calls.</summary>
    internal static ServerHealth From(ServerCell cell)
    {
        var (snapshot, record) = (cell.Current, cell.Health.Current);
        return new ServerHealth
        {
            Id = cell.Name,
            IsHealthy = snapshot.IsCallable,
            State = snapshot.State,
            Reason = snapshot.Reason,
            Since = snapshot.Since,
            LastFailure = snapshot.LastFailure,
            NextRetry = snapshot.NextRetry,
            Check = snapshot.Config.HealthCheck.Kind,
            FailuresInARow = record.FailuresInARow,
            SuccessesInARow = record.SuccessesInARow,
            Checks = record.Checks,
        };
    }
}
