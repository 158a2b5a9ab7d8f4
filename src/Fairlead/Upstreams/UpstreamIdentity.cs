using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>What a server said of itself in the handshake.</summary>
/// <param name="Version">The revision spoken on this connection.</param>
/// <param name="Capabilities">The raw <c>capabilities</c> object.</param>
/// <param name="ServerInfo">The raw Implementation object (2026-07-28: from <c>_meta</c>); empty when the server gave none.</param>
/// <param name="Instructions">The server's instructions, as a raw JSON string token; empty when it gave none.</param>
internal sealed record UpstreamIdentity(ProtocolVersion Version, byte[] Capabilities, byte[] ServerInfo, byte[] Instructions)
{
    /// <summary>Whether the connection speaks 2026-07-28 or later.</summary>
    public bool IsModern => Version.IsModern();

    /// <summary>In which form it runs tools as tasks.</summary>
    public TaskForm Tasks { get; } = TaskForms.Of(Version, Capabilities);

    /// <summary>Whether the server declares that it logs to its clients.</summary>
    public bool Logs { get; } = JsonMembers.TryFind(Capabilities, new ByteRange(0, Capabilities.Length), "logging"u8, out _);

    /// <summary>Whether the server declares that it has resources.</summary>
    public bool HasResources { get; } = JsonMembers.TryFind(Capabilities, new ByteRange(0, Capabilities.Length), "resources"u8, out _);

    /// <summary>How long what the server says of itself may be kept (the hints of <c>server/discover</c>); the default for legacy servers, which say nothing of it.</summary>
    public CacheHint Caching { get; init; }
}
