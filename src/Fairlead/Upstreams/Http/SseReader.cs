using System.Text;
using Fairlead.Threads;
using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>Reads the messages of an event stream and remembers where to resume it. One reader at a time.</summary>
/// <remarks>Events without data (priming) or of another type than <c>message</c> bring no message, but their id and retry count.</remarks>
internal sealed class SseReader : IDisposable
{
    private const int BufferBytes = 16 * 1024;
    private const int PassedBytes = 64 * 1024;

    // A server that says 0 and closes each stream at once must not be asked without a pause.
    private const int RetryMinMs = 100;

    private readonly Stream _stream;
    private ReaderTurn _turn;
    private readonly SseParser _parser;
    private byte[] _buffer = MessageBuffers.Rent(BufferBytes);
    private int _start;
    private int _end;

    /// <summary>Reads from <paramref name="stream"/>, which stays the caller's; a message may have <paramref name="messageBytesMax"/> bytes.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="messageBytesMax">Longest message.</param>
    /// <param name="partBytes">Bytes of a message at which <see cref="SseRead.Part"/> shows what there is of it, and then each time that they have doubled. 0: never.</param>
    public SseReader(Stream stream, int messageBytesMax, int partBytes = 0)
    {
        _stream = stream;
        _parser = new SseParser(messageBytesMax, partBytes);
    }

    /// <summary>After <see cref="SseRead.Part"/>: what there is of the message. Empty when the event is none. After <see cref="PassOn"/> the next bytes.</summary>
    public ReadOnlySpan<byte> Part => _parser.IsMessage ? _parser.Data : default;

    /// <summary>The message of the last event, on one line; empty when the event was none. Valid until the next read.</summary>
    public ReadOnlySpan<byte> Message
    {
        get
        {
            if (!_parser.IsMessage)
            {
                return default;
            }

            var data = JsonBytes.Trim(_parser.Data);
            return data.ContainsAny((byte)'\n', (byte)'\r') ? JsonBytes.OnOneLine(data) : data;
        }
    }

    /// <summary>Where HTTP+SSE wants messages (2024-11-05): the data of an <c>endpoint</c> event; null when the last event was none.</summary>
    public string? Endpoint => _parser.EventName.SequenceEqual("endpoint"u8) ? Encoding.UTF8.GetString(JsonBytes.Trim(_parser.Data)) : null;

    /// <summary>After <see cref="SseRead.TooLarge"/>: the id token of the answer that it was; empty when it does not show.</summary>
    public ReadOnlySpan<byte> TooLargeId => _parser.TooLargeId;

    /// <summary>The id of the last whole event that had one; null when there was none.</summary>
    public string? LastEventId { get; private set; }

    /// <summary>How long the server wants us to wait before we come back, at least 100 ms; null when it did not say.</summary>
    public TimeSpan? Retry => _parser.RetryMs is { } milliseconds ? TimeSpan.FromMilliseconds(Math.Max(milliseconds, RetryMinMs)) : null;

    /// <summary>After <see cref="SseRead.TooLarge"/>: whether it was a notification or request of the server, which nobody waits for.</summary>
    public bool TooLargeAsks => _parser.TooLargeAsks;

    /// <summary>Looks for the next event in what has been read.</summary>
    public SseRead Read()
    {
        ReadOnlySpan<byte> input = _buffer.AsSpan(_start, _end - _start);
        var read = _parser.Read(ref input);
        _start = _end - input.Length;
        return NoteId(read);
    }

    /// <summary>At the end of the stream: an event whose closing empty line is missing, because the server closed too early or the stream was cut.</summary>
    public SseRead ReadLast() => NoteId(_parser.ReadLast());

    /// <summary>Reads more bytes, when <see cref="Read"/> has taken all.</summary>
    /// <returns>False at the end of the stream.</returns>
    public async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        _start = _end = 0;
        var reading = _stream.ReadAsync(_buffer, cancellationToken);
        if (_turn.IsOver(waited: !reading.IsCompleted))
        {
            await PoolThread.Switch();
        }

        _end = await reading.ConfigureAwait(false);
        return _end != 0;
    }

    /// <summary>Gives the rest of this message part by part from here on, and keeps nothing of it. <see cref="Part"/> shows all that there is so far.</summary>
    public void PassOn()
    {
        _parser.PassOn();
        var larger = MessageBuffers.Rent(PassedBytes);
        _buffer.AsSpan(_start, _end - _start).CopyTo(larger);
        MessageBuffers.Return(_buffer);
        (_buffer, _start, _end) = (larger, 0, _end - _start);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _parser.Dispose();
        MessageBuffers.Return(_buffer);
        _buffer = [];
        _start = _end = 0;
    }

    // Only with a whole event: to resume after the id of one that was cut would skip what it said.
    private SseRead NoteId(SseRead read)
    {
        if (read is SseRead.Event or SseRead.TooLarge && _parser.HasNewId)
        {
            var id = _parser.LastEventId;
            LastEventId = id.IsEmpty || id.ContainsAnyInRange((byte)0, (byte)31) ? null : Encoding.UTF8.GetString(id);
        }

        return read;
    }
}
