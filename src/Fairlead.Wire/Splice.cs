using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Fairlead.Wire;

/// <summary>Collects edits of one message and writes the message with them; everything else is copied byte for byte.</summary>
/// <remarks>
/// Places are ranges of the source (from <see cref="Envelope"/> or <see cref="JsonMembers"/>), never of the result, so edits may be given in any order.
/// Edits inside a place that another edit removes or replaces are dropped; of two for the same place the later one counts.
/// The bytes given are copied at once, so they may live on the caller's stack. Nothing is allocated while edits and bytes fit the scratch;
/// beyond it memory comes from the shared pool and <see cref="Dispose"/> gives it back (not calling it only costs the pool an array). Pass it by reference: a
/// copy that grows leaves the other one with memory that is gone.
/// Measured on a busy 2.5 GHz Xeon with a tools/call of 357 B, edits, sort and copy together: 57 ns for a new id, 111 ns for id, name and progress token,
/// 194 ns for id and token with three members of <c>_meta</c> taken out.
/// </remarks>
public ref struct Splice : IDisposable
{
    /// <summary>Scratch that holds 24 edits and 448 bytes of new text: enough for any rewrite of an envelope.</summary>
    public const int ScratchBytes = 1024;

    /// <summary>Results up to this size are written in one piece of the buffer writer, larger ones in whatever pieces it has.</summary>
    private const int OnePieceBytesMax = 32 * 1024;

    private const int EditBytes = 24;

    private readonly ReadOnlySpan<byte> _source;
    private readonly bool _blankNewlines;
    private Span<SpliceEdit> _edits;
    private Span<byte> _text;
    private SpliceEdit[]? _rentedEdits;
    private byte[]? _rentedText;
    private int _count;
    private int _textLength;
    private int _resultLength;

    /// <summary>Starts a splice without edits.</summary>
    /// <param name="source">The message; it must not change until the result is written.</param>
    /// <param name="scratch">Working memory, normally <c>stackalloc byte[Splice.ScratchBytes]</c>; its content does not matter. May be empty.</param>
    /// <param name="blankNewlines">Write spaces for raw line feeds and carriage returns, as stdio lines and SSE data need. In JSON they can only be
    /// whitespace (protocol.md 2.1).</param>
    public Splice(ReadOnlySpan<byte> source, Span<byte> scratch, bool blankNewlines = false)
    {
        _source = source;
        _blankNewlines = blankNewlines;
        var editCount = scratch.Length * 9 / 16 / EditBytes;
        _edits = MemoryMarshal.Cast<byte, SpliceEdit>(scratch[..(editCount * EditBytes)]);
        _text = scratch[(editCount * EditBytes)..];
        _resultLength = -1;
    }

    /// <summary>Bytes that <c>WriteTo</c> will write.</summary>
    public int ResultLength
    {
        get
        {
            if (_resultLength < 0)
            {
                Resolve();
            }

            return _resultLength;
        }
    }

    /// <summary>Puts other bytes in a place.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The place is not inside the source.</exception>
    /// <exception cref="ArgumentException">The place is empty: the member is not in the message.</exception>
    public void Replace(ByteRange place, scoped ReadOnlySpan<byte> bytes)
    {
        if (!place.Exists)
        {
            throw new ArgumentException("There is nothing to replace: look at Exists first, and add the member when it is missing.", nameof(place));
        }

        Add(SpliceEditKind.Replace, place.Start, place.End).TextLength = bytes.Length;
        Write(bytes);
    }

    /// <summary>Puts raw bytes before the byte at <paramref name="offset"/>. Commas are the caller's; beside removed members use
    /// <see cref="AppendMember(ByteRange, ReadOnlySpan{byte})"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The offset is not in the source or at its end.</exception>
    public void Insert(int offset, scoped ReadOnlySpan<byte> bytes)
    {
        Add(SpliceEditKind.Insert, offset, offset).TextLength = bytes.Length;
        Write(bytes);
    }

    /// <summary>Removes a member of an object: its name, its value and one comma. Any number of members of an object may go, all of them too.</summary>
    /// <param name="value">The member's value.</param>
    /// <exception cref="ArgumentException">No member name stands before the value.</exception>
    public void RemoveMember(ByteRange value) => Add(SpliceEditKind.RemoveMember, NameStart(value.Start), value.End);

    /// <summary>Adds a member at the end of an object. Several are written in the order of the calls.</summary>
    /// <param name="objectToken">The object, from brace to brace.</param>
    /// <param name="memberJson">Name, colon and value, as in <c>"ttlMs":0</c>. The caller knows that the object has no member of that name, or
    /// removes it.</param>
    /// <exception cref="ArgumentException">The place is no object.</exception>
    public void AppendMember(ByteRange objectToken, scoped ReadOnlySpan<byte> memberJson)
    {
        RequireObject(objectToken);
        AddMember(SpliceEditKind.Append, objectToken.End - 1, objectToken.End - 1, ","u8, memberJson, default);
    }

    /// <summary>Adds a member at the end of an object from a name that needs no escaping and a value.</summary>
    /// <inheritdoc cref="AppendMember(ByteRange, ReadOnlySpan{byte})"/>
    public void AppendMember(ByteRange objectToken, scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> valueJson)
    {
        RequireObject(objectToken);
        AddNamed(SpliceEditKind.Append, objectToken.End - 1, objectToken.End - 1, name, valueJson);
    }

    /// <summary>Adds a member at the start of an object. Several are written in the order of the calls.</summary>
    /// <inheritdoc cref="AppendMember(ByteRange, ReadOnlySpan{byte})"/>
    public void PrependMember(ByteRange objectToken, scoped ReadOnlySpan<byte> memberJson)
    {
        RequireObject(objectToken);
        AddMember(SpliceEditKind.Prepend, objectToken.Start + 1, objectToken.End - 1, default, memberJson, ","u8);
    }

    /// <summary>Adds a member at the start of an object from a name that needs no escaping and a value.</summary>
    /// <inheritdoc cref="AppendMember(ByteRange, ReadOnlySpan{byte})"/>
    public void PrependMember(ByteRange objectToken, scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> valueJson)
    {
        RequireObject(objectToken);
        AddNamed(SpliceEditKind.Prepend, objectToken.Start + 1, objectToken.End - 1, name, valueJson);
    }

    /// <summary>Writes the result. May be called several times.</summary>
    /// <param name="destination">At least <see cref="ResultLength"/> bytes; must not overlap the source.</param>
    /// <returns>Bytes written, always <see cref="ResultLength"/>.</returns>
    public int WriteTo(Span<byte> destination)
    {
        var length = ResultLength;
        destination = destination[..length];
        var written = 0;
        var at = 0;
        foreach (ref readonly var edit in _edits[.._count])
        {
            if (edit.Kind == SpliceEditKind.Dropped)
            {
                continue;
            }

            if (edit.Start > at)
            {
                var kept = _source[at..edit.Start];
                kept.CopyTo(destination[written..]);
                written += kept.Length;
            }

            _text.Slice(edit.TextStart, edit.TextLength).CopyTo(destination[written..]);
            written += edit.TextLength;
            at = Math.Max(at, edit.End);
        }

        _source[at..].CopyTo(destination[written..]);
        if (_blankNewlines)
        {
            BlankNewlines(destination);
        }

        return length;
    }

    /// <summary>The result as an array of its own. May be called several times.</summary>
    public byte[] ToArray()
    {
        var result = new byte[ResultLength];
        WriteTo(result);
        return result;
    }

    /// <summary>Writes the result and advances the writer by <see cref="ResultLength"/>. May be called several times.</summary>
    public void WriteTo([NotNull] IBufferWriter<byte> writer)
    {
        var length = ResultLength;
        if (length <= OnePieceBytesMax)
        {
            writer.Advance(WriteTo(writer.GetSpan(length)));
            return;
        }

        var at = 0;
        foreach (ref readonly var edit in _edits[.._count])
        {
            if (edit.Kind == SpliceEditKind.Dropped)
            {
                continue;
            }

            if (edit.Start > at)
            {
                WritePieces(writer, _source[at..edit.Start]);
            }

            WritePieces(writer, _text.Slice(edit.TextStart, edit.TextLength));
            at = Math.Max(at, edit.End);
        }

        WritePieces(writer, _source[at..]);
    }

    /// <summary>Gives pooled memory back. The splice must not be used afterwards.</summary>
    public void Dispose()
    {
        if (_rentedEdits is not null)
        {
            ArrayPool<SpliceEdit>.Shared.Return(_rentedEdits);
            _rentedEdits = null;
        }

        if (_rentedText is not null)
        {
            MessageBuffers.Return(_rentedText);
            _rentedText = null;
        }

        _edits = default;
        _text = default;
        _count = 0;
    }

    /// <summary>Overwrites raw line feeds and carriage returns with spaces.</summary>
    internal static void BlankNewlines(Span<byte> json)
    {
        // Compact JSON has none, so one look is the usual cost.
        var first = json.IndexOfAny((byte)'\n', (byte)'\r');
        if (first >= 0)
        {
            json[first..].Replace((byte)'\n', (byte)' ');
            json[first..].Replace((byte)'\r', (byte)' ');
        }
    }

    private readonly void WritePieces(IBufferWriter<byte> writer, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var piece = writer.GetSpan();
            var length = Math.Min(piece.Length, bytes.Length);
            bytes[..length].CopyTo(piece);
            if (_blankNewlines)
            {
                BlankNewlines(piece[..length]);
            }

            writer.Advance(length);
            bytes = bytes[length..];
        }
    }

    private readonly void RequireObject(ByteRange token)
    {
        if ((uint)token.Start >= (uint)_source.Length || token.Length < 2 || token.Length > _source.Length - token.Start
            || _source[token.Start] != (byte)'{' || _source[token.End - 1] != (byte)'}')
        {
            throw new ArgumentException("The place is not an object of the source: give the range of an object token, from brace to brace.", nameof(token));
        }
    }

    /// <summary>Walks back from a value to the opening quote of its name.</summary>
    private readonly int NameStart(int valueStart)
    {
        var at = SpliceResolver.BeforeWhitespace(_source, valueStart);
        if (at >= 0 && _source[at] == (byte)':')
        {
            at = SpliceResolver.BeforeWhitespace(_source, at) - 1;

            // Every quote inside a name has a backslash before it; the opening one has whitespace, a comma or a brace there.
            while (at > 0)
            {
                at = _source[..(at + 1)].LastIndexOf((byte)'"');
                if (at > 0 && _source[at - 1] != (byte)'\\')
                {
                    return at;
                }

                at--;
            }
        }

        throw new ArgumentException("The place is not a member's value of the source: give the range of a value that stands in an object.", nameof(valueStart));
    }

    private void AddNamed(SpliceEditKind kind, int offset, int close, scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> value)
    {
        Add(kind, offset, offset, close).TextLength = name.Length + value.Length + 4;
        Write(kind == SpliceEditKind.Append ? ",\""u8 : "\""u8);
        Write(name);
        Write("\":"u8);
        Write(value);
        Write(kind == SpliceEditKind.Append ? default : ","u8);
    }

    /// <summary>Adds a member's text with the comma that parts it from its neighbour; the resolver takes the comma off where there is none.</summary>
    private void AddMember(
        SpliceEditKind kind, int offset, int close, scoped ReadOnlySpan<byte> before, scoped ReadOnlySpan<byte> member, scoped ReadOnlySpan<byte> after)
    {
        Add(kind, offset, offset, close).TextLength = before.Length + member.Length + after.Length;
        Write(before);
        Write(member);
        Write(after);
    }

    /// <summary>Puts an edit at its place in the sorted list. Edits mostly come in source order, so this rarely moves anything.</summary>
    private ref SpliceEdit Add(SpliceEditKind kind, int start, int end, int close = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)start, (uint)_source.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)end, (uint)_source.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, start);
        if (_resultLength >= 0)
        {
            throw new InvalidOperationException("The result of this splice has been measured or written: start another splice for more edits.");
        }

        if (_count == _edits.Length)
        {
            GrowEdits();
        }

        var added = new SpliceEdit { Kind = kind, Start = start, End = end, Close = close, TextStart = _textLength };
        var at = _count;
        while (at > 0 && GoesBefore(added, _edits[at - 1]))
        {
            _edits[at] = _edits[at - 1];
            at--;
        }

        _edits[at] = added;
        _count++;
        return ref _edits[at];
    }

    /// <summary>The order of edits: by offset; at one offset additions first, then what takes most, then what was given last.</summary>
    private static bool GoesBefore(in SpliceEdit added, in SpliceEdit other)
    {
        if (added.Start != other.Start)
        {
            return added.Start < other.Start;
        }

        if (added.Takes && other.Takes)
        {
            return added.End >= other.End;
        }

        return added.Takes == other.Takes ? added.Kind < other.Kind : other.Takes;
    }

    /// <summary>Copies bytes behind the text that is there.</summary>
    private void Write(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _text.Length - _textLength)
        {
            GrowText(bytes.Length);
        }

        bytes.CopyTo(_text[_textLength..]);
        _textLength += bytes.Length;
    }

    private void GrowText(int length)
    {
        var larger = MessageBuffers.Rent(Math.Max(checked(_textLength + length), _text.Length * 2));
        _text[.._textLength].CopyTo(larger);
        if (_rentedText is not null)
        {
            MessageBuffers.Return(_rentedText);
        }

        _text = _rentedText = larger;
    }

    private void GrowEdits()
    {
        var larger = ArrayPool<SpliceEdit>.Shared.Rent(Math.Max(32, _edits.Length * 2));
        _edits[.._count].CopyTo(larger);
        if (_rentedEdits is not null)
        {
            ArrayPool<SpliceEdit>.Shared.Return(_rentedEdits);
        }

        _edits = _rentedEdits = larger;
    }

    private void Resolve()
    {
        var edits = _edits[.._count];
        SpliceResolver.Resolve(_source, edits);
        var length = _source.Length;
        var at = 0;
        foreach (ref var edit in edits)
        {
            if (edit.Kind == SpliceEditKind.Dropped)
            {
                continue;
            }

            length = checked(length + edit.TextLength - Math.Max(0, edit.End - Math.Max(at, edit.Start)));
            at = Math.Max(at, edit.End);
        }

        _resultLength = length;
    }
}
