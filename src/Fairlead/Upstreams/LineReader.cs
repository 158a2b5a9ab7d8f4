using System.Buffers;

namespace Fairlead.Upstreams;

/// <summary>What the next line of a stream is.</summary>
internal enum LineKind : byte
{
    /// <summary>A whole line; see <see cref="LineReader.Line"/>.</summary>
    Line,

    /// <summary>A line beyond the bound was discarded; <see cref="LineReader.Line"/> is its tail of at most 512 bytes.</summary>
    TooLong,

    /// <summary>More than four times the bound came without a line break: the stream is given up.</summary>
    Endless,

    /// <summary>No whole line is buffered; fill and look again.</summary>
    NeedMore,
}

/// <summary>Cuts a byte stream into lines in one linear buffer, so that every line is one span. One reader at a time.</summary>
internal sealed class LineReader : IDisposable
{
    private const int InitialBytes = 64 * 1024;
    private const int TailBytes = 512;

    private readonly Stream _stream;
    private readonly int _lineBytesMax;
    private readonly byte[] _tail = new byte[TailBytes];
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(InitialBytes);
    private int _start;
    private int _end;
    private int _searched;
    private int _lineStart;
    private int _lineLength;
    private long _discarded;
    private int _tailLength;
    private bool _lineIsTail;

    /// <summary>Reads from <paramref name="stream"/>; a line may have <paramref name="lineBytesMax"/> bytes.</summary>
    public LineReader(Stream stream, int lineBytesMax)
    {
        _stream = stream;
        _lineBytesMax = lineBytesMax;
    }

    /// <summary>The line that <see cref="TryRead"/> found, without its line break; valid until the next call.</summary>
    public ReadOnlySpan<byte> Line => _lineIsTail ? _tail.AsSpan(0, _tailLength) : _buffer.AsSpan(_lineStart, _lineLength);

    /// <summary>Bytes of the line that is being discarded, so far.</summary>
    public long Discarded => _discarded;

    /// <summary>Looks for the next line in what has been read.</summary>
    public LineKind TryRead()
    {
        var rest = _buffer.AsSpan(_searched, _end - _searched);
        var at = rest.IndexOf((byte)'\n');
        if (at < 0)
        {
            _searched = _end;
            return _end - _start > _lineBytesMax ? Discard() : LineKind.NeedMore;
        }

        var lineEnd = _searched + at;
        _lineStart = _start;
        _lineLength = lineEnd - _start;
        _start = _searched = lineEnd + 1;
        if (_discarded == 0 && _lineLength <= _lineBytesMax)
        {
            if (_lineLength != 0 && _buffer[_lineStart + _lineLength - 1] == '\r')
            {
                _lineLength--;
            }

            _lineIsTail = false;
            return LineKind.Line;
        }

        KeepTail(_buffer.AsSpan(_lineStart, _lineLength));
        _discarded = 0;
        _lineIsTail = true;
        return LineKind.TooLong;
    }

    /// <summary>Reads more bytes.</summary>
    /// <returns>False at the end of the stream; an unfinished line is lost.</returns>
    public async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        MakeRoom();
        var read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
        _end += read;
        return read != 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _start = _end = _searched = 0;
    }

    private LineKind Discard()
    {
        if (_discarded == 0)
        {
            _tailLength = 0;
        }

        var bytes = _buffer.AsSpan(_start, _end - _start);
        KeepTail(bytes);
        _discarded += bytes.Length;
        _start = _end = _searched = 0;
        return _discarded > 4L * _lineBytesMax ? LineKind.Endless : LineKind.NeedMore;
    }

    private void KeepTail(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= TailBytes)
        {
            bytes[^TailBytes..].CopyTo(_tail);
            _tailLength = TailBytes;
            return;
        }

        if (_discarded == 0)
        {
            _tailLength = 0;
        }

        var kept = Math.Min(_tailLength, TailBytes - bytes.Length);
        _tail.AsSpan(_tailLength - kept, kept).CopyTo(_tail);
        bytes.CopyTo(_tail.AsSpan(kept));
        _tailLength = kept + bytes.Length;
    }

    private void MakeRoom()
    {
        if (_start == _end)
        {
            _start = _end = _searched = 0;

            // After a large line the large buffer is not kept for small ones.
            if (_buffer.Length > 16 * InitialBytes)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = ArrayPool<byte>.Shared.Rent(InitialBytes);
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
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.AsSpan(_start, length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        _searched -= _start;
        _start = 0;
        _end = length;
    }
}
