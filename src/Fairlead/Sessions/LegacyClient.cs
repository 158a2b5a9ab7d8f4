using Fairlead.Upstreams;

namespace Fairlead.Sessions;

/// <summary>What a legacy client said of itself at <c>initialize</c>, in the form that a modern request carries (protocol.md 6, L→M).</summary>
/// <param name="MetaMembers">Raw members for <c>params._meta</c>: protocolVersion, clientCapabilities, clientInfo.</param>
internal sealed record LegacyClient(byte[] MetaMembers)
{
    /// <summary>A raw <c>logLevel</c> member, once the client has set a level; else empty.</summary>
    public byte[] LogLevelMember { get; init; } = [];

    /// <summary>The level that the client has set; <see cref="LogSeverity.None"/> before.</summary>
    public int LogLevel { get; init; } = LogSeverity.None;
}
