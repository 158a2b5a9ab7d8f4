using Fairlead.Catalog;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Answers the four list requests from the catalogue: no server is asked.</summary>
internal static class ListReply
{
    /// <summary>Writes one page of what <paramref name="cell"/> (null: the aggregate) offers, or -32602 for a cursor that is not ours.</summary>
    public static Task WriteAsync(McpFront front, HttpContext context, ServerCell? cell, ListKind kind, ProtocolVersion version, ReadOnlySpan<byte> id, ReadOnlySpan<byte> cursor)
    {
        if (!front.OfferedAt(cell).TryGetPage(kind, version, cursor, out var page))
        {
            return JsonRpcReply.ErrorAsync(context, 200, -32602, "The cursor is not one of this list, or the list has changed; start again without a cursor.", id);
        }

        if (page.Length <= StalledClient.FreeBytes)
        {
            return JsonRpcReply.ResultAsync(context, id, page.Span);
        }

        var frame = OutboundFrame.Rent(page.Length + id.Length + 64);
        JsonRpcReply.WriteResult(frame, id, page.Span);
        return WriteLargeAsync(front, context, frame);
    }

    private static async Task WriteLargeAsync(McpFront front, HttpContext context, OutboundFrame frame)
    {
        try
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = frame.Memory.Length;
            await StalledClient.WriteAsync(context, front, frame.Memory).ConfigureAwait(false);
        }
        finally
        {
            frame.Return();
        }
    }
}
