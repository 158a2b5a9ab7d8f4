using System.Diagnostics.CodeAnalysis;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>What one endpoint offers: the aggregate, or one server under its own names. Frozen.</summary>
internal sealed class CatalogSnapshot
{
    private readonly byte[] _capabilities = "{}"u8.ToArray();

    /// <summary>Offers nothing.</summary>
    public static CatalogSnapshot Empty { get; } = new();

    /// <summary>The server's instructions or the servers' together: a raw JSON string token, or empty.</summary>
    public ReadOnlyMemory<byte> Instructions { get; init; }

    /// <summary>On identity endpoints the server's own Implementation object; empty on the aggregate.</summary>
    public ReadOnlyMemory<byte> ServerInfo { get; init; }

    /// <summary>The raw capabilities object.</summary>
    public ReadOnlyMemory<byte> Capabilities(bool modern) => modern ? _capabilities : _capabilities.ToArray();

    /// <summary>The whole raw result of a list request.</summary>
    public bool TryGetPage(ListKind kind, ProtocolVersion clientVersion, ReadOnlySpan<byte> cursorToken, out ReadOnlyMemory<byte> result)
    {
        result = default;
        return _capabilities.Length == 0;
    }

    /// <summary>Where a name or URI leads.</summary>
    public bool TryRoute(ListKind kind, ReadOnlySpan<byte> nameToken, [NotNullWhen(true)] out CatalogRoute? route)
    {
        route = null!;
        return _capabilities.Length == 0;
    }
}
