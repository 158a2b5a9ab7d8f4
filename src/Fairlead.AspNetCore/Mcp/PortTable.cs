using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Which listeners belong to one server alone (product A3). Written by whoever opens them, read by every request without a lock.</summary>
internal sealed class PortTable
{
    private volatile FrozenDictionary<int, string> _servers = FrozenDictionary<int, string>.Empty;

    /// <summary>Publishes another set: ports and the names of their servers.</summary>
    public void Publish(IEnumerable<KeyValuePair<int, string>> ports) => _servers = ports.ToFrozenDictionary();

    /// <summary>The server whose own port a request came in at.</summary>
    /// <returns>False on every other port.</returns>
    public bool TryGet(ConnectionInfo connection, [NotNullWhen(true)] out string? server)
    {
        server = null;
        var servers = _servers;
        return servers.Count != 0 && servers.TryGetValue(connection.LocalPort, out server);
    }
}
