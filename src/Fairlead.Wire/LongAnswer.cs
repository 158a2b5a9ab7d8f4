using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Fairlead.Wire;

/// <summary>Writes an answer anew that is too long to hold, piece by piece as it comes: another id, and members of the result added, left out or wrapped, wherever they stand.</summary>
/// <remarks>
/// Only the structure is read: the members of the message and of its result, and where their values end. The values themselves pass byte for byte and are not checked;
/// whitespace between the members is left out. Everything that may not stand twice in an answer (docs/decisions.md 4) is refused when it comes the second time. Not thread-safe.
/// </remarks>
public sealed class LongAnswer
{
    // An escaped resultType has 62 bytes. A longer name is none that is looked for, a longer value none that is looked at.
    private const int TokenBytesMax = 72;

    private readonly LongAnswerEdits _edits;
    private readonly byte[] _token = new byte[TokenBytesMax];
    private int _tokenLength;
    private ValueWalk _value;
    private State _state = State.Start;
    private Treatment _treatment;
    private Member _member;
    private bool _isInResult;
    private bool _isEscaped;
    private bool _isNameLong;
    private bool _needsComma;
    private int _seen;

    /// <summary>Begins before the first byte.</summary>
    public LongAnswer([NotNull] LongAnswerEdits edits) => _edits = edits;

    private enum State : byte
    {
        Start,
        FirstName,
        NextName,
        InName,
        Colon,
        BeforeValue,
        InValue,
        AfterValue,
        End,
    }

    private enum Treatment : byte
    {
        Pass,
        Drop,
        Collect,
        Wrap,
    }

    private enum Member : byte
    {
        Other,
        Id,
        Result,
        NoResult,
        ResultType,
        TtlMs,
        CacheScope,
        StructuredContent,
        Content,
    }

    /// <summary>What is wrong; nothing more is taken then.</summary>
    public LongAnswerFault Fault { get; private set; }

    /// <summary>Whether the result has begun.</summary>
    public bool HasResult => Has(Member.Result);

    /// <summary>Whether <c>content</c> or <c>structuredContent</c> of the result has begun: it is the result of a tool.</summary>
    public bool HasContent => Has(Member.Content) || Has(Member.StructuredContent);

    /// <summary>What <c>resultType</c> says so far: null when it has not come.</summary>
    public string? ResultType { get; private set; }

    /// <summary>Number of bytes taken when the value of the result's <c>content</c> began; 0 when it has not.</summary>
    public long ContentStart { get; private set; }

    /// <summary>Number of bytes taken.</summary>
    public long Length { get; private set; }

    /// <summary>Takes the next bytes and writes what becomes of them.</summary>
    /// <param name="part">The bytes.</param>
    /// <param name="writer">Where to; null to look only.</param>
    /// <returns>Whether the answer may go on; <see cref="Fault"/> says why not.</returns>
    public bool Take(ReadOnlySpan<byte> part, IBufferWriter<byte>? writer)
    {
        var length = Length;
        for (var at = 0; at < part.Length && Fault == LongAnswerFault.None; Length = length + at)
        {
            if (_state == State.InValue)
            {
                at += TakeValue(part[at..], writer);
            }
            else if (_state == State.InName)
            {
                at += TakeName(part[at..], writer);
            }
            else if (part[at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' || TakeMark(part[at], length + at, writer))
            {
                at++;
            }
        }

        return Fault == LongAnswerFault.None;
    }

    /// <summary>Nothing follows.</summary>
    /// <returns>Whether the answer is whole.</returns>
    public bool End()
    {
        if (Fault == LongAnswerFault.None && _state != State.End)
        {
            Fault = LongAnswerFault.Cut;
        }

        return Fault == LongAnswerFault.None;
    }

    private static void Write(IBufferWriter<byte>? writer, ReadOnlySpan<byte> bytes) => writer?.Write(bytes);

    private static Member Find(ReadOnlySpan<byte> name, bool isInResult) => isInResult
        ? JsonText.Equals(name, "resultType"u8) ? Member.ResultType
            : JsonText.Equals(name, "ttlMs"u8) ? Member.TtlMs
            : JsonText.Equals(name, "cacheScope"u8) ? Member.CacheScope
            : JsonText.Equals(name, "structuredContent"u8) ? Member.StructuredContent
            : JsonText.Equals(name, "content"u8) ? Member.Content
            : Member.Other
        : JsonText.Equals(name, "id"u8) ? Member.Id
            : JsonText.Equals(name, "result"u8) ? Member.Result
            : JsonText.Equals(name, "error"u8) || JsonText.Equals(name, "method"u8) || JsonText.Equals(name, "params"u8) ? Member.NoResult
            : Member.Other;

    private bool Has(Member member) => (_seen & (1 << (int)member)) != 0;

    /// <summary>Takes a byte between names and values.</summary>
    /// <returns>Whether it was taken; false when it begins a value, or is wrong.</returns>
    private bool TakeMark(byte mark, long offset, IBufferWriter<byte>? writer)
    {
        switch (_state)
        {
            case State.Start when mark == (byte)'{':
                Write(writer, "{"u8);
                _state = State.FirstName;
                return true;
            case State.FirstName or State.NextName when mark == (byte)'"':
                _tokenLength = 0;
                _isNameLong = false;
                Keep("\""u8);
                _state = State.InName;
                return true;
            case State.Colon when mark == (byte)':':
                _state = State.BeforeValue;
                return true;
            case State.BeforeValue:
                return BeginValue(mark, offset, writer);
            case State.AfterValue when mark == (byte)',':
                _state = State.NextName;
                return true;
            case State.FirstName or State.AfterValue when mark == (byte)'}':
                CloseObject(writer);
                return true;
            default:
                Fault = LongAnswerFault.NotAResult;
                return false;
        }
    }

    private int TakeName(ReadOnlySpan<byte> part, IBufferWriter<byte>? writer)
    {
        var at = _isEscaped ? 1 : 0;
        _isEscaped = false;
        var isWhole = false;
        while (at < part.Length && !isWhole)
        {
            var next = part[at..].IndexOfAny((byte)'"', (byte)'\\');
            at += next < 0 ? part.Length - at : next;
            if (next >= 0)
            {
                isWhole = part[at] == (byte)'"';
                _isEscaped = !isWhole && at + 1 == part.Length;
                at = Math.Min(at + (isWhole ? 1 : 2), part.Length);
            }
        }

        if (!_isNameLong && !Keep(part[..at]))
        {
            // It is none of those that are looked for: what has been kept of it goes out, and so does the rest.
            _isNameLong = true;
            BeginMember(writer);
        }

        if (_isNameLong)
        {
            Write(writer, part[..at]);
        }

        if (isWhole)
        {
            _member = _isNameLong ? Member.Other : Find(_token.AsSpan(0, _tokenLength), _isInResult);
            _state = State.Colon;
        }

        return at;
    }

    private bool Keep(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > TokenBytesMax - _tokenLength)
        {
            return false;
        }

        bytes.CopyTo(_token.AsSpan(_tokenLength));
        _tokenLength += bytes.Length;
        return true;
    }

    /// <summary>Writes the comma and the name, as far as it was kept.</summary>
    private void BeginMember(IBufferWriter<byte>? writer)
    {
        Write(writer, _needsComma ? ","u8 : default);
        Write(writer, _token.AsSpan(0, _tokenLength));
        _needsComma = true;
    }

    private bool BeginValue(byte first, long offset, IBufferWriter<byte>? writer)
    {
        if (first is (byte)',' or (byte)'}' or (byte)']' or (byte)':' || _member is Member.NoResult || (_member is Member.Id or Member.Result && Has(_member)) || (_member == Member.Result && first != (byte)'{'))
        {
            Fault = LongAnswerFault.NotAResult;
            return false;
        }

        _seen |= 1 << (int)_member;
        _treatment = _member switch
        {
            Member.TtlMs or Member.CacheScope when _edits.RemovesModernMembers => Treatment.Drop,
            Member.Id or Member.ResultType => Treatment.Collect,
            Member.StructuredContent when _edits.Wrap == StructuredContentWrap.Always || (_edits.Wrap == StructuredContentWrap.UnlessObject && first != (byte)'{') => Treatment.Wrap,
            _ => Treatment.Pass,
        };
        if (_treatment != Treatment.Drop && !(_member == Member.ResultType && _edits.RemovesModernMembers))
        {
            if (!_isNameLong)
            {
                BeginMember(writer);
            }

            Write(writer, _treatment == Treatment.Wrap ? ":{\"result\":"u8 : ":"u8);
        }

        if (_member == Member.Result)
        {
            Write(writer, "{"u8);
            _isInResult = true;
            _needsComma = false;
            _state = State.FirstName;
            return true;
        }

        ContentStart = _member == Member.Content && ContentStart == 0 ? offset : ContentStart;
        _tokenLength = 0;
        _value = new ValueWalk(_edits.DepthMax - (_isInResult ? 2 : 1));
        _state = State.InValue;
        return false;
    }

    private int TakeValue(ReadOnlySpan<byte> part, IBufferWriter<byte>? writer)
    {
        var taken = _value.Take(part);
        if (_value.IsTooDeep)
        {
            Fault = LongAnswerFault.TooDeep;
            return taken;
        }

        switch (_treatment)
        {
            case Treatment.Collect when !Keep(part[..taken]):
                Fault = _member == Member.Id ? LongAnswerFault.OtherId : LongAnswerFault.OtherType;
                break;
            case Treatment.Pass or Treatment.Wrap:
                Write(writer, part[..taken]);
                break;
            default:
                break;
        }

        if (_value.IsOver && Fault == LongAnswerFault.None)
        {
            _state = State.AfterValue;
            EndValue(writer);
        }

        return taken;
    }

    private void EndValue(IBufferWriter<byte>? writer)
    {
        var value = _token.AsSpan(0, _tokenLength);
        if (_member == Member.Id)
        {
            if (!RequestIds.TryParse(value, out var id) || id != _edits.UpstreamId)
            {
                Fault = LongAnswerFault.OtherId;
            }

            Write(writer, _edits.Id.Span);
        }
        else if (_member == Member.ResultType)
        {
            ResultType = JsonText.ToString(value) ?? "";
            if (!_edits.RemovesModernMembers)
            {
                Write(writer, value);
            }
            else if (ResultType != "complete")
            {
                Fault = LongAnswerFault.OtherType;
            }
        }
        else if (_treatment == Treatment.Wrap)
        {
            Write(writer, "}"u8);
        }
    }

    private void CloseObject(IBufferWriter<byte>? writer)
    {
        if (_isInResult)
        {
            AddMembers(writer);
            _isInResult = false;
            _needsComma = true;
            _state = State.AfterValue;
        }
        else
        {
            Fault = Has(Member.Id) && Has(Member.Result) ? LongAnswerFault.None : LongAnswerFault.NotAResult;
            _state = State.End;
        }

        Write(writer, Fault == LongAnswerFault.None ? "}"u8 : default);
    }

    private void AddMembers(IBufferWriter<byte>? writer)
    {
        if (_edits.AddsResultType && !Has(Member.ResultType))
        {
            Add(writer, "\"resultType\":\"complete\""u8);
        }

        if (_edits.AddsCacheHints && !Has(Member.TtlMs))
        {
            Add(writer, "\"ttlMs\":0"u8);
        }

        if (_edits.AddsCacheHints && !Has(Member.CacheScope))
        {
            Add(writer, "\"cacheScope\":\"private\""u8);
        }
    }

    private void Add(IBufferWriter<byte>? writer, ReadOnlySpan<byte> member)
    {
        Write(writer, _needsComma ? ","u8 : default);
        Write(writer, member);
        _needsComma = true;
    }
}
