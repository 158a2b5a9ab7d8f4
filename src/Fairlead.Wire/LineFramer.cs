using System.Buffers;

namespace Fairlead.Wire;

/// <summary>What a line of a stdio stream is.</summary>
public enum LineKind : byte
{
    /// <summary>Begins like a JSON object or an array of objects. The scan may still refuse it.</summary>
    Message,

    /// <summary>Cannot be a message: a banner, a log line. Drop it, count it, go on.</summary>
    Junk,

    /// <summary>Was longer than the limit and is gone; <see cref="LineFramer.TooLongId"/> may say which answer it was.</summary>
    TooLong,

    /// <summary>Reached four times the limit without an end. The stream cannot be followed any further: end the peer.</summary>
    GaveUp,
}

/// <summary>One line of a stdio stream.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Line">Its bytes without the line end and without a BOM, as long as the buffer is not advanced; empty for lines that were too long.</param>
public readonly record struct LineFrame(LineKind Kind, ReadOnlySequence<byte> Line);

/// <summary>Finds the lines of a stdio stream (protocol.md 2.1): one message per line, blank lines and <c>\r\n</c> tolerated, a BOM on the first line
/// too.</summary>
/// <remarks>
/// Holds no payload: the unread part of a line stays in the caller's buffer. Not thread-safe; one per stream. In a <c>PipeReader</c> loop:
/// <code>
/// var buffer = result.Buffer;
/// while (framer.TryRead(ref buffer, out var frame)) { ... }
/// reader.AdvanceTo(buffer.Start, buffer.End);
/// </code>
/// and at the end of the stream once <see cref="TryReadLast"/> with what was left. A pipe must let the reader see the whole limit:
/// its pause threshold has to be larger than the limit.
/// </remarks>
/// <param name="lineBytesMax">Longest line that is handed over, without its end but with a BOM. Decision 17: <c>upstreamMessageBytesMax</c>, 16 MiB.</param>
public sealed class LineFramer(int lineBytesMax)
{
    private OverlongMessage? _overlong;
    private long _searched;
    private bool _discarding;
    private bool _gaveUp;
    private bool _started;
    private bool _tooLongAsks;

    /// <summary>After <see cref="LineKind.TooLong"/>: the root <c>id</c> token that was found in the first or last 512 bytes; empty when neither
    /// shows one. Valid until the next read.</summary>
    public ReadOnlySpan<byte> TooLongId => _overlong is null || _tooLongAsks ? default : _overlong.FindId(out _);

    /// <summary>After <see cref="LineKind.TooLong"/>: whether the line was a request or notification of the peer, which no exchange waits for.</summary>
    public bool TooLongAsks => _tooLongAsks;

    /// <summary>Bytes of the line that is or was too long.</summary>
    public long TooLongBytes => _overlong?.Length ?? 0;

    /// <summary>Takes the next line off the front of the buffer.</summary>
    /// <param name="buffer">Unread bytes; on return they begin behind what was taken. The rest must be passed again, with more behind it.</param>
    /// <param name="frame">The line.</param>
    /// <returns>False when more bytes are needed, and always after <see cref="LineKind.GaveUp"/>.</returns>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, out LineFrame frame)
    {
        while (!_gaveUp)
        {
            var newline = FindNewline(buffer);
            if (newline < 0)
            {
                return HoldPartOfLine(ref buffer, out frame);
            }

            var line = buffer.Slice(0, newline);
            buffer = buffer.Slice(newline + 1);
            if (TryFinish(line, out frame))
            {
                return true;
            }
        }

        frame = default;
        return false;
    }

    /// <summary>Takes what stands behind the last line end when the stream has ended: some peers leave the last one out.</summary>
    /// <param name="rest">All bytes that no read has taken.</param>
    /// <param name="frame">The line.</param>
    /// <returns>False when nothing is there.</returns>
    public bool TryReadLast(ReadOnlySequence<byte> rest, out LineFrame frame)
    {
        if (!_gaveUp && (_discarding || !rest.IsEmpty))
        {
            return TryFinish(rest, out frame);
        }

        frame = default;
        return false;
    }

    /// <summary>Whether a line begins like a message: an object with a name or nothing in it, or an array of such.</summary>
    public static bool LooksLikeMessage(ReadOnlySequence<byte> line)
    {
        var reader = new SequenceReader<byte>(line);
        if (!TryReadToken(ref reader, out var first))
        {
            return false;
        }

        // "[info] ready" and "{dump}" are common on stdout; the second token tells them apart.
        return first switch
        {
            (byte)'{' => TryReadToken(ref reader, out var second) && second is (byte)'"' or (byte)'}',
            (byte)'[' => TryReadToken(ref reader, out var second) && second is (byte)'{' or (byte)']',
            _ => false,
        };
    }

    private static bool TryReadToken(ref SequenceReader<byte> reader, out byte token)
    {
        reader.AdvancePastAny((byte)' ', (byte)'\t', (byte)'\r');
        return reader.TryRead(out token);
    }

    /// <summary>Offset of the next line feed. The part that an earlier read has searched is not searched again, or a long line in many reads would be
    /// quadratic.</summary>
    private long FindNewline(in ReadOnlySequence<byte> buffer)
    {
        var at = _searched;
        var rest = buffer.Slice(at);
        foreach (var segment in rest)
        {
            var found = segment.Span.IndexOf((byte)'\n');
            if (found >= 0)
            {
                _searched = 0;
                return at + found;
            }

            at += segment.Length;
        }

        _searched = at;
        return -1;
    }

    private bool HoldPartOfLine(ref ReadOnlySequence<byte> buffer, out LineFrame frame)
    {
        frame = default;

        // One byte more than the limit may be the carriage return of a line that just fits.
        if (_discarding || buffer.Length > (long)lineBytesMax + 1)
        {
            Discard(buffer);
            buffer = buffer.Slice(buffer.End);
            _searched = 0;
            return TryGiveUp(out frame);
        }

        return false;
    }

    private bool TryGiveUp(out LineFrame frame)
    {
        _gaveUp = _overlong!.Length > 4L * lineBytesMax;
        frame = _gaveUp ? new LineFrame(LineKind.GaveUp, default) : default;
        return _gaveUp;
    }

    private void Discard(in ReadOnlySequence<byte> part)
    {
        _overlong ??= new OverlongMessage();
        if (!_discarding)
        {
            _overlong.Clear();
            _discarding = true;
        }

        foreach (var segment in part)
        {
            _overlong.Append(segment.Span);
        }
    }

    private bool TryFinish(ReadOnlySequence<byte> line, out LineFrame frame)
    {
        _searched = 0;

        // Counted with a BOM, so that a line is too long however its stream is cut.
        if (_discarding || line.Length > lineBytesMax + (EndsWithReturn(line) ? 1L : 0))
        {
            return FinishTooLong(line, out frame);
        }

        if (!_started)
        {
            _started = true;
            line = WithoutBom(line);
        }

        line = EndsWithReturn(line) ? line.Slice(0, line.Length - 1) : line;
        if (IsBlank(line))
        {
            frame = default;
            return false;
        }

        frame = new LineFrame(LooksLikeMessage(line) ? LineKind.Message : LineKind.Junk, line);
        return true;
    }

    private bool FinishTooLong(in ReadOnlySequence<byte> line, out LineFrame frame)
    {
        Discard(line);
        _discarding = false;
        _started = true;
        if (TryGiveUp(out frame))
        {
            return true;
        }

        _overlong!.FindId(out _tooLongAsks);
        frame = new LineFrame(LineKind.TooLong, default);
        return true;
    }

    private static ReadOnlySequence<byte> WithoutBom(in ReadOnlySequence<byte> line)
    {
        var reader = new SequenceReader<byte>(line);
        return reader.IsNext([0xEF, 0xBB, 0xBF], advancePast: true) ? reader.UnreadSequence : line;
    }

    private static bool EndsWithReturn(in ReadOnlySequence<byte> line) =>
        !line.IsEmpty && line.Slice(line.Length - 1).FirstSpan is [(byte)'\r', ..];

    private static bool IsBlank(in ReadOnlySequence<byte> line)
    {
        foreach (var segment in line)
        {
            if (segment.Span.ContainsAnyExcept((byte)' ', (byte)'\t', (byte)'\r'))
            {
                return false;
            }
        }

        return true;
    }
}
