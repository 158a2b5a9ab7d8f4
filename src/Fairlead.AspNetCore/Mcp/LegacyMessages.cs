using System.Text.Json;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Telemetry;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Messages of the revisions 2024-11-05 to 2025-11-25, whatever transport brought them: the handshake, then requests, notifications and answers of a session.</summary>
internal sealed class LegacyMessages
{
    private readonly McpFront _front;

    /// <summary>Handles messages for <paramref name="front"/>.</summary>
    public LegacyMessages(McpFront front) => _front = front;

    /// <summary>Opens a session.</summary>
    /// <param name="reply">Where the answer goes.</param>
    /// <param name="cell">The endpoint; null for the aggregate.</param>
    /// <param name="body">The request.</param>
    /// <param name="envelope">Its scan.</param>
    /// <param name="opened">Told of the session before the answer is written.</param>
    public async Task InitializeAsync(LegacyReply reply, NamedEndpoint? cell, ReadOnlyMemory<byte> body, Envelope envelope, Action<LegacySession> opened)
    {
        var request = OwnRequest.Now(envelope, _front.TimeProvider);
        var id = envelope.Id.Of(body.Span).ToArray();
        if (!envelope.Params.Exists || body.Span[envelope.Params.Start] != (byte)'{')
        {
            await reply.ErrorAsync(400, -32602, "initialize needs params with protocolVersion, capabilities and clientInfo.", id).ConfigureAwait(false);
            return;
        }

        await _front.ListsReadyAsync(cell, reply.Gone).ConfigureAwait(false);
        using var document = JsonDocument.Parse(body.Slice(envelope.Params.Start, envelope.Params.Length));
        var parameters = document.RootElement;
        var version = ProtocolVersions.Negotiate(Raw(parameters, "protocolVersion"));
        var capabilities = Raw(parameters, "capabilities");
        var session = _front.Sessions.Open(cell?.Name, version, capabilities.Length != 0 && capabilities[0] == (byte)'{' ? capabilities : "{}"u8.ToArray(), Raw(parameters, "clientInfo"));
        if (session is null)
        {
            await reply.ErrorAsync(
                503, -32603, $"{_front.Options.Limits.SessionsMax} sessions are open; end some or raise sessionsMax.", id).ConfigureAwait(false);
            return;
        }

        opened(session);
        _front.RecordOwn(request, body.Span, 0, reply, session);
        await reply.ResultAsync(id, FrontIdentity.InitializeResult(_front.OfferedAt(cell), version)).ConfigureAwait(false);
    }

    /// <summary>Handles any other message of a session.</summary>
    public ValueTask HandleAsync(LegacyReply reply, NamedEndpoint? cell, LegacySession session, ReadOnlyMemory<byte> body, in Envelope envelope)
    {
        session.Touch();
        switch (envelope.Kind)
        {
            case MessageKind.Result or MessageKind.Error:
                ReceiveAnswer(session, body.Span, envelope);
                return reply.AcceptAsync();
            case MessageKind.Notification:
                LegacyNotifications.Receive(_front, session, body.Span, envelope);
                return reply.AcceptAsync();
            default:
                return RequestAsync(reply, cell, session, body, envelope);
        }
    }

    private void ReceiveAnswer(LegacySession session, ReadOnlySpan<byte> body, in Envelope envelope)
    {
        if (RequestIds.TryParse(envelope.Id.Of(body), out var id) && session.Questions.TryTake(id, out var question))
        {
            var isResult = envelope.Kind == MessageKind.Result;
            question.Answer(isResult, _front.Tasks.AnswerForServer(question, (isResult ? envelope.Result : envelope.Error).Of(body)));
        }
    }

    private ValueTask RequestAsync(LegacyReply reply, NamedEndpoint? cell, LegacySession session, ReadOnlyMemory<byte> body, in Envelope envelope)
    {
        var id = envelope.Id.Of(body.Span);
        switch (envelope.KnownMethod)
        {
            case McpMethod.Ping:
                _front.RecordOwn(OwnRequest.Now(envelope, _front.TimeProvider), body.Span, 0, reply, session);
                return reply.ResultAsync(id, LegacyReply.NoResult);
            case McpMethod.ToolsList:
                return new ValueTask(ListAsync(reply, cell, session, ListKind.Tools, body, OwnRequest.Now(envelope, _front.TimeProvider), envelope.Cursor));
            case McpMethod.PromptsList:
                return new ValueTask(ListAsync(reply, cell, session, ListKind.Prompts, body, OwnRequest.Now(envelope, _front.TimeProvider), envelope.Cursor));
            case McpMethod.ResourcesList:
                return new ValueTask(ListAsync(reply, cell, session, ListKind.Resources, body, OwnRequest.Now(envelope, _front.TimeProvider), envelope.Cursor));
            case McpMethod.ResourcesTemplatesList:
                return new ValueTask(ListAsync(reply, cell, session, ListKind.ResourceTemplates, body, OwnRequest.Now(envelope, _front.TimeProvider), envelope.Cursor));
            case McpMethod.LoggingSetLevel:
                return new ValueTask(LegacyRequests.SetLevelAsync(_front, reply, cell, session, body, envelope));
            case McpMethod.ResourcesSubscribe or McpMethod.ResourcesUnsubscribe:
                return new ValueTask(LegacyRequests.SubscribeAsync(_front, reply, cell, session, body, envelope));
            case McpMethod.ToolsCall or McpMethod.PromptsGet or McpMethod.ResourcesRead or McpMethod.CompletionComplete:
                return new ValueTask(ForwardAsync(reply, cell, session, body, envelope));
            case McpMethod.TasksGet or McpMethod.TasksResult or McpMethod.TasksCancel when TaskRequests.AreOffered(_front, cell, envelope.KnownMethod, session.Version):
                return new ValueTask(ForwardAsync(reply, cell, session, body, envelope));
            case McpMethod.TasksList when TaskRequests.AreOffered(_front, cell, McpMethod.TasksList, session.Version):
                return new ValueTask(TaskRequests.ListAsync(_front, reply, cell, session, body, envelope));
            default:
                return reply.ErrorAsync(200, -32601, $"Method not found: {JsonText.ToString(envelope.Method.Of(body.Span))}", id);
        }
    }

    private async Task ListAsync(LegacyReply reply, NamedEndpoint? cell, LegacySession session, ListKind kind, ReadOnlyMemory<byte> body, OwnRequest request, ByteRange cursor)
    {
        await _front.ListsReadyAsync(cell, reply.Gone).ConfigureAwait(false);
        var token = request.Id.Of(body.Span);
        var isKnown = _front.TryGetPage(cell, session.Caller, kind, session.Version, cursor.Of(body.Span), out var page);
        _front.RecordOwn(request, body.Span, isKnown ? 0 : -32602, reply, session);
        var writing = isKnown
            ? reply.ResultAsync(token, page)
            : reply.ErrorAsync(200, -32602, ListReply.CursorUnknown, token);
        await writing.ConfigureAwait(false);
    }

    private async Task ForwardAsync(LegacyReply reply, NamedEndpoint? cell, LegacySession session, ReadOnlyMemory<byte> body, Envelope envelope)
    {
        var exchange = Exchange.Rent();
        var isOurs = true;
        try
        {
            exchange.Request = body;
            exchange.RequestEnvelope = envelope;
            exchange.ClientVersion = session.Version;
            exchange.CarriesMessages = reply.CarriesMessages;
            exchange.StreamsAnswer = reply.PassesAnswers;
            exchange.Client = session.Client(exchange.CarriesMessages);
            exchange.Tasks = _front.Tasks;
            exchange.Trace = Tracing.IsOn ? CallFront.BeginTrace(exchange, reply.Request, session.Id) : null;
            var fault = await CallFront.RouteAsync(_front, exchange, cell, reply.Gone).ConfigureAwait(false);
            if (fault != IntakeFault.None)
            {
                exchange.Fail(ForwardError.None, null);
                await reply.MessageAsync(200, CallFront.Refusal(_front, exchange, fault, session)).ConfigureAwait(false);
                return;
            }

            if (exchange.Trace is not null)
            {
                CallSpans.NoteRoute(exchange);
            }

            exchange.GraceDeadline = _front.Sweep.Now + _front.GraceTicks;
            await SendAsync(reply, session, exchange).ConfigureAwait(false);
            isOurs = false;
            await new LegacyCall(_front, session, exchange, reply).AnswerAsync().ConfigureAwait(false);
        }
        finally
        {
            if (isOurs)
            {
                exchange.Release();
            }
        }
    }

    /// <summary>Sends a call; where it may have to wait first (for its server, or for its turn), a cancellation by the client ends the wait.</summary>
    private ValueTask SendAsync(LegacyReply reply, LegacySession session, Exchange exchange)
    {
        var snapshot = exchange.Cell!.Current;
        return snapshot.IsCallable && snapshot.Config.Interactive != InteractiveMode.Serial
            ? _front.Dispatcher.SendAsync(exchange, session.Caller, reply.Gone)
            : SendCancellablyAsync(reply, session, exchange);
    }

    private async ValueTask SendCancellablyAsync(LegacyReply reply, LegacySession session, Exchange exchange)
    {
        // Going away is no cancellation where the answer can be fetched later (2025-11-25, basic/transports).
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(reply.IsLostWhenGone ? reply.Gone : CancellationToken.None);
        var id = exchange.RequestEnvelope.Id.Of(exchange.Request.Span).ToArray();
        session.BeginRounds(id, cancellation);
        try
        {
            await _front.Dispatcher.SendAsync(exchange, session.Caller, cancellation.Token).ConfigureAwait(false);
        }
        finally
        {
            session.EndRounds(id, cancellation);
        }

        // One that came after the wait and before the call was open found neither.
        if (cancellation.IsCancellationRequested)
        {
            CallFront.Cancel(exchange);
        }
    }

    private static byte[] Raw(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) ? System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(value).ToArray() : [];
}
