namespace Fairlead;

/// <summary>A fault that is to be injected into a server.</summary>
/// <param name="Kind">What is done.</param>
public sealed record FaultRequest(FaultKind Kind)
{
    /// <summary>How long a fault lasts that does not say it: 30 s.</summary>
    public static readonly TimeSpan DefaultDuration = TimeSpan.FromSeconds(30);

    /// <summary>Longest <see cref="Latency"/> and <see cref="Jitter"/>: 10 minutes.</summary>
    public static readonly TimeSpan LatencyMax = TimeSpan.FromMinutes(10);

    /// <summary>Only calls of this tool, by the server's own name; null = all calls. For latency, error and partition.</summary>
    public string? Tool { get; init; }

    /// <summary>The share of the calls that it hits, at random, above 0 to 100; null = all of them. For latency, error and partition.</summary>
    public double? Percent { get; init; }

    /// <summary>How long it lasts, from 1 ms to <c>faultInjection.maxDurationMs</c>. Null = <see cref="DefaultDuration"/>, or that maximum when it is shorter. Disconnect and crash happen once and take none.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>For latency: how long a call is held back. From 1 ms to 10 minutes.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>For latency: up to how much longer, at random. Null = none. Calls may overtake each other then.</summary>
    public TimeSpan? Jitter { get; init; }

    /// <summary>Who injects it, for the record; at most 100 characters. Null = the program that Fairlead runs in.</summary>
    public string? By { get; init; }
}
