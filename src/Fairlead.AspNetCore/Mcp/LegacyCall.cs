using Fairlead.Exchanges;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Carries one forwarded call of a legacy session to its end: progress, log lines and questions on the way, further rounds where a modern server wants them, then the answer.</summary>
/// <param name="front">What all endpoints share.</param>
/// <param name="session">Whose call.</param>
/// <param name="exchange">Sent already; owned from here on.</param>
/// <param name="reply">Where everything goes.</param>
internal sealed class LegacyCall(McpFront front, LegacySession session, Exchange exchange, LegacyReply reply)
{
    private Exchange _exchange = exchange;
    private List<long>? _asked;

    /// <summary>Runs until the call has ended.</summary>
    public async Task AnswerAsync()
    {
        try
        {
            await RelayAsync().ConfigureAwait(false);
            if (!InputRequired.IsIn(_exchange) || await RunRoundsAsync().ConfigureAwait(false))
            {
                await reply.AnswerAsync(_exchange).ConfigureAwait(false);
            }
        }
        finally
        {
            DeclineAsked();
            session.Questions.DeclineLeft();
            reply.End();
            _exchange.Release();
        }
    }

    /// <summary>Passes on what comes before the answer of the exchange; returns when it is complete.</summary>
    private async Task RelayAsync()
    {
        using var registration = reply.IsLostWhenGone
            ? reply.Gone.UnsafeRegister(static state => CallFront.Cancel((Exchange)state!), _exchange)
            : default;
        try
        {
            while (true)
            {
                var news = _exchange.WaitAsync();
                if (!news.IsCompleted && reply.NeedsKeepAlive)
                {
                    await HoldAsync(news.AsTask()).ConfigureAwait(false);
                }
                else
                {
                    await news.ConfigureAwait(false);
                }

                var isComplete = _exchange.IsComplete;
                while (_exchange.TryReadMessage(out var message))
                {
                    await PassOnAsync(message!).ConfigureAwait(false);
                }

                if (isComplete)
                {
                    await WithdrawAskedAsync().ConfigureAwait(false);
                    return;
                }

                if (_exchange.TakeGrace() && !_exchange.IsStreamed)
                {
                    await reply.StartAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            DeclineAsked();
        }
    }

    /// <summary>The shim (protocol.md 6.2): asks the client what a modern server wants to know and calls the server again, as often as it asks.</summary>
    /// <returns>Whether the client wants the answer of the exchange that is current then.</returns>
    private async Task<bool> RunRoundsAsync()
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(reply.IsLostWhenGone ? reply.Gone : CancellationToken.None);
        var first = _exchange.RequestEnvelope.Id.Of(_exchange.Request.Span).ToArray();
        session.BeginRounds(first, cancellation);
        try
        {
            var rounds = new ShimRounds(session, front.Options.Limits, front.TimeProvider);
            while (InputRequired.IsIn(_exchange))
            {
                if (!_exchange.CarriesMessages)
                {
                    _exchange.InputFault = "the client accepts JSON answers only, and questions come on an event stream: send Accept: application/json, text/event-stream";
                    return true;
                }

                switch (await rounds.NextAsync(_exchange, reply.SendAsync, HoldAsync, cancellation.Token).ConfigureAwait(false))
                {
                    case ShimOutcome.Failed:
                        return true;
                    case ShimOutcome.Cancelled:
                        return false;
                    default:
                        await SendAgainAsync(rounds.Members).ConfigureAwait(false);
                        break;
                }

                // A cancellation that came while nothing was open: the round that follows it is given up at once.
                if (cancellation.IsCancellationRequested)
                {
                    CallFront.Cancel(_exchange);
                }

                await RelayAsync().ConfigureAwait(false);
            }

            return true;
        }
        finally
        {
            session.EndRounds(first, cancellation);
        }
    }

    /// <summary>Waits, and keeps the client's stream alive meanwhile.</summary>
    private async Task HoldAsync(Task news)
    {
        if (reply.NeedsKeepAlive)
        {
            await KeepAlive.UntilAsync(news, reply.KeepAliveAsync, front.TimeProvider, CancellationToken.None).ConfigureAwait(false);
        }

        await news.ConfigureAwait(false);
    }

    /// <summary>The same request with a new id and what the round brought.</summary>
    private async Task SendAgainAsync(byte[] roundMembers)
    {
        var last = _exchange;
        var next = Exchange.Rent();
        next.Request = last.Request;
        next.RequestEnvelope = last.RequestEnvelope;
        next.ClientVersion = last.ClientVersion;
        next.Client = last.Client;
        next.CarriesMessages = last.CarriesMessages;
        next.StreamsAnswer = last.StreamsAnswer;
        next.Cell = last.Cell;
        next.Route = last.Route;
        next.UpstreamName = last.UpstreamName;
        next.Headers = last.Headers;
        next.RoundMembers = roundMembers;
        next.GraceDeadline = front.Sweep.Now + front.GraceTicks;
        next.Trace = last.Trace;
        last.Trace = null;
        _exchange = next;
        last.Release();
        await front.Dispatcher.SendAsync(next, session.Caller, reply.Gone).ConfigureAwait(false);
    }

    private ValueTask PassOnAsync(CallMessage message)
    {
        if (message.Answer is { } answer)
        {
            return reply.PassAsync(_exchange, answer);
        }

        if (_exchange.IsStreamed)
        {
            // Too late: the answer is the last thing that the client reads.
            message.Question?.Decline();
            return default;
        }

        if (message.Question is not { } request)
        {
            return message.Envelope.KnownMethod != McpMethod.NotificationsMessage || LogLevels.AtLeast(message, session.LogLevel)
                ? reply.SendAsync(NotificationBytes(message))
                : default;
        }

        if (request.IsOver)
        {
            return default;
        }

        var refusal = ClientInputs.Refusal(session.Input, ClientInputs.NeedOf(message.Envelope.KnownMethod, message.Bytes, message.Envelope.Params));
        if (refusal == 0)
        {
            var (id, question) = session.Questions.Ask(message, _exchange);
            (_asked ??= []).Add(id);
            return reply.SendAsync(question);
        }

        if (message.Envelope.KnownMethod == McpMethod.RootsList)
        {
            request.Decline();
        }
        else
        {
            request.Answer("error"u8, ClientInputs.RefusalError(refusal));
        }

        return default;
    }

    /// <summary>The server's call is over: what the client has not answered is not waited for, unless another call of the client may have asked it. The client is told.</summary>
    private async ValueTask WithdrawAskedAsync()
    {
        if (_asked is not { } asked)
        {
            return;
        }

        foreach (var id in asked)
        {
            if (!session.Questions.TryLeave(id) && session.Questions.Decline(id) && !_exchange.IsStreamed)
            {
                await reply.SendAsync(SessionQuestions.Withdrawal(id)).ConfigureAwait(false);
            }
        }

        _asked = null;
    }

    private void DeclineAsked()
    {
        _asked?.ForEach(id => session.Questions.Decline(id));
        _asked = null;
    }

    private byte[] NotificationBytes(CallMessage message)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(message.Bytes.Length + 64);
        AnswerSplicer.WriteNotification(_exchange, message, buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
