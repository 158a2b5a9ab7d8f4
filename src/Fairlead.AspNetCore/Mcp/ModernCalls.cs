using System.Buffers;
using System.Runtime.CompilerServices;
using Fairlead.Configuration;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Telemetry;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Forwarded calls of 2026-07-28: sent, answered as JSON or as a stream, and parked while a legacy server waits for the client's input (protocol.md 6.2).</summary>
internal sealed class ModernCalls(McpFront front)
{
    // Servers of 2026-07-28 ask in their results, so it does not matter there who calls.
    private static readonly ModernCaller s_anybody = new(new Caller(null, "{}"u8.ToArray()) { Principal = Caller.LocalPrincipal }, ClientInput.None);

    // Legacy servers that ask several things for one call ask them at once: what comes within this time is asked in one round.
    private static readonly TimeSpan s_questionsTogether = TimeSpan.FromMilliseconds(20);

    /// <summary>Forwards a call and answers it.</summary>
    // Pooled: the box of this method, which holds the envelope, is the largest allocation that a call could cost (bench/run.sh bytes).
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ForwardAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body, Envelope envelope)
    {
        var exchange = Exchange.Rent();
        var isOurs = true;
        try
        {
            exchange.Request = body;
            exchange.RequestEnvelope = envelope;
            exchange.ClientVersion = ProtocolVersion.V20260728;
            exchange.Tasks = front.Tasks;
            exchange.Trace = Tracing.IsOn ? CallFront.BeginTrace(exchange, context, null) : null;
            var fault = await CallFront.RouteAsync(front, exchange, cell, context.RequestAborted).ConfigureAwait(false);
            if (fault != IntakeFault.None)
            {
                exchange.Fail(ForwardError.None, null);
                await JsonRpcReply.BytesAsync(context, 200, CallFront.Refusal(front, exchange, fault, null)).ConfigureAwait(false);
                return;
            }

            if (exchange.Trace is not null)
            {
                CallSpans.NoteRoute(exchange);
            }

            if (exchange.Headers is { } parameters && ParameterHeaders.Refuse(context.Request.Headers, parameters, exchange) is { } refusal)
            {
                exchange.Fail(ForwardError.None, null);
                await JsonRpcReply.ErrorAsync(context, 400, -32020, refusal, envelope.Id.Of(body.Span)).ConfigureAwait(false);
                return;
            }

            var caller = CallerOf(exchange);
            if (envelope.RequestState.Exists && front.Parked.TryAttach(body.Span, envelope, out var parked) is var verdict && verdict != ParkVerdict.Repeat)
            {
                if (parked is not null)
                {
                    exchange.Fail(ForwardError.None, null);
                    await ResumeAsync(context, parked, body, envelope, caller.Input).ConfigureAwait(false);
                    return;
                }

                // A state that is no handle of ours may be the server's own, which only a server of this revision has.
                if (verdict != ParkVerdict.Foreign || !IsModern(exchange))
                {
                    exchange.Fail(ForwardError.None, null);
                    await JsonRpcReply.BytesAsync(context, 200, RefuseState(verdict, envelope.Id.Of(body.Span))).ConfigureAwait(false);
                    return;
                }
            }

            exchange.CarriesMessages = envelope.MetaLogLevel.Exists || !ReferenceEquals(caller, s_anybody);
            exchange.StreamsAnswer = true;
            exchange.GraceDeadline = front.Sweep.Now + front.GraceTicks;
            await front.Dispatcher.SendAsync(exchange, caller.Caller, context.RequestAborted).ConfigureAwait(false);
            isOurs = await AnswerAsync(context, exchange, null, caller.Input).ConfigureAwait(false);
        }
        finally
        {
            if (isOurs)
            {
                exchange.Release();
            }
        }
    }

    // 2026-07-28, basic/utilities/mrtr: only these may be answered by input_required.
    private static bool CanRepeat(McpMethod method) => method is McpMethod.ToolsCall or McpMethod.PromptsGet or McpMethod.ResourcesRead;

    private static bool IsModern(Exchange exchange)
    {
        var snapshot = exchange.Cell!.Current;
        return (snapshot.Shared?.Identity ?? snapshot.Catalog.Identity) is { IsModern: true };
    }

    private static byte[] RefuseState(ParkVerdict verdict, ReadOnlySpan<byte> id) => AnswerTranslation.Compose(
        id,
        -32602,
        verdict == ParkVerdict.AlreadyAnswered
            ? "invalid requestState: this round was already answered. Each requestState is good for one retry."
            : "invalid requestState: it is unknown, has expired, or belongs to another request. Make the request again without it.",
        default);

    private ModernCaller CallerOf(Exchange exchange)
    {
        var snapshot = exchange.Cell!.Current;
        if (snapshot is { Shared.Identity.IsModern: true, Config.Isolation: ServerIsolation.Auto or ServerIsolation.Shared })
        {
            return s_anybody;
        }

        var source = exchange.Request.Span;
        ref readonly var envelope = ref exchange.RequestEnvelope;
        return front.Callers.Of(envelope.MetaClientInfo.Of(source), envelope.MetaClientCapabilities.Of(source));
    }

    /// <summary>The client comes back with the answers of a round: the server gets them, and the call goes on as this request.</summary>
    private async ValueTask ResumeAsync(HttpContext context, ParkedCall parked, ReadOnlyMemory<byte> body, Envelope envelope, ClientInput input)
    {
        var exchange = parked.Exchange;
        var isOurs = true;
        try
        {
            exchange.Request = body;
            exchange.RequestEnvelope = envelope;
            exchange.WantsProgress = envelope.ProgressToken.Exists;
            parked.Resume(front.Sweep.Now, front.GraceTicks);
            parked.Answer(body.Span, envelope.InputResponses);
            isOurs = await AnswerAsync(context, exchange, parked, input).ConfigureAwait(false);
        }
        finally
        {
            if (isOurs)
            {
                front.Parked.Forget(parked);
                exchange.Release();
            }
        }
    }

    /// <summary>JSON when the answer is the first thing and comes within the grace; else SSE (decision 7).</summary>
    /// <returns>Whether the exchange is still the caller's; false when the call has been parked.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> AnswerAsync(HttpContext context, Exchange exchange, ParkedCall? parked, ClientInput input)
    {
        // Closing the stream is how a modern client cancels (protocol.md 2.4).
        var registration = context.RequestAborted.UnsafeRegister(static state => CallFront.Cancel((Exchange)state!), exchange);
        try
        {
            SseResponse? stream = null;
            var isGathered = false;
            var refused = ClientInput.None;
            while (true)
            {
                if (parked?.HasQuestions() != true)
                {
                    var news = exchange.WaitAsync();
                    if (stream is not null && !news.IsCompleted)
                    {
                        var waiting = news.AsTask();
                        await KeepAlive.UntilAsync(waiting, stream.WriteKeepAliveAsync, front.TimeProvider, context.RequestAborted).ConfigureAwait(false);
                        await waiting.ConfigureAwait(false);
                    }
                    else
                    {
                        await news.ConfigureAwait(false);
                    }
                }

                // Looked at first: what came before the end is in the inbox then.
                var isComplete = exchange.IsComplete;
                while (exchange.TryReadMessage(out var message))
                {
                    if (message!.Answer is { } answer)
                    {
                        await PassedAnswer.WriteAsync(front, context, stream, exchange, answer).ConfigureAwait(false);
                    }
                    else if (exchange.IsStreamed)
                    {
                        // Too late: the answer is the last thing that the client reads.
                        message.Question?.Decline();
                    }
                    else if (message.Question is { IsOver: false } question)
                    {
                        parked = TakeQuestion(exchange, parked, message, question, input, ref refused);
                    }
                    else if (message.Question is null && IsWanted(message, exchange))
                    {
                        stream ??= await SseResponse.StartAsync(context, front).ConfigureAwait(false);
                        await stream.WriteNotificationAsync(exchange, message).ConfigureAwait(false);
                    }
                }

                if (isComplete)
                {
                    break;
                }

                if (parked?.HasQuestions() == true)
                {
                    if (!isGathered)
                    {
                        isGathered = true;
                        await Task.Delay(s_questionsTogether, front.TimeProvider).ConfigureAwait(false);
                        continue;
                    }

                    if (await TryParkAsync(context, exchange, parked, stream, registration).ConfigureAwait(false))
                    {
                        return false;
                    }
                }

                if (exchange.TakeGrace() && !exchange.IsStreamed)
                {
                    stream ??= await SseResponse.StartAsync(context, front).ConfigureAwait(false);
                }
            }

            // The server ended the call without waiting for the answers.
            parked?.DeclineAll();
            if (exchange.IsStreamed)
            {
                CallFront.Record(front, exchange);
            }
            else if (TranslatedEnd(exchange, input, refused) is { } translated)
            {
                CallFront.Record(front, exchange);
                await CallFront.WriteAsync(context, stream, translated).ConfigureAwait(false);
            }
            else if (stream is not null)
            {
                await CallFront.WriteLastEventAsync(front, stream, exchange).ConfigureAwait(false);
            }
            else
            {
                await CallFront.WriteJsonAsync(front, context, exchange).ConfigureAwait(false);
            }

            return true;
        }
        catch
        {
            // Only while the call is ours: nothing is thrown once it waits for another request.
            parked?.DeclineAll();
            CallFront.Cancel(exchange);
            throw;
        }
        finally
        {
            registration.Dispose();
        }
    }

    // Progress that comes while a call changes from one request to the next may meet one that gave no token.
    private static bool IsWanted(CallMessage message, Exchange exchange) =>
        (message.Envelope.KnownMethod != McpMethod.NotificationsProgress || exchange.RequestEnvelope.ProgressToken.Exists) && LogLevels.Passes(message, exchange);

    /// <summary>The end of a call that a client of this era gets in other words than the server's; null for almost all.</summary>
    private TranslatedAnswer? TranslatedEnd(Exchange exchange, ClientInput input, ClientInput refused)
    {
        if (UrlRound.IsIn(exchange) && CanRepeat(exchange.RequestEnvelope.KnownMethod))
        {
            return UrlRound.Translate(exchange, input, front.Parked);
        }

        // A call that failed after its question had been refused could not be done without it: that is what -32021 says (2026-07-28, basic/index, capabilities).
        return refused != ClientInput.None && AnswerTranslation.IsFailure(exchange)
            ? AnswerTranslation.MissingCapabilities(exchange, refused, "asked for input that this request did not declare, and could not go on without it; declare it in clientCapabilities")
            : null;
    }

    /// <summary>Notes a question of the server, or answers it for a client that cannot be asked.</summary>
    private ParkedCall? TakeQuestion(Exchange exchange, ParkedCall? parked, CallMessage message, ServerRequest question, ClientInput input, ref ClientInput refused)
    {
        var needed = ClientInputs.NeedOf(question.Method, message.Bytes, message.Envelope.Params);
        var refusal = ClientInputs.Refusal(input, needed);
        if (refusal == 0 && CanRepeat(exchange.RequestEnvelope.KnownMethod))
        {
            parked ??= front.Parked.Begin(exchange);
            parked.Add(message, question);
        }
        else if (refusal == 0 || needed == ClientInput.Roots)
        {
            question.Decline();
        }
        else
        {
            refused |= needed;
            question.Answer("error"u8, ClientInputs.RefusalError(refusal));
        }

        return parked;
    }

    /// <summary>Sends the client away with the questions; the call waits for it.</summary>
    /// <returns>False when the call cannot be held: it ends then, with the reason.</returns>
    private async ValueTask<bool> TryParkAsync(HttpContext context, Exchange exchange, ParkedCall parked, SseResponse? stream, CancellationTokenRegistration registration)
    {
        // The end of this request's connection must not reach the call any more: the client may be back on another one at once.
        await registration.DisposeAsync().ConfigureAwait(false);
        var refusal = ForwardError.ClientCancelled;
        var message = new ArrayBufferWriter<byte>(512);
        if (!context.RequestAborted.IsCancellationRequested && front.Parked.TryPark(parked, handle => Compose(message, exchange, parked, handle), out refusal))
        {
            try
            {
                await CallFront.WriteAsync(context, stream, new TranslatedAnswer(message.WrittenSpan.ToArray(), StatusCodes.Status200OK)).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException)
            {
                // The client has gone. The call is no longer this request's: it waits until it expires.
            }

            return true;
        }

        parked.DeclineAll();
        exchange.Connection!.Cancel(exchange, refusal);
        return false;
    }

    private static void Compose(ArrayBufferWriter<byte> message, Exchange exchange, ParkedCall parked, byte[] handle)
    {
        message.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        message.Write(exchange.RequestEnvelope.Id.Of(exchange.Request.Span));
        message.Write(",\"result\":"u8);
        parked.WriteResult(message, handle);
        message.Write("}"u8);
    }
}
