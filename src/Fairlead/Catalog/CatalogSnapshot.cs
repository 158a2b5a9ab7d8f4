using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>What one endpoint offers: the aggregate, or one server under its own names. Frozen; any thread may read.</summary>
/// <remarks>Nothing here waits or does I/O. The rendered pages hold no raw line feeds, so they fit stdio lines and SSE data as they are.</remarks>
internal sealed class CatalogSnapshot
{
    private const int StackBytesMax = 512;

    private readonly OfferedList[] _lists;

    /// <summary>Freezes four lists.</summary>
    /// <param name="tools">Tools, in the order of the list.</param>
    /// <param name="prompts">Prompts.</param>
    /// <param name="resources">Resources.</param>
    /// <param name="templates">Resource templates.</param>
    public CatalogSnapshot(OfferedList tools, OfferedList prompts, OfferedList resources, OfferedList templates) =>
        _lists = [tools, prompts, resources, templates];

    /// <summary>No entries, no routes, and the capabilities of an endpoint whose servers come later.</summary>
    public static CatalogSnapshot Empty { get; } =
        new(OfferedList.Empty(ListKind.Tools), OfferedList.Empty(ListKind.Prompts), OfferedList.Empty(ListKind.Resources), OfferedList.Empty(ListKind.ResourceTemplates));

    /// <summary>The server's own instructions (identity), or all servers' under headings (aggregate): a raw JSON string token; empty when there are none.</summary>
    public ReadOnlyMemory<byte> Instructions { get; init; }

    /// <summary>The server's raw Implementation object on an identity endpoint; empty on the aggregate and while unknown.</summary>
    public ReadOnlyMemory<byte> ServerInfo { get; init; }

    /// <summary>How long clients of 2026-07-28 may keep what the endpoint says of itself.</summary>
    public CacheHint Caching { get; init; }

    /// <summary>Where tools lead.</summary>
    public RouteTable ToolRoutes { get; init; } = RouteTable.Empty;

    /// <summary>Where prompts lead.</summary>
    public RouteTable PromptRoutes { get; init; } = RouteTable.Empty;

    /// <summary>Where resources lead.</summary>
    public ResourceRoutes ResourceRoutes { get; init; } = ResourceRoutes.Empty;

    /// <summary>Where a tool or prompt of an unknown name leads; null: nowhere. Only on the identity endpoint of a server that was never listed.</summary>
    public CatalogRoute? UnknownNames { get; init; }

    /// <summary>Raw capabilities for legacy clients.</summary>
    public byte[] LegacyCapabilities { get; init; } = CapabilityUnion.Expected;

    /// <summary>Raw capabilities for clients of 2026-07-28 and later.</summary>
    public byte[] ModernCapabilities { get; init; } = CapabilityUnion.Expected;

    /// <summary>What stands in a list, in its order.</summary>
    public OfferedList List(ListKind kind) => _lists[(int)kind];

    /// <summary>One page of a list, as the whole raw <c>result</c> object in the client's revision. The first page is rendered once and then handed out.</summary>
    /// <param name="kind">Which list.</param>
    /// <param name="clientVersion">The revision that the client speaks.</param>
    /// <param name="cursorToken">The raw JSON token of <c>params.cursor</c>, or empty. An empty string and <c>null</c> mean the first page.</param>
    /// <param name="result">The page; owned by the snapshot.</param>
    /// <returns>False when the cursor was not given out for this list as it is now: the client gets -32602.</returns>
    public bool TryGetPage(ListKind kind, ProtocolVersion clientVersion, ReadOnlySpan<byte> cursorToken, out ReadOnlyMemory<byte> result) =>
        _lists[(int)kind].TryGetPage(ListAudiences.Of(clientVersion), cursorToken, out result);

    /// <summary>Finds where a name or URI leads. Allocates nothing.</summary>
    /// <param name="kind">Tools and prompts: a name. Resources: a URI to read or subscribe to. Templates: a URI template or a URI, as in a completion's <c>ref/resource</c>.</param>
    /// <param name="nameToken">The raw JSON string token that the client sent.</param>
    /// <param name="route">Where to.</param>
    /// <returns>False when nothing of that name is offered, or the token is no string.</returns>
    public bool TryRoute(ListKind kind, ReadOnlySpan<byte> nameToken, [NotNullWhen(true)] out CatalogRoute? route)
    {
        route = null;
        if (!JsonText.IsString(nameToken))
        {
            return false;
        }

        var content = nameToken[1..^1];
        return content.Contains((byte)'\\') ? TryRouteEscaped(kind, nameToken, out route) : TryRouteName(kind, content, out route);
    }

    /// <summary>Finds where a tool leads by its name. Allocates nothing for names of usual length.</summary>
    public bool TryRouteTool(string name, [NotNullWhen(true)] out CatalogRoute? route)
    {
        byte[]? rented = null;
        var bytesMax = Encoding.UTF8.GetMaxByteCount(name.Length);
        Span<byte> utf8 = bytesMax <= StackBytesMax ? stackalloc byte[StackBytesMax] : rented = ArrayPool<byte>.Shared.Rent(bytesMax);
        var found = TryRouteName(ListKind.Tools, utf8[..Encoding.UTF8.GetBytes(name, utf8)], out route);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return found;
    }

    /// <summary>Raw <c>capabilities</c> of the endpoint: what its servers can do, kept while they restart.</summary>
    /// <param name="modern">Whether the client speaks 2026-07-28 or later.</param>
    public ReadOnlyMemory<byte> Capabilities(bool modern) => modern ? ModernCapabilities : LegacyCapabilities;

    private bool TryRouteEscaped(ListKind kind, ReadOnlySpan<byte> nameToken, [NotNullWhen(true)] out CatalogRoute? route)
    {
        byte[]? rented = null;
        Span<byte> buffer = nameToken.Length <= StackBytesMax ? stackalloc byte[StackBytesMax] : rented = ArrayPool<byte>.Shared.Rent(nameToken.Length);
        route = null;
        var found = JsonText.TryUnescape(nameToken, buffer, out var written) && TryRouteName(kind, buffer[..written], out route);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return found;
    }

    private bool TryRouteName(ListKind kind, ReadOnlySpan<byte> name, [NotNullWhen(true)] out CatalogRoute? route)
    {
        switch (kind)
        {
            case ListKind.Tools:
                ToolRoutes.TryGet(name, out route);
                route ??= UnknownNames;
                return route is not null;
            case ListKind.Prompts:
                PromptRoutes.TryGet(name, out route);
                route ??= UnknownNames;
                return route is not null;
            default:
                return ResourceRoutes.TryGet(name, kind == ListKind.ResourceTemplates, out route);
        }
    }
}
