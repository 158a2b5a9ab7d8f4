using System.Buffers.Text;
using System.Text;

namespace Fairlead.Measuring;

/// <summary>
/// Reads one HTTP/1.1 answer from bytes as they come, cut anywhere: by Content-Length, in chunks, or to the end of the connection (RFC 9112, 6.3).
/// </summary>
/// <remarks>
/// Holds all of the answer in one buffer that is kept for the next; chunks are joined in place. Nothing is allocated for an answer that fits the buffer. Not thread-safe.
/// Use: read into <see cref="Free"/>, <see cref="Take"/> what came, until <see cref="IsComplete"/>; <see cref="Reset"/> before the next answer.
/// </remarks>
internal sealed class HttpAnswer
{
    private const int FirstBytes = 16 * 1024;
    private const int FreeBytesMin = 4 * 1024;
    private const int HeadBytesMax = 64 * 1024;
    private const int AnswerBytesMax = 256 * 1024 * 1024;

    private byte[] _buffer = new byte[FirstBytes];
    private int _filled;
    private int _headEnd;
    private int _rawAt;
    private int _bodyEnd;
    private long _missing;
    private Phase _phase;

    private enum Phase
    {
        Head,
        Length,
        ChunkSize,
        ChunkData,
        ChunkEnd,
        Trailer,
        ToEnd,
        Complete,
    }

    /// <summary>Where the next bytes go; never empty.</summary>
    public Memory<byte> Free
    {
        get
        {
            if (_buffer.Length - _filled < FreeBytesMin)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            return _buffer.AsMemory(_filled);
        }
    }

    /// <summary>Whether status and headers are there.</summary>
    public bool HasHead => _phase != Phase.Head;

    /// <summary>Whether the whole answer is there.</summary>
    public bool IsComplete => _phase == Phase.Complete;

    /// <summary>The status code, when <see cref="HasHead"/>.</summary>
    public int Status { get; private set; }

    /// <summary>Whether the body is <c>text/event-stream</c>.</summary>
    public bool IsEventStream { get; private set; }

    /// <summary>Whether the connection can carry another request afterwards.</summary>
    public bool KeepsAlive { get; private set; }

    /// <summary>All bytes taken so far for this answer.</summary>
    public int BytesTaken => _filled;

    /// <summary>The body so far, without its framing. Valid until the next call of anything here.</summary>
    public ReadOnlySpan<byte> Body => HasHead ? _buffer.AsSpan(_headEnd, _bodyEnd - _headEnd) : default;

    /// <summary>Forgets the answer.</summary>
    public void Reset()
    {
        (_filled, _headEnd, _rawAt, _bodyEnd, _missing, _phase) = (0, 0, 0, 0, 0, Phase.Head);
        (Status, IsEventStream, KeepsAlive) = (0, false, false);
    }

    /// <summary>Takes bytes that were put into <see cref="Free"/>.</summary>
    /// <param name="count">How many; 0 = the connection has ended.</param>
    /// <exception cref="FormatException">They are no HTTP answer, or more than one; the message says what is wrong.</exception>
    public void Take(int count)
    {
        if (count == 0)
        {
            _phase = _phase == Phase.ToEnd
                ? Phase.Complete
                : throw new FormatException(_filled == 0 ? "the connection was closed before an answer came" : "the connection was closed in the middle of an answer");
            return;
        }

        _filled += count;
        if (_filled > AnswerBytesMax)
        {
            throw new FormatException($"the answer is longer than {AnswerBytesMax} bytes");
        }

        while (Step())
        {
        }

        if (IsComplete && _rawAt != _filled)
        {
            throw new FormatException($"{_filled - _rawAt} bytes came after the end of the answer");
        }
    }

    /// <summary>The value of a header of the answer; null when it is not there.</summary>
    public string? Header(string name) => Find(_buffer.AsSpan(0, _headEnd), name, out var value) ? Encoding.Latin1.GetString(value) : null;

    /// <summary>Goes one phase on.</summary>
    /// <returns>False when more bytes are needed, or none.</returns>
    private bool Step()
    {
        switch (_phase)
        {
            case Phase.Head:
                return ReadHead();
            case Phase.Length or Phase.ChunkData or Phase.ToEnd:
                return ReadData();
            case Phase.ChunkSize:
                return ReadChunkSize();
            case Phase.ChunkEnd:
                if (!TryLine(out var nothing))
                {
                    return false;
                }

                _phase = nothing.IsEmpty ? Phase.ChunkSize : throw new FormatException("a chunk is longer than its size says");
                return true;
            case Phase.Trailer:
                if (!TryLine(out var line))
                {
                    return false;
                }

                _phase = line.IsEmpty ? Phase.Complete : Phase.Trailer;
                return true;
            default:
                return false;
        }
    }

    private bool ReadHead()
    {
        var text = _buffer.AsSpan(_rawAt, _filled - _rawAt);
        var end = text.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return _filled <= HeadBytesMax ? false : throw new FormatException($"the headers are longer than {HeadBytesMax} bytes");
        }

        var head = text[..(end + 2)];
        if (!head.StartsWith("HTTP/1."u8) || head.Length < 13 || !Utf8Parser.TryParse(head[9..12], out int status, out var digits) || digits != 3)
        {
            throw new FormatException($"'{Encoding.Latin1.GetString(head[..Math.Min(40, head.Length)]).TrimEnd()}' is no HTTP/1.1 status line");
        }

        if (status is >= 100 and < 200)
        {
            _rawAt += end + 4; // An interim answer: the real one follows.
            return true;
        }

        var isOld = head[7] == (byte)'0';
        var connection = Find(head, "connection", out var word) ? word : default;
        (Status, KeepsAlive) = (status, !isOld && !Ascii.EqualsIgnoreCase(connection, "close"u8));
        IsEventStream = Find(head, "content-type", out var type) && type.Length >= 17 && Ascii.EqualsIgnoreCase(type[..17], "text/event-stream"u8);
        if (_rawAt != 0)
        {
            // What came before was interim: the head must start the buffer, for Header.
            _buffer.AsSpan(_rawAt, _filled - _rawAt).CopyTo(_buffer);
            _filled -= _rawAt;
        }

        _rawAt = _headEnd = _bodyEnd = end + 4;
        ChooseBody(_buffer.AsSpan(0, end + 2));
        return true;
    }

    private void ChooseBody(ReadOnlySpan<byte> head)
    {
        if (Status is 204 or 304)
        {
            _phase = Phase.Complete;
        }
        else if (Find(head, "transfer-encoding", out var coding))
        {
            _phase = Ascii.EqualsIgnoreCase(coding, "chunked"u8) ? Phase.ChunkSize : throw new FormatException($"Transfer-Encoding '{Encoding.Latin1.GetString(coding)}' is not known here");
        }
        else if (Find(head, "content-length", out var length))
        {
            if (!Utf8Parser.TryParse(length, out _missing, out var used) || used != length.Length || _missing < 0)
            {
                throw new FormatException($"Content-Length '{Encoding.Latin1.GetString(length)}' is no length");
            }

            _phase = _missing == 0 ? Phase.Complete : Phase.Length;
        }
        else
        {
            (_phase, _missing, KeepsAlive) = (Phase.ToEnd, long.MaxValue, false);
        }
    }

    private bool ReadData()
    {
        var count = (int)Math.Min(_missing, _filled - _rawAt);
        if (_rawAt != _bodyEnd)
        {
            _buffer.AsSpan(_rawAt, count).CopyTo(_buffer.AsSpan(_bodyEnd));
        }

        _rawAt += count;
        _bodyEnd += count;
        if (_phase == Phase.ToEnd)
        {
            return false;
        }

        _missing -= count;
        if (_missing != 0)
        {
            return false;
        }

        _phase = _phase == Phase.Length ? Phase.Complete : Phase.ChunkEnd;
        return true;
    }

    private bool ReadChunkSize()
    {
        if (!TryLine(out var line))
        {
            return false;
        }

        var extension = line.IndexOf((byte)';');
        var digits = (extension < 0 ? line : line[..extension]).TrimEnd((byte)' ');
        if (!Utf8Parser.TryParse(digits, out int size, out var used, 'x') || used != digits.Length || size < 0)
        {
            throw new FormatException($"'{Encoding.Latin1.GetString(line)}' is no chunk size");
        }

        (_missing, _phase) = (size, size == 0 ? Phase.Trailer : Phase.ChunkData);
        return true;
    }

    private bool TryLine(out ReadOnlySpan<byte> line)
    {
        var text = _buffer.AsSpan(_rawAt, _filled - _rawAt);
        var end = text.IndexOf("\r\n"u8);
        line = end < 0 ? default : text[..end];
        _rawAt += end < 0 ? 0 : end + 2;
        return end >= 0;
    }

    private static bool Find(ReadOnlySpan<byte> head, string name, out ReadOnlySpan<byte> value)
    {
        while (head.IndexOf("\r\n"u8) is > 0 and var end)
        {
            var line = head[..end];
            head = head[(end + 2)..];
            if (line.Length > name.Length && line[name.Length] == (byte)':' && Ascii.EqualsIgnoreCase(line[..name.Length], name))
            {
                value = line[(name.Length + 1)..].Trim(" \t"u8);
                return true;
            }
        }

        value = default;
        return false;
    }
}
