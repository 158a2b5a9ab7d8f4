using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>A body that was read whole, in a rented buffer.</summary>
/// <remarks>Whoever has it disposes it once. Answers are held whole up to <c>upstreamMessageBytesMax</c> and never more.</remarks>
internal readonly struct HttpBody : IDisposable
{
    private const int FirstBytes = 4096;

    private readonly byte[] _buffer;
    private readonly int _length;

    private HttpBody(byte[] buffer, int length, bool isCut)
    {
        _buffer = buffer;
        _length = length;
        IsCut = isCut;
    }

    /// <summary>What was read; valid until <see cref="Dispose"/>, and the holder's to change.</summary>
    public Span<byte> Span => _buffer.AsSpan(0, _length);

    /// <summary>Whether there was more than allowed. The rest has not been read.</summary>
    public bool IsCut { get; }

    /// <summary>Reads a body to its end, or <paramref name="bytesMax"/> bytes of it.</summary>
    /// <exception cref="IOException">The body ended before its declared length.</exception>
    public static async ValueTask<HttpBody> ReadAsync(HttpContent content, int bytesMax, CancellationToken cancellationToken)
    {
        var stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        var buffer = MessageBuffers.Rent((int)Math.Clamp(content.Headers.ContentLength ?? FirstBytes, 1, bytesMax));
        var length = 0;

        try
        {
            while (true)
            {
                if (length == buffer.Length)
                {
                    var larger = MessageBuffers.Rent(buffer.Length * 2);
                    buffer.AsSpan(0, length).CopyTo(larger);
                    MessageBuffers.Return(buffer);
                    buffer = larger;
                }

                var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
                length += read;
                if (read == 0 || length > bytesMax || length == content.Headers.ContentLength)
                {
                    var body = new HttpBody(buffer, Math.Min(length, bytesMax), isCut: length > bytesMax);
                    buffer = [];
                    return body;
                }
            }
        }
        finally
        {
            if (buffer.Length != 0)
            {
                MessageBuffers.Return(buffer);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_buffer.Length != 0)
        {
            MessageBuffers.Return(_buffer);
        }
    }
}
