namespace Fairlead.Health;

/// <summary>What one health check found.</summary>
/// <param name="IsGood">Whether it speaks for the server.</param>
/// <param name="Reason">Why it does not, in words that follow the server's name; of a good one something worth knowing, or null.</param>
internal readonly record struct HealthFinding(bool IsGood, string? Reason)
{
    /// <summary>Good, and nothing to say.</summary>
    public static HealthFinding Good => new(true, null);

    /// <summary>Not good.</summary>
    public static HealthFinding Bad(string reason) => new(false, reason);
}
