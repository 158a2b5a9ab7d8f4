namespace Fairlead.Health;

/// <summary>What the health checks of an instance say together.</summary>
/// <param name="State">Healthy, Degraded or Unhealthy.</param>
/// <param name="Reason">Why; null when Healthy.</param>
/// <param name="NextCheck">When it is looked at again, at the latest; null when Healthy.</param>
/// <param name="IsHung">Whether the instance no longer answers its protocol: it is to be replaced.</param>
internal sealed record HealthVerdict(ServerState State, string? Reason, DateTimeOffset? NextCheck = null, bool IsHung = false)
{
    /// <summary>Nothing speaks against the instance: also the verdict before the first check.</summary>
    public static HealthVerdict Good { get; } = new(ServerState.Healthy, null);
}
