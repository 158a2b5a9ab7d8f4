namespace Fairlead;

/// <summary>What a reload of the configuration came to, by the ids of servers. Servers that are not of the file are in none of the lists.</summary>
public sealed record ReloadDifferences
{
    /// <summary>Servers that were added; they start without being waited for.</summary>
    public IReadOnlyList<string> Added { get; init; } = [];

    /// <summary>Servers that were removed.</summary>
    public IReadOnlyList<string> Removed { get; init; } = [];

    /// <summary>Servers whose changed configuration is in force.</summary>
    public IReadOnlyList<string> Changed { get; init; } = [];

    /// <summary>Servers whose configuration is the same as before; nothing was done to them.</summary>
    public IReadOnlyList<string> Unchanged { get; init; } = [];

    /// <summary>Servers whose change could not be brought into force; what ran before still runs. The next reload tries again.</summary>
    public IReadOnlyList<ReloadFailure> Failed { get; init; } = [];

    /// <summary>Keys of the gateway, such as <c>port</c> or <c>limits.drainGrace</c>, whose changed value counts only after a restart of Fairlead.</summary>
    public IReadOnlyList<string> NeedRestart { get; init; } = [];
}

/// <summary>A server that a reload could not change.</summary>
/// <param name="Id">The server.</param>
/// <param name="Reason">Why, and what to do, without secrets.</param>
public sealed record ReloadFailure(string Id, string Reason);
