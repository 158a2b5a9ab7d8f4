using System.Text.Json;
using Fairlead.Catalog;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>POSTs of the revisions 2025-03-26 to 2025-11-25 (protocol.md 2.3): sessions, questions to the client, streams that can be resumed.</summary>
internal sealed class LegacyPost
{
    private const string SessionHeader = "Mcp-Session-Id";

    private readonly McpFront _front;

    /// <summary>Handles requests for <paramref name="front"/>.</summary>
    public LegacyPost(McpFront front) => _front = front;

    /// <summary>Opens a session.</summary>
    public async Task InitializeAsync(HttpContext context, ServerCell? cell, ReadOnlyMemory<byte> body, Envelope envelope)
    {
        var id = envelope.Id.Of(body.Span).ToArray();
        if (!envelope.Params.Exists || body.Span[envelope.Params.Start] != (byte)'{')
        {
            await JsonRpcReply.ErrorAsync(context, 400, -32602, "initialize needs params with protocolVersion, capabilities and clientInfo.", id).ConfigureAwait(false);
            return;
        }

        await _front.ListsReadyAsync(cell, context.RequestAborted).ConfigureAwait(false);
        using var document = JsonDocument.Parse(body.Slice(envelope.Params.Start, envelope.Params.Length));
        var parameters = document.RootElement;
        var version = ProtocolVersions.Negotiate(Raw(parameters, "protocolVersion"));
        var capabilities = Raw(parameters, "capabilities");
        var session = _front.Sessions.Open(cell?.Name, version, capabilities.Length != 0 && capabilities[0] == (byte)'{' ? capabilities : "{}"u8.ToArray(), Raw(parameters, "clientInfo"));
        if (session is null)
        {
            context.Response.Headers.RetryAfter = "60";
            await JsonRpcReply.ErrorAsync(
                context, StatusCodes.Status503ServiceUnavailable, -32603,
                $"{_front.Options.Limits.SessionsMax} sessions are open; end some or raise sessionsMax.", id).ConfigureAwait(false);
            return;
        }

        context.Response.Headers[SessionHeader] = session.Id;
        await JsonRpcReply.ResultAsync(context, id, FrontIdentity.InitializeResult(_front.OfferedAt(cell), version)).ConfigureAwait(false);
    }

    /// <summary>Handles any other message of a session.</summary>
    public Task HandleAsync(HttpContext context, ServerCell? cell, ReadOnlyMemory<byte> body, in Envelope envelope, string versionHeader)
    {
        var session = FindSession(context, cell, versionHeader, _front, out var refusal);
        if (session is null)
        {
            // The id is echoed where there is one to echo; 2025 schemas know no null id.
            return JsonRpcReply.ErrorAsync(context, refusal.Status, -32600, refusal.Message, envelope.Kind == MessageKind.Request ? envelope.Id.Of(body.Span) : default);
        }

        session.Touch();
        switch (envelope.Kind)
        {
            case MessageKind.Result or MessageKind.Error:
                return ReceiveAnswer(context, session, body.Span, envelope);
            case MessageKind.Notification:
                LegacyNotifications.Receive(_front, session, body.Span, envelope);
                context.Response.StatusCode = StatusCodes.Status202Accepted;
                return Task.CompletedTask;
            default:
                return RequestAsync(context, cell, session, body, envelope);
        }
    }

    /// <summary>Finds the session that a request names and checks the version header (protocol.md 2.3).</summary>
    public static LegacySession? FindSession(HttpContext context, ServerCell? cell, string versionHeader, McpFront front, out (int Status, string Message) refusal)
    {
        var id = context.Request.Headers[SessionHeader].ToString();
        if (id.Length == 0)
        {
            refusal = (StatusCodes.Status400BadRequest, "The Mcp-Session-Id header is missing; begin with initialize. (2026-07-28 clients send their version in params._meta instead.)");
            return null;
        }

        var session = front.Sessions.Find(id, cell?.Name);
        if (session is null)
        {
            refusal = (StatusCodes.Status404NotFound, "This session is unknown or has ended; begin again with initialize.");
            return null;
        }

        refusal = default;
        if (versionHeader.Length != 0 && !ProtocolVersions.Parse(versionHeader).IsLegacy())
        {
            refusal = (StatusCodes.Status400BadRequest, $"MCP-Protocol-Version '{versionHeader}' is not supported; this session speaks {session.Version.Format()}.");
            return null;
        }

        return session;
    }

    private static Task ReceiveAnswer(HttpContext context, LegacySession session, ReadOnlySpan<byte> body, in Envelope envelope)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        if (RequestIds.TryParse(envelope.Id.Of(body), out var id) && session.TryTakeQuestion(id, out var question))
        {
            var isResult = envelope.Kind == MessageKind.Result;
            question!.AskedBy.AnswerQuestion(question.UpstreamId, isResult ? "result"u8 : "error"u8, (isResult ? envelope.Result : envelope.Error).Of(body));
        }

        return Task.CompletedTask;
    }

    private Task RequestAsync(HttpContext context, ServerCell? cell, LegacySession session, ReadOnlyMemory<byte> body, in Envelope envelope)
    {
        var id = envelope.Id.Of(body.Span);
        switch (envelope.KnownMethod)
        {
            case McpMethod.Ping:
                return JsonRpcReply.ResultAsync(context, id, "{}"u8);
            case McpMethod.ToolsList:
                return ListAsync(context, cell, session, ListKind.Tools, body, envelope.Id, envelope.Cursor);
            case McpMethod.PromptsList:
                return ListAsync(context, cell, session, ListKind.Prompts, body, envelope.Id, envelope.Cursor);
            case McpMethod.ResourcesList:
                return ListAsync(context, cell, session, ListKind.Resources, body, envelope.Id, envelope.Cursor);
            case McpMethod.ResourcesTemplatesList:
                return ListAsync(context, cell, session, ListKind.ResourceTemplates, body, envelope.Id, envelope.Cursor);
            case McpMethod.LoggingSetLevel:
                return LegacyRequests.SetLevelAsync(_front, context, cell, session, body, envelope);
            case McpMethod.ResourcesSubscribe or McpMethod.ResourcesUnsubscribe:
                return LegacyRequests.SubscribeAsync(_front, context, cell, session, body, envelope);
            case McpMethod.ToolsCall or McpMethod.PromptsGet or McpMethod.ResourcesRead or McpMethod.CompletionComplete:
                return ForwardAsync(context, cell, session, body, envelope);
            default:
                return JsonRpcReply.ErrorAsync(context, 200, -32601, $"Method not found: {JsonText.ToString(envelope.Method.Of(body.Span))}", id);
        }
    }

    private async Task ListAsync(HttpContext context, ServerCell? cell, LegacySession session, ListKind kind, ReadOnlyMemory<byte> body, ByteRange id, ByteRange cursor)
    {
        await _front.ListsReadyAsync(cell, context.RequestAborted).ConfigureAwait(false);
        await ListReply.WriteAsync(_front, context, cell, kind, session.Version, id.Of(body.Span), cursor.Of(body.Span)).ConfigureAwait(false);
    }

    private async Task ForwardAsync(HttpContext context, ServerCell? cell, LegacySession session, ReadOnlyMemory<byte> body, Envelope envelope)
    {
        var exchange = Exchange.Rent();
        try
        {
            exchange.Request = body;
            exchange.RequestEnvelope = envelope;
            exchange.ClientVersion = session.Version;
            exchange.Client = session.Client;
            exchange.CarriesMessages = true;
            var fault = await CallFront.RouteAsync(_front, exchange, cell, context.RequestAborted).ConfigureAwait(false);
            if (fault != IntakeFault.None)
            {
                exchange.Fail(ForwardError.None, null);
                await CallFront.RefuseAsync(context, exchange, fault).ConfigureAwait(false);
                return;
            }

            exchange.GraceDeadline = _front.Sweep.Now + _front.GraceTicks;
            await _front.Dispatcher.SendAsync(exchange, session.Caller, context.RequestAborted).ConfigureAwait(false);
            await new LegacyCall(_front, context, session, exchange).AnswerAsync().ConfigureAwait(false);
        }
        finally
        {
            exchange.Release();
        }
    }

    private static byte[] Raw(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) ? System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(value).ToArray() : [];
}
