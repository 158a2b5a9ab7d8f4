using System.Runtime.CompilerServices;
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
    // Nobody of this era can be asked before calls can be parked: every modern call is its own owner (decision 8).
    private static readonly Caller s_caller = new(null, "{}"u8.ToArray()) { Principal = Caller.LocalPrincipal };

    private readonly McpFront _front;
    private readonly ListenStream _listen;

    /// <summary>Handles requests for <paramref name="front"/>.</summary>
    public ModernPost(McpFront front)
    {
        _front = front;
        _listen = new ListenStream(front);
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
                context, StatusCodes.Status400BadRequest, -32602, $"io.modelcontextprotocol/logLevel must be one of {LogLevels.Names}.", envelope.Id.Of(body.Span)));
        }

        switch (envelope.KnownMethod)
        {
            case McpMethod.ServerDiscover:
                return new ValueTask(DiscoverAsync(context, cell, body, envelope.Id));
            case McpMethod.ToolsList:
                return new ValueTask(ListAsync(context, cell, ListKind.Tools, body, envelope.Id, envelope.Cursor));
            case McpMethod.PromptsList:
                return new ValueTask(ListAsync(context, cell, ListKind.Prompts, body, envelope.Id, envelope.Cursor));
            case McpMethod.ResourcesList:
                return new ValueTask(ListAsync(context, cell, ListKind.Resources, body, envelope.Id, envelope.Cursor));
            case McpMethod.ResourcesTemplatesList:
                return new ValueTask(ListAsync(context, cell, ListKind.ResourceTemplates, body, envelope.Id, envelope.Cursor));
            case McpMethod.SubscriptionsListen:
                return new ValueTask(_listen.HandleAsync(context, cell, body, envelope));
            case McpMethod.ToolsCall or McpMethod.PromptsGet or McpMethod.ResourcesRead or McpMethod.CompletionComplete:
                return ForwardAsync(context, cell, body, envelope);
            case McpMethod.TasksGet or McpMethod.TasksUpdate or McpMethod.TasksCancel when TaskRequests.AreOffered(_front, cell, envelope.KnownMethod, ProtocolVersion.V20260728):
                return TaskForms.DeclaresExtension(body.Span, envelope.MetaClientCapabilities)
                    ? ForwardAsync(context, cell, body, envelope) : new ValueTask(TaskRequests.RefuseUndeclaredAsync(context, envelope.Id.Of(body.Span)));
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

    private async Task DiscoverAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body, ByteRange id)
    {
        await _front.ListsReadyAsync(cell, context.RequestAborted).ConfigureAwait(false);
        await JsonRpcReply.ResultAsync(context, id.Of(body.Span), FrontIdentity.DiscoverResult(_front.OfferedAt(cell))).ConfigureAwait(false);
    }

    private async Task ListAsync(HttpContext context, NamedEndpoint? cell, ListKind kind, ReadOnlyMemory<byte> body, ByteRange id, ByteRange cursor)
    {
        await _front.ListsReadyAsync(cell, context.RequestAborted).ConfigureAwait(false);
        await ListReply.WriteAsync(_front, context, cell, kind, ProtocolVersion.V20260728, id.Of(body.Span), cursor.Of(body.Span)).ConfigureAwait(false);
    }

    // Pooled: the box of this method, which holds the envelope, is the largest allocation that a call could cost (bench/run.sh bytes).
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ForwardAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body, Envelope envelope)
    {
        var exchange = Exchange.Rent();
        try
        {
            exchange.Request = body;
            exchange.RequestEnvelope = envelope;
            exchange.ClientVersion = ProtocolVersion.V20260728;
            exchange.Tasks = _front.Tasks;
            exchange.CarriesMessages = envelope.MetaLogLevel.Exists;
            var fault = await CallFront.RouteAsync(_front, exchange, cell, context.RequestAborted).ConfigureAwait(false);
            if (fault != IntakeFault.None)
            {
                exchange.Fail(ForwardError.None, null);
                await JsonRpcReply.BytesAsync(context, 200, CallFront.Refusal(exchange, fault)).ConfigureAwait(false);
                return;
            }

            if (exchange.Headers is { } parameters && ParameterHeaders.Refuse(context.Request.Headers, parameters, exchange) is { } refusal)
            {
                exchange.Fail(ForwardError.None, null);
                await JsonRpcReply.ErrorAsync(context, 400, -32020, refusal, envelope.Id.Of(body.Span)).ConfigureAwait(false);
                return;
            }

            exchange.GraceDeadline = _front.Sweep.Now + _front.GraceTicks;
            await _front.Dispatcher.SendAsync(exchange, s_caller, context.RequestAborted).ConfigureAwait(false);

            // Closing the stream is how a modern client cancels (protocol.md 2.4).
            using var registration = context.RequestAborted.UnsafeRegister(static state => CallFront.Cancel((Exchange)state!), exchange);
            await AnswerAsync(context, exchange).ConfigureAwait(false);
        }
        finally
        {
            exchange.Release();
        }
    }

    /// <summary>JSON when the answer is the first thing and comes within the grace; else SSE (decision 7).</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AnswerAsync(HttpContext context, Exchange exchange)
    {
        SseResponse? stream = null;
        while (true)
        {
            await exchange.WaitAsync().ConfigureAwait(false);
            while (exchange.TryReadMessage(out var message))
            {
                if (message!.AskedBy is not null)
                {
                    // A legacy server asks and this client cannot be asked before calls can be parked (protocol.md 6.1).
                    QuestionRouter.Decline(message.AskedBy, message.Envelope.Id.Of(message.Bytes), message.Envelope.KnownMethod);
                }
                else if (LogLevels.Passes(message, exchange))
                {
                    stream ??= await SseResponse.StartAsync(context, _front).ConfigureAwait(false);
                    await stream.WriteNotificationAsync(exchange, message).ConfigureAwait(false);
                }
            }

            if (exchange.IsComplete)
            {
                break;
            }

            if (exchange.TakeGrace())
            {
                stream ??= await SseResponse.StartAsync(context, _front).ConfigureAwait(false);
            }
        }

        if (stream is not null)
        {
            await CallFront.WriteLastEventAsync(stream, exchange).ConfigureAwait(false);
            return;
        }

        await CallFront.WriteJsonAsync(_front, context, exchange).ConfigureAwait(false);
    }
}
