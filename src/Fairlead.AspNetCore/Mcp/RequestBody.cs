using System.Buffers;
using Fairlead.Threads;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>The body of a POST, whole and in one piece, in a rented buffer (docs/adr/0002).</summary>
/// <remarks>Whoever reads a body returns it once, with <see cref="Return"/>, when no exchange refers to it any more.</remarks>
internal readonly struct RequestBody
{
    private readonly byte[]? _buffer;
    private readonly int _length;

    private RequestBody(byte[] buffer, int length)
    {
        _buffer = buffer;
        _length = length;
    }

    /// <summary>Whether the body was over the limit; it has no bytes then.</summary>
    public bool IsTooLarge => _buffer is null;

    /// <summary>The bytes; valid until <see cref="Return"/>.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    /// <summary>Reads the body to its end.</summary>
    /// <param name="request">The request.</param>
    /// <param name="bytesMax">Longest body; beyond it reading stops.</param>
    public static ValueTask<RequestBody> ReadAsync(HttpRequest request, int bytesMax)
    {
        if (request.ContentLength > bytesMax)
        {
            return new ValueTask<RequestBody>(default(RequestBody));
        }

        // A small body has nearly always arrived with its headers: one synchronous read.
        if (request.BodyReader.TryRead(out var read))
        {
            if (read.IsCompleted && read.Buffer.Length <= bytesMax)
            {
                var body = Copy(read.Buffer);
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return new ValueTask<RequestBody>(body);
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        return ReadSlowlyAsync(request, bytesMax);
    }

    /// <summary>Gives the buffer back.</summary>
    public void Return()
    {
        if (_buffer is not null)
        {
            MessageBuffers.Return(_buffer);
        }
    }

    private static async ValueTask<RequestBody> ReadSlowlyAsync(HttpRequest request, int bytesMax)
    {
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(request.HttpContext.RequestAborted).ConfigureAwait(false);
            await PoolThread.Switch();
            if (read.Buffer.Length > bytesMax)
            {
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return default;
            }

            if (read.IsCompleted)
            {
                var body = Copy(read.Buffer);
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return body;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static RequestBody Copy(in ReadOnlySequence<byte> bytes)
    {
        var length = (int)bytes.Length;
        var buffer = MessageBuffers.Rent(Math.Max(length, 1));
        bytes.CopyTo(buffer);
        return new RequestBody(buffer, length);
    }
}
