using Fairlead.Catalog;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Answers the four list requests from the catalogue: no server is asked.</summary>
internal static class ListReply
{
    /// <summary>Writes one page, or -32602 for a cursor that is not ours.</summary>
    public static Task WriteAsync(HttpContext context, CatalogSnapshot offered, ListKind kind, ProtocolVersion version, ReadOnlySpan<byte> id, ReadOnlySpan<byte> cursor) =>
        offered.TryGetPage(kind, version, cursor, out var page)
            ? JsonRpcReply.ResultAsync(context, id, page.Span)
            : JsonRpcReply.ErrorAsync(context, 200, -32602, "The cursor is not one of this list, or the list has changed; start again without a cursor.", id);
}
