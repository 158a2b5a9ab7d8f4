using System.Buffers;
using Fairlead.Exchanges;
using Fairlead.Upstreams;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Where the answer to one message of a legacy client goes, and what comes before it: a POST's own response, the stream of an HTTP+SSE connection, a part of a batch.</summary>
/// <remarks>Used by one handler at a time. Exactly one of <see cref="AcceptAsync"/>, <see cref="MessageAsync"/>, <see cref="ResultAsync"/> and <see cref="AnswerAsync"/> ends it.</remarks>
internal abstract class LegacyReply
{
    /// <summary>The result that says nothing: <c>{}</c>.</summary>
    public static ReadOnlyMemory<byte> NoResult { get; } = "{}"u8.ToArray();

    /// <summary>The HTTP request that brought this message alone; null when others may have come with it.</summary>
    public virtual HttpContext? Request => null;

    /// <summary>Cancelled when the client is gone.</summary>
    public abstract CancellationToken Gone { get; }

    /// <summary>Whether calls are cancelled when the client is gone: with its stream, an HTTP+SSE client has lost every way to their answers.</summary>
    public virtual bool IsLostWhenGone => false;

    /// <summary>Whether anything can be sent before the answer: not to a client that accepts nothing but one JSON message.</summary>
    public virtual bool CarriesMessages => true;

    /// <summary>Whether the answer is a stream that has begun and that belongs to this message alone: then it is kept alive while nothing comes (decision 7).</summary>
    public virtual bool NeedsKeepAlive => false;

    /// <summary>Whether a long answer can be written while it comes: not where messages of several calls share what they are written to.</summary>
    public virtual bool PassesAnswers => false;

    /// <summary>Writes an answer while it comes, and closes it; <see cref="AnswerAsync"/> follows when the call has ended. Only where <see cref="PassesAnswers"/>.</summary>
    public virtual ValueTask PassAsync(Exchange exchange, AnswerStream answer) => throw new InvalidOperationException("This kind of reply takes whole messages only.");

    /// <summary>Keeps the stream alive.</summary>
    public virtual ValueTask<bool> KeepAliveAsync() => new(true);

    /// <summary>The message wants no answer.</summary>
    public abstract ValueTask AcceptAsync();

    /// <summary>Answers with a whole message.</summary>
    /// <param name="status">The HTTP status, where there is one to be had.</param>
    /// <param name="message">The message; owned by the reply from here on.</param>
    public abstract ValueTask MessageAsync(int status, byte[] message);

    /// <summary>Answers with a result that is ready-made JSON and does not change any more.</summary>
    public abstract ValueTask ResultAsync(ReadOnlySpan<byte> id, ReadOnlyMemory<byte> result);

    /// <summary>Sends a message that belongs to a call, before its answer.</summary>
    /// <param name="message">Owned by the reply from here on.</param>
    public abstract ValueTask SendAsync(byte[] message);

    /// <summary>The answer takes long: shows the client that it is being worked on.</summary>
    public abstract ValueTask StartAsync();

    /// <summary>Answers with the end of a call.</summary>
    public abstract ValueTask AnswerAsync(Exchange exchange);

    /// <summary>Nothing follows, whatever happened. Called once for forwarded calls.</summary>
    public virtual void End()
    {
    }

    /// <summary>Answers with an error. <paramref name="id"/> is the raw token of the request's id, empty when it could not be read.</summary>
    public ValueTask ErrorAsync(int status, int code, string message, ReadOnlySpan<byte> id = default, ReadOnlySpan<byte> data = default) =>
        MessageAsync(status, AnswerTranslation.Compose(id, code, message, data));

    /// <summary>The end of a call as one message of its own; null when nobody wants it any more.</summary>
    protected static byte[]? Compose(Exchange exchange)
    {
        if (exchange.Error != ForwardError.None)
        {
            return exchange.Error == ForwardError.ClientCancelled ? null : AnswerTranslation.Failure(exchange);
        }

        var buffer = new ArrayBufferWriter<byte>(exchange.Answer.Length + 64);
        AnswerSplicer.Write(exchange, buffer);
        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>A reply whose every message is sent by itself on something that many replies share.</summary>
internal abstract class MessageReply(McpFront front) : LegacyReply
{
    /// <inheritdoc/>
    public override ValueTask AcceptAsync() => default;

    /// <inheritdoc/>
    public override ValueTask MessageAsync(int status, byte[] message) => LastAsync(message);

    /// <inheritdoc/>
    public override ValueTask ResultAsync(ReadOnlySpan<byte> id, ReadOnlyMemory<byte> result)
    {
        var buffer = new ArrayBufferWriter<byte>(id.Length + result.Length + 64);
        JsonRpcReply.WriteResult(buffer, id, result.Span);
        return LastAsync(buffer.WrittenSpan.ToArray());
    }

    /// <inheritdoc/>
    public override ValueTask StartAsync() => default;

    /// <inheritdoc/>
    public override async ValueTask AnswerAsync(Exchange exchange)
    {
        CallFront.Record(front, exchange);
        if (Compose(exchange) is { } message)
        {
            await LastAsync(message).ConfigureAwait(false);
        }
    }

    /// <summary>Sends the answer.</summary>
    protected abstract ValueTask LastAsync(byte[] message);
}
