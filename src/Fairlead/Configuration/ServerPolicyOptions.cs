namespace Fairlead.Configuration;

/// <summary>Repetition of calls that may be repeated (lists, reads, read-only or idempotent tools) after a passing failure.</summary>
[ConfigShorthand(nameof(Attempts))]
public sealed class RetryOptions
{
    /// <summary>Tries in all, the first one counted. 1 = never repeat.</summary>
    [ConfigKey("attempts", Min = 1, Max = 10, Aliases = ["maxAttempts"])]
    public int Attempts { get; set; } = 3;

    /// <summary>Wait before the second try.</summary>
    [ConfigKey("delayMs", Min = 0, Max = 60_000, Unit = "ms")]
    public int DelayMs { get; set; } = 100;

    /// <summary>What the wait is multiplied with after each try.</summary>
    [ConfigKey("factor", Min = 1, Max = 10)]
    public double Factor { get; set; } = 2;

    /// <summary>Longest wait between two tries.</summary>
    [ConfigKey("delayMaxMs", Min = 0, Max = 600_000, Unit = "ms")]
    public int DelayMaxMs { get; set; } = 5_000;

    /// <summary>How far a wait is moved up or down at random.</summary>
    [ConfigKey("jitterPercent", Min = 0, Max = 100, Unit = "%")]
    public int JitterPercent { get; set; } = 10;
}

/// <summary>Which tools of a server clients see, and under which names. A hidden tool can neither be listed nor called.</summary>
[ConfigShorthand(nameof(Tools))]
public sealed class ExposeOptions
{
    /// <summary>Tools to show: names, or patterns with * for any characters. Empty: all.</summary>
    [ConfigKey("tools", Aliases = ["includeTools"])]
    public IList<string> Tools { get; set; } = [];

    /// <summary>Tools to hide: names or patterns; hiding wins over showing.</summary>
    [ConfigKey("hide", Aliases = ["excludeTools", "disabledTools"])]
    public IList<string> Hide { get; set; } = [];

    /// <summary>The server's own tool name to the name clients see. Applied before the naming policy.</summary>
    [ConfigKey("rename")]
    public IDictionary<string, string> Rename { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>What clients of a server's tools get when it cannot answer.</summary>
[ConfigShorthand(nameof(Order))]
public sealed class FallbackOptions
{
    /// <summary>What is tried, one after the other: cached (the last good result of the same call), server (the same tool at another server), static (a text). Empty: the failure is told.</summary>
    [ConfigKey("order")]
    public IList<string> Order { get; set; } = [];

    /// <summary>Oldest result that cached may give.</summary>
    [ConfigKey("maxAgeMs", Min = 1_000, Max = 604_800_000, Unit = "ms")]
    public int MaxAgeMs { get; set; } = 3_600_000;

    /// <summary>The name of the server that is called instead. It must have a tool of the same name.</summary>
    [ConfigKey("server", DefaultText = "none")]
    public string? Server { get; set; }

    /// <summary>The text of static.</summary>
    [ConfigKey("text", DefaultText = "none")]
    public string? Text { get; set; }
}

/// <summary>How many instances of a server run, and between which bounds the number may move by itself.</summary>
[ConfigShorthand(nameof(Count))]
public sealed class ReplicasOptions
{
    /// <summary>Instances at the start.</summary>
    [ConfigKey("count", Min = 1, Max = 1000)]
    public int Count { get; set; } = 1;

    /// <summary>Fewest instances that scaling leaves. Unset: the count, so nothing scales.</summary>
    [ConfigKey("min", Min = 1, Max = 1000, DefaultText = "count")]
    public int? Min { get; set; }

    /// <summary>Most instances that scaling makes. Unset: the count, so nothing scales.</summary>
    [ConfigKey("max", Min = 1, Max = 1000, DefaultText = "count")]
    public int? Max { get; set; }

    /// <summary>Load above which an instance is added, as a share of what the instances can take.</summary>
    [ConfigKey("scaleUpAt", Min = 0, Max = 1)]
    public double ScaleUpAt { get; set; } = 0.8;

    /// <summary>Load below which an instance is taken away.</summary>
    [ConfigKey("scaleDownAt", Min = 0, Max = 1)]
    public double ScaleDownAt { get; set; } = 0.2;
}

/// <summary>How an instance is chosen among replicas.</summary>
[ConfigShorthand(nameof(Policy))]
public sealed class LoadBalancingOptions
{
    /// <summary>The rule.</summary>
    [ConfigKey("policy")]
    public LoadBalancingPolicy Policy { get; set; } = LoadBalancingPolicy.RoundRobin;

    /// <summary>A client session stays on the instance it began with, as long as that lives.</summary>
    [ConfigKey("sessionAffinity")]
    public bool SessionAffinity { get; set; } = true;

    /// <summary>Weights of the instances for weightedRoundRobin, in their order, as in 3,1,1. Instances beyond the list weigh 1. Unset: all weigh the same.</summary>
    [ConfigKey("weights", DefaultText = "all the same")]
    public string? Weights { get; set; }

    /// <summary>Reads the list of weights.</summary>
    /// <returns>Null when it is none of whole numbers from 1 to 1 000.</returns>
    internal static int[]? ReadWeights(string? text)
    {
        var weights = new List<int>();
        foreach (var word in text?.Split(',') ?? [])
        {
            if (!int.TryParse(word, System.Globalization.NumberStyles.AllowLeadingWhite | System.Globalization.NumberStyles.AllowTrailingWhite, System.Globalization.CultureInfo.InvariantCulture, out var weight)
                || weight is < 1 or > 1_000)
            {
                return null;
            }

            weights.Add(weight);
        }

        return [.. weights];
    }
}

/// <summary>When calls are refused because a server keeps failing.</summary>
public sealed class CircuitBreakerOptions
{
    /// <summary>False = calls always go through.</summary>
    [ConfigKey("enabled")]
    public bool Enabled { get; set; } = true;

    /// <summary>Share of failed calls within the window that opens the circuit.</summary>
    [ConfigKey("failureRatio", Min = 0.01, Max = 1)]
    public double FailureRatio { get; set; } = 0.5;

    /// <summary>The time over which calls are counted.</summary>
    [ConfigKey("windowMs", Min = 1_000, Max = 3_600_000, Unit = "ms")]
    public int WindowMs { get; set; } = 30_000;

    /// <summary>Fewest calls within the window before the share counts.</summary>
    [ConfigKey("minimumCalls", Min = 1, Max = 100_000, Unit = "calls")]
    public int MinimumCalls { get; set; } = 10;

    /// <summary>Failed connections in a row that open the circuit at once.</summary>
    [ConfigKey("connectionFailures", Min = 1, Max = 1_000)]
    public int ConnectionFailures { get; set; } = 5;

    /// <summary>How long an open circuit refuses before it lets a probe through.</summary>
    [ConfigKey("openMs", Min = 100, Max = 3_600_000, Unit = "ms")]
    public int OpenMs { get; set; } = 60_000;

    /// <summary>Probes that must succeed before the circuit closes again.</summary>
    [ConfigKey("halfOpenProbes", Min = 1, Max = 100)]
    public int HalfOpenProbes { get; set; } = 1;
}

/// <summary>How and how often a server's health is asked for.</summary>
[ConfigShorthand(nameof(Kind))]
public sealed class HealthCheckOptions
{
    /// <summary>The way of asking.</summary>
    [ConfigKey("type", Aliases = ["kind"])]
    public HealthCheckKind Kind { get; set; } = HealthCheckKind.Protocol;

    /// <summary>Longest time from one check to the next; up to a tenth is taken off at random.</summary>
    [ConfigKey("intervalMs", Min = 100, Max = 86_400_000, Unit = "ms")]
    public int IntervalMs { get; set; } = 30_000;

    /// <summary>Longest wait for one check.</summary>
    [ConfigKey("timeoutMs", Min = 10, Max = 600_000, Unit = "ms")]
    public int TimeoutMs { get; set; } = 5_000;

    /// <summary>Failed checks in a row that make a server Unhealthy; with protocol checks it is replaced then.</summary>
    [ConfigKey("unhealthyAfter", Min = 1, Max = 100)]
    public int UnhealthyAfter { get; set; } = 3;

    /// <summary>Good checks in a row that make it Healthy again.</summary>
    [ConfigKey("healthyAfter", Min = 1, Max = 100)]
    public int HealthyAfter { get; set; } = 2;

    /// <summary>What an http check asks, or as tcp://host:port where a tcp check connects.</summary>
    [ConfigKey("url")]
    public Uri? Url { get; set; }

    /// <summary>The status an http check expects.</summary>
    [ConfigKey("status", Min = 100, Max = 599)]
    public int Status { get; set; } = 200;

    /// <summary>Text that the body of an http check must contain. Unset: any body.</summary>
    [ConfigKey("body")]
    public string? Body { get; set; }

    /// <summary>The program of a command check; never given to a shell.</summary>
    [ConfigKey("command", Min = 1)]
    public string? Command { get; set; }

    /// <summary>The arguments of a command check.</summary>
    [ConfigKey("args")]
    public IList<string> Arguments { get; set; } = [];

    /// <summary>The path of a file check.</summary>
    [ConfigKey("path", Min = 1)]
    public string? Path { get; set; }
}

/// <summary>Token buckets for a server. An unset bucket lets everything through.</summary>
public sealed class RateLimitOptions
{
    /// <summary>For all calls to the server together.</summary>
    [ConfigKey("server", DefaultText = "no limit")]
    public RateOptions? Server { get; set; }

    /// <summary>For each client's calls to the server.</summary>
    [ConfigKey("client", DefaultText = "no limit")]
    public RateOptions? Client { get; set; }

    /// <summary>For single tools, by the server's own tool name.</summary>
    [ConfigKey("tools")]
    public IDictionary<string, RateOptions> Tools { get; set; } = new Dictionary<string, RateOptions>(StringComparer.Ordinal);
}

/// <summary>One token bucket.</summary>
public sealed class RateOptions
{
    /// <summary>Calls that become available in each period.</summary>
    [ConfigKey("calls", Min = 1, Max = 1_000_000, Unit = "calls")]
    public int Calls { get; set; } = 100;

    /// <summary>The period.</summary>
    [ConfigKey("perMs", Min = 1, Max = 86_400_000, Unit = "ms")]
    public int PerMs { get; set; } = 60_000;

    /// <summary>Calls that may come at once. Unset: the same as calls.</summary>
    [ConfigKey("burst", Min = 1, Max = 1_000_000, Unit = "calls", DefaultText = "calls")]
    public int? Burst { get; set; }
}

/// <summary>How a changed server replaces the one that runs, and when that is undone.</summary>
[ConfigShorthand(nameof(Strategy))]
public sealed class RolloutOptions
{
    /// <summary>The way.</summary>
    [ConfigKey("strategy")]
    public RolloutStrategy Strategy { get; set; } = RolloutStrategy.Rolling;

    /// <summary>Share of calls that a canary gets.</summary>
    [ConfigKey("percent", Min = 1, Max = 99, Unit = "%")]
    public int Percent { get; set; } = 10;

    /// <summary>Share of failures above which the change is undone.</summary>
    [ConfigKey("errorRateMax", Min = 0, Max = 1)]
    public double ErrorRateMax { get; set; } = 0.05;

    /// <summary>Calls to the changed server before its share of failures counts.</summary>
    [ConfigKey("minimumCalls", Min = 1, Max = 1_000_000, Unit = "calls")]
    public int MinimumCalls { get; set; } = 100;

    /// <summary>The 99th percentile of latency above which the change is undone. Unset: not looked at.</summary>
    [ConfigKey("latencyP99MaxMs", Min = 1, Max = 3_600_000, Unit = "ms", DefaultText = "no bound")]
    public int? LatencyP99MaxMs { get; set; }

    /// <summary>How long the changed server is watched: a canary or a shadow before it takes over, the others after they have.</summary>
    [ConfigKey("observeMs", Min = 0, Max = 86_400_000, Unit = "ms")]
    public int ObserveMs { get; set; } = 60_000;

    /// <summary>Failures in a row that undo the change at once.</summary>
    [ConfigKey("failuresInARow", Min = 1, Max = 1_000)]
    public int FailuresInARow { get; set; } = 10;
}
