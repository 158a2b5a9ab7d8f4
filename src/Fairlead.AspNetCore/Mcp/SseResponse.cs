using System.Buffers;
using System.IO.Pipelines;
using Fairlead.Exchanges;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>One HTTP answer that is an SSE stream. One writer at a time.</summary>
/// <remarks>A client that does not read is disconnected after stalledClient; nobody waits for it longer (decision 17).</remarks>
internal sealed class SseResponse
{
    /// <summary>Time between two keep-alive comments.</summary>
    public static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(15);

    private readonly HttpContext _context;
    private readonly McpFront _front;
    private readonly PipeWriter _writer;
    private bool _isGone;

    private SseResponse(HttpContext context, McpFront front)
    {
        _context = context;
        _front = front;
        _writer = context.Response.BodyWriter;
    }

    /// <summary>Whether the client is still there: it has neither left nor been cut.</summary>
    public bool IsOpen => !_isGone && !_context.RequestAborted.IsCancellationRequested;

    /// <summary>Sends the headers. No compression, no buffering by proxies (protocol.md 2.4).</summary>
    public static async Task<SseResponse> StartAsync(HttpContext context, McpFront front)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        StalledClient.Watch(context);
        var stream = new SseResponse(context, front);
        await response.StartAsync(context.RequestAborted).ConfigureAwait(false);
        await stream.FlushAsync().ConfigureAwait(false);
        return stream;
    }

    /// <summary>Writes one message, which has no raw line breaks.</summary>
    public ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> message, byte[]? id = null)
    {
        if (message.Length > StalledClient.FreeBytes)
        {
            return WriteLargeAsync(message, id);
        }

        SseWriter.WriteMessage(_writer, message.Span, id);
        return FlushAsync();
    }

    /// <summary>Writes the event with an id and no data that begins a resumable stream (2025-11-25).</summary>
    public ValueTask<bool> WritePrimingAsync(ReadOnlySpan<byte> id)
    {
        SseWriter.WritePriming(_writer, id);
        return FlushAsync();
    }

    /// <summary>Writes the first event of HTTP+SSE: where to POST.</summary>
    public ValueTask<bool> WriteEndpointAsync(ReadOnlySpan<byte> uri)
    {
        SseWriter.WriteEndpoint(_writer, uri);
        return FlushAsync();
    }

    /// <summary>Writes a comment that keeps the connection alive.</summary>
    public ValueTask<bool> WriteKeepAliveAsync()
    {
        _writer.Write(SseWriter.KeepAlive);
        return FlushAsync();
    }

    /// <summary>Writes a notification of a call, spliced straight into the response.</summary>
    public ValueTask<bool> WriteNotificationAsync(Exchange exchange, CallMessage message)
    {
        SseWriter.WriteMessageStart(_writer);
        AnswerSplicer.WriteNotification(exchange, message, _writer);
        SseWriter.WriteMessageEnd(_writer);
        return FlushAsync();
    }

    /// <summary>Writes the answer of a call, spliced straight into the response.</summary>
    public ValueTask<bool> WriteAnswerAsync(Exchange exchange)
    {
        if (exchange.Answer.Length > StalledClient.FreeBytes)
        {
            return WriteLargeAnswerAsync(exchange);
        }

        SseWriter.WriteMessageStart(_writer);
        AnswerSplicer.Write(exchange, _writer);
        SseWriter.WriteMessageEnd(_writer);
        return FlushAsync();
    }

    /// <summary>Begins a message whose JSON, without raw line breaks, others write into the response.</summary>
    public void BeginMessage() => SseWriter.WriteMessageStart(_writer);

    /// <summary>Ends the message that <see cref="BeginMessage"/> began.</summary>
    public ValueTask<bool> EndMessageAsync()
    {
        SseWriter.WriteMessageEnd(_writer);
        return FlushAsync();
    }

    /// <summary>Sends what was written.</summary>
    /// <returns>False when the client is gone or did not read for stalledClient.</returns>
    public ValueTask<bool> FlushAsync()
    {
        var flush = StalledClient.FlushAsync(_context, _front);
        if (flush.IsCompletedSuccessfully)
        {
            return new ValueTask<bool>(Note(flush.Result));
        }

        return WaitAsync(flush);
    }

    private async ValueTask<bool> WriteLargeAnswerAsync(Exchange exchange)
    {
        var frame = OutboundFrame.Rent(exchange.Answer.Length + 1024);
        try
        {
            AnswerSplicer.Write(exchange, frame);
            return await WriteLargeAsync(frame.Memory, null).ConfigureAwait(false);
        }
        finally
        {
            frame.Return();
        }
    }

    private async ValueTask<bool> WriteLargeAsync(ReadOnlyMemory<byte> message, byte[]? id)
    {
        SseWriter.WriteMessageStart(_writer, id);
        if (!Note(await StalledClient.WriteAsync(_context, _front, message).ConfigureAwait(false)))
        {
            return false;
        }

        SseWriter.WriteMessageEnd(_writer);
        return await FlushAsync().ConfigureAwait(false);
    }

    private async ValueTask<bool> WaitAsync(ValueTask<bool> flush) => Note(await flush.ConfigureAwait(false));

    private bool Note(bool isThere)
    {
        _isGone |= !isThere;
        return isThere;
    }
}
