using Fairlead.Threads;
using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>How far a body has been read.</summary>
internal enum BodyState : byte
{
    /// <summary>To its end.</summary>
    Whole,

    /// <summary>There is more than was asked for.</summary>
    Begun,

    /// <summary>There is more, and no room to hold it: see <see cref="BufferBudget"/>.</summary>
    NoRoom,
}

/// <summary>A body, or the first part of one, in a rented buffer.</summary>
/// <remarks>Whoever has it disposes it once, or reads on with it: then the body that comes of it takes its place.</remarks>
internal readonly struct HttpBody : IDisposable
{
    private const int FirstBytes = 4096;

    private readonly byte[] _buffer;
    private readonly int _length;
    private readonly BufferBudget? _budget;

    private HttpBody(byte[] buffer, int length, BodyState state, BufferBudget? budget)
    {
        _buffer = buffer;
        _length = length;
        State = state;
        _budget = budget;
    }

    /// <summary>What was read; valid until <see cref="Dispose"/>, and the holder's to change.</summary>
    public Span<byte> Span => _buffer.AsSpan(0, _length);

    /// <summary>How far it has been read.</summary>
    public BodyState State { get; }

    /// <summary>Reads the first bytes of a body of no interest but for its words, and leaves the rest.</summary>
    /// <exception cref="IOException">The body ended before its declared length.</exception>
    public static async ValueTask<HttpBody> ReadExcerptAsync(HttpContent content, CancellationToken cancellationToken)
    {
        var stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        return await default(HttpBody).ReadOnAsync(stream, content.Headers.ContentLength, HttpFailure.ExcerptBytesMax, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a body to its end, or until more than <paramref name="bytesMax"/> bytes are there.</summary>
    /// <param name="stream">Where the body comes from, where this one left it.</param>
    /// <param name="contentLength">Its whole length as declared; null when it was not.</param>
    /// <param name="bytesMax">Most bytes to read.</param>
    /// <param name="budget">Where room for more than <see cref="BufferBudget.FreeBytes"/> is had from; null where so much is never read.</param>
    /// <param name="cancellationToken">Ends the reading; this body is given back then.</param>
    /// <exception cref="IOException">The body ended before its declared length. This one is given back.</exception>
    public async ValueTask<HttpBody> ReadOnAsync(Stream stream, long? contentLength, int bytesMax, BufferBudget? budget, CancellationToken cancellationToken)
    {
        var wanted = (int)Math.Clamp(contentLength ?? FirstBytes, 1, bytesMax);
        var body = _buffer is null ? new HttpBody(MessageBuffers.Rent(Math.Min(wanted, BufferBudget.FreeBytes)), 0, BodyState.Begun, null) : this;
        var turn = default(ReaderTurn);
        try
        {
            while (true)
            {
                if (body._length == body._buffer.Length && !body.TryGrow(Math.Max(wanted, body._length), budget, out body))
                {
                    return new HttpBody(body._buffer, body._length, BodyState.NoRoom, body._budget);
                }

                var reading = stream.ReadAsync(body._buffer.AsMemory(body._length), cancellationToken);
                if (turn.IsOver(waited: !reading.IsCompleted))
                {
                    await PoolThread.Switch();
                }

                var read = await reading.ConfigureAwait(false);
                var length = body._length + read;
                var isWhole = read == 0 || length == contentLength;
                body = new HttpBody(body._buffer, length, isWhole ? BodyState.Whole : BodyState.Begun, body._budget);
                if (isWhole || length > bytesMax)
                {
                    return body;
                }
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        GiveRoomBack();
        if (_buffer is { Length: > 0 })
        {
            MessageBuffers.Return(_buffer);
        }
    }

    /// <summary>The same body whose room is free for the copy that its call makes of it.</summary>
    public HttpBody WithoutRoom()
    {
        GiveRoomBack();
        return new HttpBody(_buffer, _length, State, null);
    }

    private void GiveRoomBack() => _budget?.Return(_buffer.Length);

    private bool TryGrow(int wanted, BufferBudget? budget, out HttpBody grown)
    {
        grown = this;
        var length = wanted > _buffer.Length ? wanted : _buffer.Length * 2;
        var larger = MessageBuffers.Rent(length);
        var isCounted = budget is not null && larger.Length > BufferBudget.FreeBytes;
        if (isCounted && !budget!.TryTake(larger.Length - (_budget is null ? 0 : _buffer.Length)))
        {
            MessageBuffers.Return(larger);
            return false;
        }

        Span.CopyTo(larger);
        MessageBuffers.Return(_buffer);
        grown = new HttpBody(larger, _length, State, isCounted ? budget : null);
        return true;
    }
}
