namespace Fairlead.Cli.Relay;

/// <summary>The legacy session of a relay at the gateway.</summary>
/// <param name="Id">Its <c>Mcp-Session-Id</c>.</param>
/// <param name="Version">The negotiated revision.</param>
internal sealed record RelaySession(string Id, string Version);
