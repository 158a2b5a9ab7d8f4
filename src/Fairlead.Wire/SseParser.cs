using System.Buffers;
using System.Buffers.Text;

namespace Fairlead.Wire;

/// <summary>What a read of an event stream came to.</summary>
public enum SseRead : byte
{
    /// <summary>All bytes are taken; more are needed.</summary>
    NeedMore,

    /// <summary>An event is complete. Its data may be empty (a priming event): skip it then.</summary>
    Event,

    /// <summary>An event is over whose data exceeded the limit; <see cref="SseParser.TooLargeId"/> may say which answer it was.</summary>
    TooLarge,

    /// <summary>Data reached four times the limit without an end: close the stream.</summary>
    GaveUp,

    /// <summary>The event is not complete, and <see cref="SseParser.Data"/> shows a part of its data: the first bytes, as many as the parser was told to stop at, or the next ones after
    /// <see cref="SseParser.PassOn"/>.</summary>
    Part,
}

/// <summary>Reads server-sent events from bytes as they come (WHATWG HTML, 9.2.6), cut anywhere.</summary>
/// <remarks>
/// Takes all three line ends, comments, unknown fields, a BOM at the start; ignores an id with NUL. Holds one event in pooled memory.
/// Not thread-safe; one per stream; dispose it to give the memory back. The spans it shows are valid until the next read.
/// </remarks>
public sealed class SseParser : IDisposable
{
    /// <summary>Longest event id that is kept: it goes back in a header.</summary>
    private const int IdBytesMax = 8 * 1024;

    /// <summary>Enough of a line to tell its field: a BOM, "data:" and a space.</summary>
    private const int FieldBytes = 16;

    private readonly int _dataBytesMax;
    private readonly int _partBytes;
    private long _partAt;
    private bool _passesOn;
    private bool _isInData;
    private PooledBytes _line;
    private PooledBytes _data;
    private PooledBytes _name;
    private PooledBytes _lastId;
    private OverlongMessage? _overlong;
    private bool _started;
    private bool _afterReturn;
    private bool _ignoresLine;
    private bool _discardsLine;
    private bool _tooLarge;
    private bool _hasData;
    private bool _shown;
    private bool _gaveUp;
    private bool _tooLargeAsks;

    /// <summary>Starts at the beginning of a stream.</summary>
    /// <param name="dataBytesMax">Most data of one event. Decision 17: <c>upstreamMessageBytesMax</c>, 16 MiB.</param>
    /// <param name="partBytes">Data of an event after which <see cref="SseRead.Part"/> is returned, and then each time that it has doubled. 0: never.</param>
    public SseParser(int dataBytesMax, int partBytes = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dataBytesMax);
        _dataBytesMax = dataBytesMax;
        _partBytes = partBytes;
        _partAt = partBytes == 0 ? long.MaxValue : partBytes;
    }

    /// <summary>The event's data, lines joined with a line feed. After <see cref="SseRead.Part"/> what there is of it, or its whole lines when it has several.</summary>
    public ReadOnlySpan<byte> Data => _hasData || _line.Length == 0 ? _data.Span : DataOf(_line.Span);

    /// <summary>The event's name; empty when the stream gave none.</summary>
    public ReadOnlySpan<byte> EventName => _name.Span;

    /// <summary>Whether the event carries a message: its name is <c>message</c>, or it has none.</summary>
    public bool IsMessage => _name.Length == 0 || _name.Span.SequenceEqual("message"u8);

    /// <summary>The last id of the stream so far, of whatever event; empty when there was none. Longer than 8 KiB: ignored.</summary>
    public ReadOnlySpan<byte> LastEventId => _lastId.Span;

    /// <summary>Whether this event, or a block without data before it, gave <see cref="LastEventId"/>.</summary>
    public bool HasNewId { get; private set; }

    /// <summary>The last <c>retry</c> of the stream in milliseconds; null when there was none.</summary>
    public int? RetryMs { get; private set; }

    /// <summary>After <see cref="SseRead.TooLarge"/>: the root <c>id</c> token found in the first or last 512 bytes; empty when neither shows one.</summary>
    public ReadOnlySpan<byte> TooLargeId => _overlong is null || _tooLargeAsks ? default : _overlong.FindId(out _);

    /// <summary>After <see cref="SseRead.TooLarge"/>: whether the data was a request or notification of the peer, which no exchange waits for.</summary>
    public bool TooLargeAsks => _tooLargeAsks;

    /// <summary>Takes bytes until an event is complete or no byte is left.</summary>
    /// <param name="input">The next bytes of the stream; on return what was not taken. Read again until <see cref="SseRead.NeedMore"/>.</param>
    public SseRead Read(ref ReadOnlySpan<byte> input)
    {
        if (_shown)
        {
            ForgetEvent();
        }

        if (_passesOn)
        {
            return ReadPart(ref input);
        }

        while (!_gaveUp)
        {
            if (_afterReturn && !input.IsEmpty)
            {
                input = input[0] == (byte)'\n' ? input[1..] : input;
                _afterReturn = false;
            }

            var end = input.IndexOfAny((byte)'\r', (byte)'\n');
            if (end < 0)
            {
                TakePart(input);
                input = default;
                if (!_gaveUp)
                {
                    return _data.Length + (long)_line.Length >= _partAt && ReachesPart() ? SseRead.Part : SseRead.NeedMore;
                }

                break;
            }

            var part = input[..end];
            _afterReturn = input[end] == (byte)'\r';
            input = input[(end + 1)..];
            var read = EndLine(part);
            if (read != SseRead.NeedMore)
            {
                return read;
            }
        }

        return SseRead.GaveUp;
    }

    /// <summary>At the end of the stream: an event whose closing empty line is missing. The standard drops it; some servers close too early, and a
    /// cut message shows as bad JSON.</summary>
    /// <returns><see cref="SseRead.NeedMore"/> when nothing is there.</returns>
    public SseRead ReadLast()
    {
        if (_shown)
        {
            ForgetEvent();
        }

        if (_gaveUp)
        {
            return SseRead.NeedMore;
        }

        if (_passesOn)
        {
            _data.Clear();
            EndPassedEvent();
            return SseRead.Event;
        }

        var read = EndLine(default);
        return read == SseRead.NeedMore ? EndEvent() : read;
    }

    /// <summary>After <see cref="SseRead.Part"/>: gives the rest of this event's data as it comes, and keeps nothing of it. <see cref="Data"/> shows all that there is of it so far; each
    /// <see cref="Read"/> then gives a <see cref="SseRead.Part"/> until <see cref="SseRead.Event"/> shows the last bytes, or none.</summary>
    public void PassOn()
    {
        _passesOn = true;
        _isInData = _line.Length != 0;
        if (_isInData)
        {
            TakeData(DataOf(_line.Span), buffered: true);
            _line.Clear();
        }

        _hasData = true;
    }

    /// <summary>Gives pooled memory back. The parser must not be used afterwards.</summary>
    public void Dispose()
    {
        _line.Return();
        _data.Return();
        _name.Return();
        _lastId.Return();
    }

    private static ReadOnlySpan<byte> DataOf(ReadOnlySpan<byte> line) => SplitField(line, out var value).SequenceEqual("data"u8) ? value : default;

    /// <summary>Whether what is held is data, all of it, so that it can be looked at. Once for each doubling.</summary>
    private bool ReachesPart()
    {
        if (_tooLarge || _discardsLine || _ignoresLine || (_line.Length != 0 && (_line.Length < FieldBytes || !_line.Span.StartsWith("data:"u8))))
        {
            return false;
        }

        _partAt *= 2;
        return true;
    }

    /// <summary>The next part of an event that is passed on.</summary>
    private SseRead ReadPart(ref ReadOnlySpan<byte> input)
    {
        _data.Clear();
        while (true)
        {
            if (_afterReturn && !input.IsEmpty)
            {
                input = input[0] == (byte)'\n' ? input[1..] : input;
                _afterReturn = false;
            }

            var end = input.IndexOfAny((byte)'\r', (byte)'\n');
            TakePassedPart(end < 0 ? input : input[..end]);
            if (end < 0)
            {
                input = default;
                return _data.Length == 0 ? SseRead.NeedMore : SseRead.Part;
            }

            _afterReturn = input[end] == (byte)'\r';
            input = input[(end + 1)..];
            if (EndPassedLine())
            {
                EndPassedEvent();
                return SseRead.Event;
            }
        }
    }

    private void TakePassedPart(ReadOnlySpan<byte> part)
    {
        if (_isInData)
        {
            _data.Append(part);
            return;
        }

        // Fields that are longer than an id may be have no meaning here.
        var kept = Math.Min(part.Length, Math.Max(0, IdBytesMax + FieldBytes - _line.Length));
        _line.Append(part[..kept]);
        if (_line.Length > "data:".Length && _line.Span.StartsWith("data:"u8))
        {
            _data.Append("\n"u8);
            _data.Append(DataOf(_line.Span));
            _data.Append(part[kept..]);
            _line.Clear();
            _isInData = true;
        }
    }

    /// <summary>Whether the line was the empty one that ends the event.</summary>
    private bool EndPassedLine()
    {
        var isEmpty = !_isInData && _line.Length == 0;
        if (!_isInData && !isEmpty)
        {
            var field = SplitField(_line.Span, out var value);
            if (field.SequenceEqual("data"u8))
            {
                _data.Append("\n"u8);
            }
            else
            {
                TakeField(field, value, buffered: false);
            }
        }

        _line.Clear();
        _isInData = false;
        return isEmpty;
    }

    private void EndPassedEvent()
    {
        _line.Clear();
        _isInData = false;
        _passesOn = false;
        _shown = true;
    }

    /// <summary>Keeps the part of a line that has arrived, or what may be kept of it.</summary>
    private void TakePart(ReadOnlySpan<byte> part)
    {
        if (_ignoresLine)
        {
            return;
        }

        if (_discardsLine)
        {
            DiscardData(part);
            return;
        }

        if (_line.Length + (long)part.Length <= (long)_dataBytesMax + FieldBytes)
        {
            _line.Append(part);
            return;
        }

        var first = Math.Clamp(FieldBytes - _line.Length, 0, part.Length);
        _line.Append(part[..first]);
        if (SplitField(WithoutBom(_line.Span), out var value).SequenceEqual("data"u8))
        {
            _discardsLine = true;
            StartDiscarding(value);
            DiscardData(part[first..]);
        }
        else
        {
            _ignoresLine = true;
        }
    }

    private SseRead EndLine(ReadOnlySpan<byte> part)
    {
        var buffered = _line.Length != 0 || _ignoresLine || _discardsLine || part.Length > (long)_dataBytesMax + FieldBytes;
        if (buffered)
        {
            TakePart(part);
            if (_ignoresLine || _discardsLine)
            {
                _started = true;
                _ignoresLine = false;
                _discardsLine = false;
                _line.Clear();
                return _gaveUp ? SseRead.GaveUp : SseRead.NeedMore;
            }
        }

        var line = WithoutBom(buffered ? _line.Span : part);
        _started = true;
        if (line.IsEmpty)
        {
            _line.Clear();
            return EndEvent();
        }

        TakeField(SplitField(line, out var value), value, buffered);
        _line.Clear();
        return _gaveUp ? SseRead.GaveUp : SseRead.NeedMore;
    }

    private ReadOnlySpan<byte> WithoutBom(ReadOnlySpan<byte> line) => !_started && line is [0xEF, 0xBB, 0xBF, ..] ? line[3..] : line;

    /// <summary>The name of a line's field (empty for a comment) and its value without one leading space.</summary>
    private static ReadOnlySpan<byte> SplitField(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> value)
    {
        var colon = line.IndexOf((byte)':');
        if (colon < 0)
        {
            value = default;
            return line;
        }

        value = line[(colon + 1)..];
        value = value is [(byte)' ', ..] ? value[1..] : value;
        return line[..colon];
    }

    private void TakeField(ReadOnlySpan<byte> field, ReadOnlySpan<byte> value, bool buffered)
    {
        if (field.SequenceEqual("data"u8))
        {
            TakeData(value, buffered);
        }
        else if (field.SequenceEqual("event"u8))
        {
            _name.Clear();
            _name.Append(value);
        }
        else if (field.SequenceEqual("id"u8))
        {
            if (value.Length <= IdBytesMax && !value.Contains((byte)0))
            {
                _lastId.Clear();
                _lastId.Append(value);
                HasNewId = true;
            }
        }
        else if (field.SequenceEqual("retry"u8) && !value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            && Utf8Parser.TryParse(value, out int wait, out var used) && used == value.Length)
        {
            RetryMs = wait;
        }
    }

    private void TakeData(ReadOnlySpan<byte> value, bool buffered)
    {
        var length = (_hasData ? _data.Length + 1L : 0) + value.Length;
        if (_tooLarge)
        {
            DiscardData("\n"u8);
            DiscardData(value);
        }
        else if (length > _dataBytesMax)
        {
            StartDiscarding(value);
        }
        else if (buffered && !_hasData)
        {
            // The usual large event is one line that came in many parts: its buffer becomes the data, so it is copied once, not twice.
            var offset = _line.Length - value.Length;
            (_line, _data) = (_data, _line);
            _data.TrimStart(offset);
        }
        else
        {
            if (_hasData)
            {
                _data.Append("\n"u8);
            }

            _data.Append(value);
        }

        _hasData = true;
    }

    /// <summary>Begins to throw the event's data away: what was held and the first bytes that were too many.</summary>
    private void StartDiscarding(ReadOnlySpan<byte> value)
    {
        if (!_tooLarge)
        {
            _overlong ??= new OverlongMessage();
            _overlong.Clear();
            _overlong.Append(_data.Span);
            _data.Clear();
            _tooLarge = true;
        }

        if (_hasData)
        {
            DiscardData("\n"u8);
        }

        _hasData = true;
        DiscardData(value);
    }

    private void DiscardData(ReadOnlySpan<byte> bytes)
    {
        _overlong!.Append(bytes);
        _gaveUp = _overlong.Length > 4L * _dataBytesMax;
    }

    private SseRead EndEvent()
    {
        if (!_hasData)
        {
            _name.Clear();
            return SseRead.NeedMore;
        }

        _shown = true;
        if (!_tooLarge)
        {
            return SseRead.Event;
        }

        _overlong!.FindId(out _tooLargeAsks);
        return SseRead.TooLarge;
    }

    private void ForgetEvent()
    {
        _data.Clear();
        _name.Clear();
        _hasData = false;
        _tooLarge = false;
        _shown = false;
        HasNewId = false;
        _partAt = _partBytes == 0 ? long.MaxValue : _partBytes;
    }
}
