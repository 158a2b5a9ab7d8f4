namespace Fairlead.Configuration;

/// <summary>Faults that are injected on purpose, for drills and tests. While this is off every attempt is refused.</summary>
[ConfigShorthand(nameof(Enabled))]
public sealed class FaultInjectionOptions
{
    /// <summary>Whether faults may be injected. Switched off by a reload, all that are active end at once.</summary>
    [ConfigKey("enabled")]
    public bool Enabled { get; set; }

    /// <summary>Longest time of one fault.</summary>
    [ConfigKey("maxDurationMs", Min = 1_000, Max = 86_400_000, Unit = "ms")]
    public int MaxDurationMs { get; set; } = 600_000;

    /// <summary>Most faults that are active at once, over all servers.</summary>
    [ConfigKey("maxAtOnce", Min = 1, Max = 1_000)]
    public int MaxAtOnce { get; set; } = 10;

    /// <summary>Share of failed calls of the last 10 s, at least 20 calls, at servers that no fault lies on, above which all faults end. 1 = never.</summary>
    [ConfigKey("stopAtErrorRate", Min = 0, Max = 1)]
    public double StopAtErrorRate { get; set; } = 0.05;
}
