using System.Buffers;
using Fairlead.Catalog;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Telemetry;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>What forwarded calls of both eras have in common at the front.</summary>
internal static class CallFront
{
    /// <summary>Begins the trace of a call. Only while somebody listens.</summary>
    /// <param name="exchange">Its request is known.</param>
    /// <param name="context">The HTTP request that brought it; null when many share one.</param>
    /// <param name="session">The id of its legacy session; null for none.</param>
    public static CallTrace? BeginTrace(Exchange exchange, HttpContext? context, string? session) =>
        CallSpans.Begin(exchange, context?.Request.Headers.TraceParent.ToString(), context?.Request.Headers.TraceState.ToString(), session);

    /// <summary>Finds the server of a call. While the lists of a starting server are unknown it waits for them, as calls wait for servers (decision 12).</summary>
    public static ValueTask<IntakeFault> RouteAsync(McpFront front, Exchange exchange, NamedEndpoint? cell, CancellationToken cancellationToken)
    {
        if (exchange.RequestEnvelope.KnownMethod.IsTasks())
        {
            return new ValueTask<IntakeFault>(front.Tasks.Route(exchange, cell));
        }

        var fault = CallIntake.Route(exchange, front.OfferedAt(cell));
        var mayBecomeKnown = fault == IntakeFault.Unknown
            && (cell is ServerCell server ? server.Current.IsWorthWaiting : !front.Fleet.FirstListWait.IsCompleted || StartingServerOf(front, exchange, cell) is not null);
        return mayBecomeKnown ? RouteLaterAsync(front, exchange, cell, cancellationToken) : new ValueTask<IntakeFault>(fault);
    }

    /// <summary>The error answer to a call that has no server; it goes out with status 200.</summary>
    public static byte[] Refusal(McpFront front, Exchange exchange, IntakeFault fault, LegacySession? session)
    {
        if (front.Audit is { RecordsCalls: true } audit)
        {
            CallAudit.AddUnknown(audit, exchange, session);
        }

        if (exchange.Trace is not null)
        {
            CallSpans.Refuse(exchange, -32602);
        }

        var body = exchange.Request.Span;
        ref readonly var envelope = ref exchange.RequestEnvelope;
        var id = envelope.Id.Of(body);
        var place = RequestSplicer.NamePlace(body, envelope);
        if (fault == IntakeFault.NameMissing)
        {
            return AnswerTranslation.Compose(id, -32602, "The request lacks the name, uri or taskId that it is about.", default);
        }

        var name = JsonText.ToString(place.Of(body));
        if (envelope.KnownMethod is McpMethod.ResourcesRead)
        {
            // 2026-07-28 tells a missing resource by -32602 with data.uri; before it was -32002.
            byte[] data = [.. "{\"uri\":"u8, .. place.Of(body), .. "}"u8];
            return AnswerTranslation.Compose(id, exchange.ClientVersion.IsModern() ? -32602 : -32002, $"Resource not found: {name}", data);
        }

        if (envelope.KnownMethod.IsTasks())
        {
            return AnswerTranslation.Compose(id, -32602, $"Unknown task: {name}. It is none of this endpoint's, or belongs to somebody else.", default);
        }

        var kind = envelope.KnownMethod switch
        {
            McpMethod.ToolsCall => "tool",
            McpMethod.PromptsGet => "prompt",
            _ => "reference",
        };
        return AnswerTranslation.Compose(
            id, -32602, $"Unknown {kind}: {name}. The lists of this endpoint name what can be used.", envelope.KnownMethod == McpMethod.ToolsCall ? "{\"error\":\"ToolNotFound\"}"u8 : default);
    }

    /// <summary>Cancels a call whose client is gone.</summary>
    public static void Cancel(Exchange exchange) => exchange.Connection?.Cancel(exchange);

    /// <summary>Writes the end of a call as one JSON answer.</summary>
    public static ValueTask WriteJsonAsync(McpFront front, HttpContext context, Exchange exchange)
    {
        if (exchange.Error == ForwardError.None && exchange.Answer.Length > StalledClient.FreeBytes)
        {
            return WriteLargeJsonAsync(front, context, exchange);
        }

        var response = context.Response;
        response.ContentType = "application/json";
        if (exchange.Error != ForwardError.None)
        {
            if (exchange.Error == ForwardError.ClientCancelled)
            {
                Record(front, exchange);
                context.Abort();
                return default;
            }

            var failure = AnswerTranslation.Failure(exchange);
            response.ContentLength = failure.Length;
            response.StatusCode = StatusCodes.Status200OK;
            response.BodyWriter.Write(failure);
        }
        else
        {
            // Written into the response's own buffer; the headers go out with it, so status and length may still be set.
            var (bytes, status) = AnswerSplicer.Write(exchange, response.BodyWriter);
            response.StatusCode = status;
            response.ContentLength = bytes;
        }

        Record(front, exchange);
        return default;
    }

    /// <summary>Writes a ready-made answer: as the last event of the stream, or as JSON when there is none.</summary>
    public static async Task WriteAsync(HttpContext context, SseResponse? stream, TranslatedAnswer answer)
    {
        if (stream is not null)
        {
            await stream.WriteAsync(answer.Body).ConfigureAwait(false);
        }
        else
        {
            await JsonRpcReply.BytesAsync(context, answer.Status, answer.Body).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the end of a call as the last event of its stream. It is recorded before: who has the answer finds the call in the counts.</summary>
    public static async Task WriteLastEventAsync(McpFront front, SseResponse stream, Exchange exchange)
    {
        Record(front, exchange);
        if (exchange.Error == ForwardError.None)
        {
            await stream.WriteAnswerAsync(exchange).ConfigureAwait(false);
        }
        else if (exchange.Error != ForwardError.ClientCancelled)
        {
            await stream.WriteAsync(AnswerTranslation.Failure(exchange)).ConfigureAwait(false);
        }
    }

    /// <summary>Step 9: one record per call in the counters of its server, and of the front.</summary>
    public static void Record(McpFront front, Exchange exchange)
    {
        if (exchange.Cell is not { } cell)
        {
            return;
        }

        if (exchange.Trace is not null)
        {
            CallSpans.End(exchange);
        }

        var method = exchange.RequestEnvelope.KnownMethod;
        var status = CallStatus.Of(exchange.Error, exchange.AnswerEnvelope.Kind == MessageKind.Error);
        if (exchange.Connection is not { } connection)
        {
            cell.Counters.RecordUnsent(method, status);
            front.Operations.RecordUnsent(method, status);
            if (front.Audit is { RecordsCalls: true } refusals)
            {
                CallAudit.Add(refusals, exchange, cell, 0);
            }

            if (cell.Events.WantsCalls)
            {
                CallEvent.Tell(exchange, cell, 0);
            }

            return;
        }

        var clock = connection.Sweeper.TimeProvider;
        var now = clock.GetTimestamp();
        var ofServer = cell.Counters.Record(method, status, exchange.OpenedAt, now);
        var ofFront = front.Operations.Record(method, status, exchange.OpenedAt, now);
        if (OperationInstruments.AreOn)
        {
            var elapsed = clock.GetElapsedTime(exchange.OpenedAt, now);
            OperationInstruments.RecordClient(elapsed, method, status, cell.Name, ServerFamilies.TransportOf(cell.Current.Config));
            OperationInstruments.RecordServer(elapsed, method, status);
        }

        if (exchange.Trace is { Front: var span })
        {
            var exemplar = new CallExemplar(clock.GetElapsedTime(exchange.OpenedAt, now).Ticks, span.TraceId.ToHexString(), clock.GetUtcNow());
            ofServer.Keep(exemplar);
            ofFront.Keep(exemplar);
        }

        if (front.Audit is { RecordsCalls: true } audit)
        {
            CallAudit.Add(audit, exchange, cell, (long)clock.GetElapsedTime(exchange.OpenedAt, now).TotalMicroseconds);
        }

        if (cell.Events.WantsCalls)
        {
            CallEvent.Tell(exchange, cell, (long)clock.GetElapsedTime(exchange.OpenedAt, now).TotalMicroseconds);
        }
    }

    private static async ValueTask WriteLargeJsonAsync(McpFront front, HttpContext context, Exchange exchange)
    {
        Record(front, exchange);
        var frame = OutboundFrame.Rent(exchange.Answer.Length + 1024);
        try
        {
            var (bytes, status) = AnswerSplicer.Write(exchange, frame);
            context.Response.ContentType = "application/json";
            context.Response.StatusCode = status;
            context.Response.ContentLength = bytes;
            await StalledClient.WriteAsync(context, front, frame.Memory).ConfigureAwait(false);
        }
        finally
        {
            frame.Return();
        }
    }

    /// <summary>The server that a name of the aggregate seems to mean, while it starts for the first time and nothing is known of its lists.</summary>
    private static ServerCell? StartingServerOf(McpFront front, Exchange exchange, NamedEndpoint? endpoint)
    {
        var place = RequestSplicer.NamePlace(exchange.Request.Span, exchange.RequestEnvelope);
        return NameTable.LikelyServer(JsonText.ToString(place.Of(exchange.Request.Span)) ?? "") is { } name && front.Fleet.TryGet(name, out var cell)
            && endpoint?.Serves(cell) != false && cell.Current is { IsWorthWaiting: true, Catalog.IsUnknown: true } ? cell : null;
    }

    private static async ValueTask<IntakeFault> RouteLaterAsync(McpFront front, Exchange exchange, NamedEndpoint? cell, CancellationToken cancellationToken)
    {
        if (cell is not ServerCell server)
        {
            await front.Fleet.FirstListWait.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (StartingServerOf(front, exchange, cell) is { } starting)
            {
                // A server that takes longer than lists wait: the call waits for it all the same.
                await RouteLaterAsync(front, exchange, starting, cancellationToken).ConfigureAwait(false);
            }

            return CallIntake.Route(exchange, front.OfferedAt(cell));
        }

        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(server.Current.Config.TimeoutMs), front.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await server.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // The look below says unknown, or the dispatcher says what state the server is in.
        }

        return CallIntake.Route(exchange, front.OfferedAt(cell));
    }
}
