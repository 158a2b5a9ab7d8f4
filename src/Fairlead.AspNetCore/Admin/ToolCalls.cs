using System.Buffers;
using Fairlead.AspNetCore.Auth;
using Fairlead.AspNetCore.Mcp;
using Fairlead.Catalog;
using Fairlead.Exchanges;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Lists and calls tools over the API, under the names that the server's own endpoint shows.</summary>
internal sealed class ToolCalls(McpManager manager, McpFront front)
{
    /// <summary>GET: the definitions as the server wrote them, a page at a time (<c>?cursor=</c>).</summary>
    public async Task ListAsync(HttpContext context)
    {
        var cell = RestApi.Require(manager.Fleet, context);
        await front.ListsReadyAsync(cell, context.RequestAborted).ConfigureAwait(false);
        var cursor = context.Request.Query["cursor"].ToString();
        var token = cursor.Length == 0 ? [] : JsonText.Quote(cursor);
        if (!cell.Offered.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, token, out var page))
        {
            throw new BadRequest("This cursor was not given out for the list as it is; begin again without one.");
        }

        await WriteRawAsync(context, page).ConfigureAwait(false);
    }

    /// <summary>POST <c>{"arguments":{...}}</c>: the tool's result as its server wrote it, also one with <c>isError</c>; to clients that take an event stream with its progress before it.</summary>
    public async Task CallAsync(HttpContext context)
    {
        JsonBody.RequireJson(context, CallBody.Shape);
        var server = RestApi.Require(manager.Fleet, context).Name;
        if (manager.Audit is { RecordsCalls: true })
        {
            CallAudit.Origin = ("rest", ChangeAudit.ClientOf(context));
        }

        var limits = manager.Options.Limits;
        var body = await RequestBody.ReadAsync(context.Request, limits.RequestBodyBytesMax).ConfigureAwait(false);
        if (body.IsTooLarge)
        {
            throw new BadRequest(
                $"The body is longer than {limits.RequestBodyBytesMax} bytes; send less or raise limits.requestBodyBytesMax.", StatusCodes.Status413PayloadTooLarge, "BodyTooLarge");
        }

        try
        {
            var arguments = CallBody.Arguments(body.Memory, limits.JsonDepthMax);
            var tool = RestApi.Segment(context, "tool");
            var result = ToolStream.IsWanted(context.Request)
                ? await new ToolStream().RunAsync(context, front, progress => manager.CallAsync(server, tool, arguments, progress, context.RequestAborted)).ConfigureAwait(false)
                : await manager.CallAsync(server, tool, arguments, context.RequestAborted).ConfigureAwait(false);
            if (result is not null)
            {
                await WriteRawAsync(context, result.Raw).ConfigureAwait(false);
            }
        }
        finally
        {
            body.Return();
        }
    }

    private static async Task WriteRawAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        context.Response.BodyWriter.Write(json.Span);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
