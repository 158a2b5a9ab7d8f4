using Fairlead.Catalog;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Requests of 2026-07-28 (protocol.md 2.4 and 3): stateless, each with its own version and capabilities; closing the stream cancels.</summary>
internal sealed class ModernPost
{
    private readonly McpFront _front;
    private readonly ListenStream _listen;
    private readonly ModernCalls _calls;

    /// <summary>Handles requests for <paramref name="front"/>.</summary>
    public ModernPost(McpFront front)
    {
        _front = front;
        _listen = new ListenStream(front);
        _calls = new ModernCalls(front);
    }

    /// <summary>Handles a request that claims a version in <c>_meta</c>.</summary>
    public ValueTask HandleAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body, in Envelope envelope, string versionHeader)
    {
        var headers = context.Request.Headers;
        var fault = ModernRequest.Check(envelope, body.Span, versionHeader, headers["Mcp-Method"].ToString(), headers["Mcp-Name"].ToString());
        if (fault != ModernFault.None)
        {
            return new ValueTask(RefuseAsync(context, fault, body.Span, envelope));
        }

        if (envelope.MetaLogLevel.Exists && !LogLevels.IsKnown(envelope.MetaLogLevel.Of(body.Span)))
        {
            return new ValueTask(JsonRpcReply.ErrorAsync(
                context, StatusCodes.Status400BadRequest, -32602, $"io.modelcontextprotocol/logLevel must be one of {LogSeverity.Names}.", envelope.Id.Of(body.Span)));
        }

        switch (envelope.KnownMethod)
        {
            case McpMethod.ServerDiscover:
                return new ValueTask(DiscoverAsync(context, cell, body, OwnRequest.Now(envelope, _front.TimeProvider)));
            case McpMethod.ToolsList:
                return new ValueTask(ListAsync(context, cell, ListKind.Tools, body, OwnRequest.Now(envelope, _front.TimeProvider), envelope.Cursor));
            case McpMethod.PromptsList:
                return new ValueTask(ListAsync(context, cell, ListKind.Prompts, body, OwnRequest.Now(envelope, _front.TimeProvider), envelope.Cursor));
            case McpMethod.ResourcesList:
                return new ValueTask(ListAsync(context, cell, ListKind.Resources, body, OwnRequest.Now(envelope, _front.TimeProvider), envelope.Cursor));
            case McpMethod.ResourcesTemplatesList:
                return new ValueTask(ListAsync(context, cell, ListKind.ResourceTemplates, body, OwnRequest.Now(envelope, _front.TimeProvider), envelope.Cursor));
            case McpMethod.SubscriptionsListen:
                return new ValueTask(_listen.HandleAsync(context, cell, body, envelope));
            case McpMethod.ToolsCall or McpMethod.PromptsGet or McpMethod.ResourcesRead or McpMethod.CompletionComplete:
                return _calls.ForwardAsync(context, cell, body, envelope);
            case McpMethod.TasksGet or McpMethod.TasksUpdate or McpMethod.TasksCancel when TaskRequests.AreOffered(_front, cell, envelope.KnownMethod, ProtocolVersion.V20260728):
                return TaskForms.DeclaresExtension(body.Span, envelope.MetaClientCapabilities)
                    ? _calls.ForwardAsync(context, cell, body, envelope) : new ValueTask(TaskRequests.RefuseUndeclaredAsync(context, envelope.Id.Of(body.Span)));
            default:
                return new ValueTask(RefuseAsync(context, ModernFault.UnknownMethod, body.Span, envelope));
        }
    }

    private static Task RefuseAsync(HttpContext context, ModernFault fault, ReadOnlySpan<byte> body, in Envelope envelope)
    {
        var id = envelope.Id.Of(body);
        if (fault == ModernFault.UnsupportedVersion)
        {
            byte[] data = [.. "{\"supported\":[\"2026-07-28\"],\"requested\":"u8, .. envelope.MetaProtocolVersion.Of(body), .. "}"u8];
            var sentByHeader = HeaderValues.Matches(context.Request.Headers["MCP-Protocol-Version"].ToString(), envelope.MetaProtocolVersion.Of(body));
            return sentByHeader
                ? JsonRpcReply.ErrorAsync(context, 400, -32022, "This protocol version is not supported here; data.supported lists those that are.", id, data)
                : JsonRpcReply.ErrorAsync(context, 400, -32020, "MCP-Protocol-Version and _meta name different versions; send the same in both.", id);
        }

        var message = fault switch
        {
            ModernFault.VersionNotText => "io.modelcontextprotocol/protocolVersion must be a string.",
            ModernFault.VersionHeaderMissing => "The MCP-Protocol-Version header is missing; send the version that _meta claims.",
            ModernFault.VersionHeaderDiffers => "MCP-Protocol-Version and _meta name different versions; send the same in both.",
            ModernFault.MethodHeaderMissing => "The Mcp-Method header is missing; send the body's method.",
            ModernFault.MethodHeaderDiffers => "Mcp-Method differs from the body's method; send the same in both.",
            ModernFault.NameHeaderMissing => "The Mcp-Name header is missing; send the name or uri of the body.",
            ModernFault.NameHeaderDiffers => "Mcp-Name differs from the name or uri in the body; send the same in both, or Base64 as =?base64?...?=.",
            ModernFault.ClientCapabilitiesMissing => "params._meta needs io.modelcontextprotocol/clientCapabilities, an object.",
            _ => "This method does not exist in 2026-07-28.",
        };
        return JsonRpcReply.ErrorAsync(context, ModernRequest.StatusOf(fault), ModernRequest.CodeOf(fault), message, id);
    }

    private async Task DiscoverAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body, OwnRequest request)
    {
        await _front.ListsReadyAsync(cell, context.RequestAborted).ConfigureAwait(false);
        _front.RecordOwn(request, body.Span, 0, ProtocolVersion.V20260728, context);
        await JsonRpcReply.ResultAsync(context, request.Id.Of(body.Span), FrontIdentity.DiscoverResult(_front.OfferedAt(cell))).ConfigureAwait(false);
    }

    private async Task ListAsync(HttpContext context, NamedEndpoint? cell, ListKind kind, ReadOnlyMemory<byte> body, OwnRequest request, ByteRange cursor)
    {
        await _front.ListsReadyAsync(cell, context.RequestAborted).ConfigureAwait(false);
        await ListReply.WriteAsync(_front, context, cell, kind, ProtocolVersion.V20260728, request, body.Span, cursor.Of(body.Span)).ConfigureAwait(false);
    }
}
