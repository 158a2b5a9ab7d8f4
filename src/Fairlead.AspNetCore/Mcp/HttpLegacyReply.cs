using Fairlead.Exchanges;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>The response of a POST of a legacy session: JSON, or a stream with progress, log lines and questions that outlives a dropped connection.</summary>
/// <param name="front">What all endpoints share.</param>
/// <param name="context">The POST.</param>
/// <param name="session">Whose; null while it is being opened: then the answer is a whole message.</param>
/// <remarks>A disconnect is no cancellation in these revisions: the call goes on and its events are kept for a GET with Last-Event-ID (protocol.md 2.3).</remarks>
internal sealed class HttpLegacyReply(McpFront front, HttpContext context, LegacySession? session) : LegacyReply
{
    private SseResponse? _response;
    private SessionStream? _stream;
    private int _ticket;
    private bool _isLost;

    /// <inheritdoc/>
    public override HttpContext Request => context;

    /// <inheritdoc/>
    public override CancellationToken Gone => context.RequestAborted;

    /// <inheritdoc/>
    /// <remarks>These revisions require clients to accept both; some send one type only (protocol.md 10.37).</remarks>
    public override bool CarriesMessages { get; } = Accepts(context.Request.Headers.Accept.ToString());

    /// <inheritdoc/>
    public override bool NeedsKeepAlive => _stream is not null && _stream.IsReader(_ticket) && _response!.IsOpen;

    /// <summary>Whether the response is a stream already.</summary>
    public bool IsStream => _stream is not null;

    /// <inheritdoc/>
    public override ValueTask AcceptAsync()
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        return default;
    }

    /// <inheritdoc/>
    public override ValueTask MessageAsync(int status, byte[] message)
    {
        if (_stream is not null)
        {
            return SendAsync(message);
        }

        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = "60";
        }

        return new ValueTask(JsonRpcReply.BytesAsync(context, status, message));
    }

    /// <inheritdoc/>
    public override ValueTask ResultAsync(ReadOnlySpan<byte> id, ReadOnlyMemory<byte> result) => new(JsonRpcReply.ResultAsync(front, context, id, result));

    /// <inheritdoc/>
    public override async ValueTask SendAsync(byte[] message)
    {
        await StartAsync().ConfigureAwait(false);
        if (_stream is null)
        {
            // Progress and log lines have nowhere to go in a JSON answer; questions are not passed on where they cannot be carried.
            return;
        }

        var added = _stream.Append(message);
        if (_stream.IsReader(_ticket) && _response!.IsOpen)
        {
            await _response.WriteAsync(added.Message, added.Id).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> KeepAliveAsync()
    {
        // A client that is gone may come back for the rest: the call goes on without a stream to keep alive.
        return NeedsKeepAlive && await _response!.WriteKeepAliveAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask StartAsync()
    {
        if (_stream is not null || !CarriesMessages)
        {
            return;
        }

        _stream = session!.Log.Open();
        _ticket = _stream.TakeOver();
        session.TryOpenStream(int.MaxValue);
        _response = await SseResponse.StartAsync(context, front).ConfigureAwait(false);

        // Clients older than 2025-11-25 try to parse the empty priming event (protocol.md 2.3).
        if (session.Version >= ProtocolVersion.V20251125)
        {
            var priming = _stream.Append([]);
            await _response.WritePrimingAsync(priming.Id).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override bool PassesAnswers => true;

    /// <inheritdoc/>
    public override async ValueTask PassAsync(Exchange exchange, AnswerStream answer)
    {
        if (_stream is null || (_stream.IsReader(_ticket) && _response!.IsOpen))
        {
            _isLost = !await PassedAnswer.WriteAsync(front, context, _response, exchange, answer).ConfigureAwait(false);
            return;
        }

        // Its client is away, and the answer is too long to keep for it.
        _isLost = true;
        CallFront.Cancel(exchange);
        answer.Close(ForwardError.ClientCancelled, null);
    }

    /// <inheritdoc/>
    public override async ValueTask AnswerAsync(Exchange exchange)
    {
        if (exchange.IsStreamed)
        {
            if (_isLost && _stream is not null)
            {
                // Whoever comes back for the rest learns what became of it.
                _stream.Append(exchange.Error is ForwardError.ClientCancelled or ForwardError.None ? TooLongToKeep(exchange, "") : AnswerTranslation.Failure(exchange));
            }

            CallFront.Record(front, exchange);
            return;
        }

        if (_stream is null)
        {
            await CallFront.WriteJsonAsync(front, context, exchange).ConfigureAwait(false);
            return;
        }

        CallFront.Record(front, exchange);
        if (Compose(exchange) is { } answer)
        {
            await LastAsync(answer, exchange).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override void End()
    {
        _stream?.End();
        if (_response is not null)
        {
            session!.CloseStream();
        }
    }

    private static bool Accepts(string accept) => accept.Length == 0 || accept.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase)
        || accept.Contains("*/*", StringComparison.Ordinal) || !accept.Contains("json", StringComparison.OrdinalIgnoreCase);

    private async ValueTask LastAsync(byte[] answer, Exchange exchange)
    {
        if (answer.Length <= SessionEventLog.AnswerBytesMax)
        {
            await SendAsync(answer).ConfigureAwait(false);
        }
        else if (_stream!.IsReader(_ticket) && _response!.IsOpen)
        {
            // Too long to keep: whoever resumes learns that it is lost, whoever is there gets it.
            await _response.WriteAsync(answer).ConfigureAwait(false);
        }
        else
        {
            await SendAsync(TooLongToKeep(exchange, $" ({answer.Length} bytes)")).ConfigureAwait(false);
        }
    }

    private static byte[] TooLongToKeep(Exchange exchange, string length) => AnswerTranslation.Compose(
        exchange.RequestEnvelope.Id.Of(exchange.Request.Span), -32603, $"The answer{length} came while the client was away and is too long to keep; call again.", default);
}
