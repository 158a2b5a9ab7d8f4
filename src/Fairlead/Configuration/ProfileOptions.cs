namespace Fairlead.Configuration;

/// <summary>A chosen subset of what /mcp offers, at an endpoint of its own.</summary>
public sealed class ProfileOptions
{
    /// <summary>Names of the servers in it. Empty: all.</summary>
    [ConfigKey("servers")]
    public IList<string> Servers { get; set; } = [];

    /// <summary>Tools to show: names as on /mcp, or patterns with * for any characters. Empty: all of the servers in it.</summary>
    [ConfigKey("tools")]
    public IList<string> Tools { get; set; } = [];

    /// <summary>Tools to hide: names as on /mcp, or patterns; hiding wins over showing.</summary>
    [ConfigKey("hide")]
    public IList<string> Hide { get; set; } = [];

    /// <summary>The name of a tool on /mcp to the name that clients of the profile see.</summary>
    [ConfigKey("rename")]
    public IDictionary<string, string> Rename { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
