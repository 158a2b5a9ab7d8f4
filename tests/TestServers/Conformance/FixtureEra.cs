namespace Fairlead.TestServers.Conformance;

/// <summary>Which half of the protocol this process speaks; it refuses the other half.</summary>
internal enum FixtureEra
{
    /// <summary>2025-11-25 only: initialize handshake, sessions, server to client requests.</summary>
    Legacy,

    /// <summary>2026-07-28 only: per-request <c>_meta</c>, no sessions, multi round-trip requests.</summary>
    Modern,
}

/// <summary>The revision that an era is pinned to.</summary>
internal static class FixtureEraRevisions
{
    /// <summary>Date of the one revision that the SDK server is told to accept (<c>McpServerOptions.ProtocolVersion</c>).</summary>
    public static string Revision(this FixtureEra era) => era == FixtureEra.Legacy ? "2025-11-25" : "2026-07-28";
}
