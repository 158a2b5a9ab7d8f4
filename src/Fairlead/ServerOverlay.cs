using Fairlead.Configuration;

namespace Fairlead;

/// <summary>What people did to a server by hand, over its configuration (decision 14). Kept in <c>fleet.json</c> of the state folder as long as the server is part of the fleet.</summary>
public sealed record ServerOverlay
{
    /// <summary>Nothing was done.</summary>
    public static ServerOverlay None { get; } = new();

    /// <summary>Whether it was switched off or on; null = as its configuration says.</summary>
    public bool? Disabled { get; init; }

    /// <summary>Why it is in maintenance; null = it is not.</summary>
    public string? Maintenance { get; init; }

    /// <summary>The number of instances that was set; null = as its configuration says.</summary>
    public int? Replicas { get; init; }

    /// <summary>Tools that were switched off, by the server's own names.</summary>
    public IReadOnlyList<string> DisabledTools { get; init; } = [];

    /// <summary>Whether it changes nothing.</summary>
    internal bool IsNone => this is { Disabled: null, Maintenance: null, Replicas: null, DisabledTools.Count: 0 };

    /// <summary>A copy of a configuration with this over it: what the server's actor works with.</summary>
    internal ServerConfig ApplyTo(ServerConfig declared)
    {
        var config = declared.Copy();
        config.ByHand = this;
        config.Disabled = Disabled ?? config.Disabled;
        config.Replicas.Count = Replicas ?? config.Replicas.Count;
        foreach (var tool in DisabledTools)
        {
            config.Expose.Hide.Add(tool);
        }

        return config;
    }
}
