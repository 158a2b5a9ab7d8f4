using System.Buffers;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>Reads a byte stream into one linear buffer, so that every line that <see cref="LineFramer"/> finds is one span. One reader at a time.</summary>
internal sealed class LineReader : IDisposable
{
    // Most of a thousand servers are silent at any moment: a buffer of the usual size comes with the first read that fills a small one.
    private const int FirstBytes = 4 * 1024;
    private const int UsualBytes = 64 * 1024;

    // Each smaller buffer that a long line grew out of stays in memory until the collector comes: with doubling they were as much again as the line.
    private const int LargeGrowth = 32;

    private readonly Stream _stream;
    private readonly LineFramer _framer;
    private readonly int _lineBytesMax;
    private byte[] _buffer = MessageBuffers.Rent(FirstBytes);
    private int _start;
    private int _end;
    private bool _ended;
    private bool _wasFilled;

    /// <summary>Reads from <paramref name="stream"/>; a line may have <paramref name="lineBytesMax"/> bytes.</summary>
    public LineReader(Stream stream, int lineBytesMax)
    {
        _stream = stream;
        _framer = new LineFramer(lineBytesMax);
        _lineBytesMax = lineBytesMax;
    }

    /// <summary>After <see cref="LineKind.TooLong"/>: the id token of the answer that was discarded; empty when it was none, or none was found.</summary>
    public ReadOnlySpan<byte> TooLongId => _framer.TooLongId;

    /// <summary>Bytes that have been read and not been taken: after <see cref="TryRead"/> had nothing more, those of a line whose end has not come.</summary>
    public int HeldBytes => _end - _start;

    /// <summary>Takes the next line from what has been read.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="line">Its bytes without the line end; valid until the next call.</param>
    /// <returns>False when more must be read first.</returns>
    public bool TryRead(out LineKind kind, out ReadOnlySpan<byte> line)
    {
        var unread = new ReadOnlySequence<byte>(_buffer, _start, _end - _start);
        var found = _ended ? _framer.TryReadLast(unread, out var frame) : _framer.TryRead(ref unread, out frame);
        _start = _ended ? _end : _end - (int)unread.Length;
        kind = frame.Kind;
        line = frame.Line.FirstSpan; // One buffer, so one segment.
        return found;
    }

    /// <summary>Begins to read more bytes: the caller awaits the number that arrived and tells it to <see cref="Filled"/>.</summary>
    /// <remarks>Two steps instead of an async method: its box would be allocated, or pooled and now and then missed, for every read that waits.</remarks>
    public ValueTask<int> ReadMoreAsync(CancellationToken cancellationToken)
    {
        MakeRoom();
        return _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
    }

    /// <summary>Takes note of what <see cref="ReadMoreAsync"/> has read.</summary>
    /// <returns>False at the end of the stream; <see cref="TryRead"/> then gives an unfinished last line, once.</returns>
    public bool Filled(int read)
    {
        _end += read;
        _ended = read == 0;
        _wasFilled |= _end == _buffer.Length;
        return !_ended;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        MessageBuffers.Return(_buffer);
        _buffer = [];
        _start = _end = 0;
    }

    private void MakeRoom()
    {
        if (_start == _end)
        {
            _start = _end = 0;

            // After a large line the large buffer is not kept for small ones.
            if (_buffer.Length > 16 * UsualBytes || (_wasFilled && _buffer.Length < UsualBytes))
            {
                MessageBuffers.Return(_buffer);
                _buffer = MessageBuffers.Rent(UsualBytes);
            }
        }

        if (_end < _buffer.Length)
        {
            return;
        }

        var length = _end - _start;
        if (_start >= _buffer.Length / 2)
        {
            _buffer.AsSpan(_start, length).CopyTo(_buffer);
        }
        else
        {
            var larger = MessageBuffers.Rent(Math.Max(UsualBytes, LargerLength()));
            _buffer.AsSpan(_start, length).CopyTo(larger);
            MessageBuffers.Return(_buffer);
            _buffer = larger;
        }

        _start = 0;
        _end = length;
    }

    /// <summary>Twice as much; above the pooled lengths at once as much as the longest line needs, or many times as much: only what is written to takes memory.</summary>
    private int LargerLength()
    {
        var twice = _buffer.Length * 2;
        return twice <= MessageBuffers.PooledBytesMax ? twice : Math.Max(twice, (int)Math.Min(_buffer.Length * (long)LargeGrowth, _lineBytesMax + (long)UsualBytes));
    }
}
