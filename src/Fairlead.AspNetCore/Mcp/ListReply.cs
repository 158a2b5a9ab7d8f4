using Fairlead.Catalog;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Answers the four list requests from the catalogue: no server is asked.</summary>
internal static class ListReply
{
    /// <summary>What is said of a cursor that is not ours.</summary>
    public const string CursorUnknown = "The cursor is not one of this list, or the list has changed; start again without a cursor.";

    /// <summary>Writes one page of what <paramref name="cell"/> (null: the aggregate) offers, or -32602 for a cursor that is not ours.</summary>
    public static Task WriteAsync(
        McpFront front, HttpContext context, NamedEndpoint? cell, ListKind kind, ProtocolVersion version, in OwnRequest request, ReadOnlySpan<byte> body, ReadOnlySpan<byte> cursor)
    {
        var isKnown = front.OfferedAt(cell).TryGetPage(kind, version, cursor, out var page);
        front.RecordOwn(request, body, isKnown ? 0 : -32602, version, context);
        var id = request.Id.Of(body);
        return isKnown ? JsonRpcReply.ResultAsync(front, context, id, page) : JsonRpcReply.ErrorAsync(context, 200, -32602, CursorUnknown, id);
    }
}
