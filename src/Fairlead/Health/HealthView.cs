using Fairlead.Configuration;
using Fairlead.Routing;

namespace Fairlead.Health;

/// <summary>A server's health as the JSON of the management API shows it: times in milliseconds, the kind of check in the word of the configuration.</summary>
internal sealed record HealthView(
    string Id, bool IsHealthy, ServerState State, string? Reason, DateTimeOffset Since, string? LastFailure, DateTimeOffset? NextRetry, double? ResponseTimeMs, string Check,
    int FailuresInARow, int SuccessesInARow, double? Availability, HealthCheckView? LastCheck, HealthCheckView[]? Checks)
{
    /// <summary>The view of a health.</summary>
    /// <param name="health">What is known.</param>
    /// <param name="withChecks">Whether all checks are shown, or only the last.</param>
    public static HealthView Of(ServerHealth health, bool withChecks) => new(
        health.Id, health.IsHealthy, health.State, health.Reason, health.Since, health.LastFailure, health.NextRetry, health.ResponseTime?.TotalMilliseconds,
        OptionWords.Word(health.Check), health.FailuresInARow, health.SuccessesInARow, health.Availability,
        health.Checks.Count == 0 ? null : HealthCheckView.Of(health.Checks[^1]), withChecks ? [.. health.Checks.Select(HealthCheckView.Of)] : null);
}

/// <summary>One check in a <see cref="HealthView"/>.</summary>
internal sealed record HealthCheckView(DateTimeOffset At, string Kind, bool IsHealthy, double DurationMs, string? Reason)
{
    /// <summary>The view of a check.</summary>
    public static HealthCheckView Of(ServerHealthCheck check) => new(check.At, check.Kind, check.IsHealthy, check.Duration.TotalMilliseconds, check.Reason);
}
