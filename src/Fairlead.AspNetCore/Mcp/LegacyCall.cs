using Fairlead.Exchanges;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Answers one forwarded call of a legacy session: JSON, or a stream with progress, log lines and questions that outlives a dropped connection.</summary>
/// <remarks>A disconnect is no cancellation in these revisions: the call goes on and its events are kept for a GET with Last-Event-ID (protocol.md 2.3).</remarks>
internal sealed class LegacyCall
{
    private readonly McpFront _front;
    private readonly HttpContext _context;
    private readonly LegacySession _session;
    private readonly Exchange _exchange;
    private readonly List<long> _asked = [];
    private SseResponse? _response;
    private SessionStream? _stream;
    private int _ticket;

    /// <summary>For one exchange that has been sent.</summary>
    public LegacyCall(McpFront front, HttpContext context, LegacySession session, Exchange exchange)
    {
        _front = front;
        _context = context;
        _session = session;
        _exchange = exchange;
    }

    /// <summary>Runs until the call has ended.</summary>
    public async Task AnswerAsync()
    {
        try
        {
            while (true)
            {
                await _exchange.WaitAsync().ConfigureAwait(false);
                while (_exchange.TryReadMessage(out var message))
                {
                    await PassOnAsync(message!).ConfigureAwait(false);
                }

                if (_exchange.IsComplete)
                {
                    break;
                }

                if (_exchange.TakeGrace())
                {
                    await StartStreamAsync().ConfigureAwait(false);
                }
            }

            await EndAsync().ConfigureAwait(false);
        }
        finally
        {
            // The server's call is over: whatever the client has not answered will not be waited for.
            foreach (var id in _asked)
            {
                if (_session.TryTakeQuestion(id, out var question))
                {
                    QuestionRouter.Decline(question!.AskedBy, question.UpstreamId, question.Method);
                }
            }

            _stream?.End();
            if (_response is not null)
            {
                _session.CloseStream();
            }
        }
    }

    private async ValueTask PassOnAsync(CallMessage message)
    {
        if (message.AskedBy is null)
        {
            if (message.Envelope.KnownMethod != McpMethod.NotificationsMessage || LogLevels.AtLeast(message, _session.LogLevel))
            {
                await SendAsync(NotificationBytes(message)).ConfigureAwait(false);
            }

            return;
        }

        if (!_session.CanAnswer(message.Envelope.KnownMethod))
        {
            if (message.Envelope.KnownMethod == McpMethod.RootsList)
            {
                QuestionRouter.Decline(message.AskedBy, message.Envelope.Id.Of(message.Bytes), McpMethod.RootsList);
                return;
            }

            message.AskedBy.AnswerQuestion(
                message.Envelope.Id.Of(message.Bytes), "error"u8, "{\"code\":-32601,\"message\":\"The client did not declare the capability for this.\"}"u8);
            return;
        }

        var (id, question) = _session.Ask(message);
        _asked.Add(id);
        await SendAsync(question).ConfigureAwait(false);
    }

    private async ValueTask SendAsync(byte[] message)
    {
        await StartStreamAsync().ConfigureAwait(false);
        var added = _stream!.Append(message);
        if (_stream.IsReader(_ticket) && _response!.IsOpen)
        {
            await _response.WriteAsync(added.Message, added.Id).ConfigureAwait(false);
        }
    }

    private async ValueTask StartStreamAsync()
    {
        if (_stream is not null)
        {
            return;
        }

        _stream = _session.Log.Open();
        _ticket = _stream.TakeOver();
        _session.TryOpenStream(int.MaxValue);
        _response = await StartResponseAsync().ConfigureAwait(false);

        // Clients older than 2025-11-25 try to parse the empty priming event (protocol.md 2.3).
        if (_session.Version >= ProtocolVersion.V20251125)
        {
            var priming = _stream.Append([]);
            await _response.WritePrimingAsync(priming.Id).ConfigureAwait(false);
        }
    }

    private Task<SseResponse> StartResponseAsync() => SseResponse.StartAsync(_context, _front);

    private async ValueTask EndAsync()
    {
        if (_stream is null)
        {
            await CallFront.WriteJsonAsync(_front, _context, _exchange).ConfigureAwait(false);
            return;
        }

        if (_exchange.Error == ForwardError.ClientCancelled)
        {
            CallFront.Record(_exchange);
            return;
        }

        var answer = _exchange.Error == ForwardError.None ? AnswerBytes() : AnswerTranslation.Failure(_exchange);
        if (answer.Length <= SessionEventLog.AnswerBytesMax)
        {
            await SendAsync(answer).ConfigureAwait(false);
        }
        else if (_stream.IsReader(_ticket) && _response!.IsOpen)
        {
            // Too long to keep: whoever resumes learns that it is lost, whoever is there gets it.
            await _response.WriteAsync(answer).ConfigureAwait(false);
        }
        else
        {
            await SendAsync(AnswerTranslation.Compose(
                _exchange.RequestEnvelope.Id.Of(_exchange.Request.Span), -32603,
                $"The answer ({answer.Length} bytes) came while the client was away and is too long to keep; call again.", default)).ConfigureAwait(false);
        }

        CallFront.Record(_exchange);
    }

    private byte[] NotificationBytes(CallMessage message)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(message.Bytes.Length + 64);
        AnswerSplicer.WriteNotification(_exchange, message, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private byte[] AnswerBytes()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(_exchange.Answer.Length + 64);
        AnswerSplicer.Write(_exchange, buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
