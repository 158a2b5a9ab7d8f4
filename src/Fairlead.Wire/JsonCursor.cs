using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Wire;

/// <summary>How reading a piece of JSON ended.</summary>
internal enum JsonFault : byte
{
    /// <summary>The piece is valid JSON.</summary>
    None,

    /// <summary>The text breaks the grammar of RFC 8259 or ends too early.</summary>
    Invalid,

    /// <summary>Nested deeper than the caller allows.</summary>
    TooDeep,
}

/// <summary>Walks over JSON text and checks its grammar without building anything. Never throws on any input, never allocates.</summary>
/// <remarks>
/// Bytes above 0x7F inside strings are not checked to be UTF-8: they are passed on as they came.
/// A hand-written walk instead of Utf8JsonReader, because that one throws (about 10 microseconds each) on input that a stranger chooses,
/// cannot tell "too deep" from "not JSON", and took 1.5 to 2.5 times as long on the messages in ScannerSpeed of the tests.
/// </remarks>
internal ref struct JsonCursor(ReadOnlySpan<byte> text, int position)
{
    /// <summary>Nesting levels that one call of <see cref="SkipValue"/> keeps in a machine word; deeper ones take a nested call.</summary>
    private const int LevelsPerCall = 64;

    /// <summary>Most levels that any caller may allow: it bounds the stack that nested calls take.</summary>
    public const int LevelsMax = 4096;

    private readonly ReadOnlySpan<byte> _text = text;

    /// <summary>Offset of the next byte to read.</summary>
    public int Position = position;

    /// <summary>Whether every byte has been read.</summary>
    public readonly bool AtEnd => (uint)Position >= (uint)_text.Length;

    /// <summary>Skips whitespace and shows the byte there; 0 at the end of the text (a NUL byte is invalid everywhere it could be confused).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte PeekToken()
    {
        if ((uint)Position < (uint)_text.Length)
        {
            var next = _text[Position];
            if (next > (byte)' ')
            {
                return next;
            }
        }

        return SkipWhitespace();
    }

    /// <summary>Takes <paramref name="expected"/> (after whitespace) if it comes next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(byte expected)
    {
        if (PeekToken() != expected)
        {
            return false;
        }

        Position++;
        return true;
    }

    /// <summary>Reads the string whose opening quote is at <see cref="Position"/>; leaves the position after the closing quote.</summary>
    /// <param name="escaped">Whether the string has a backslash in it.</param>
    /// <returns>False when the string does not end, has a raw control character or a bad escape.</returns>
    public bool TryReadString(out bool escaped)
    {
        escaped = false;
        ref var start = ref MemoryMarshal.GetReference(_text);
        var at = Position + 1;
        var length = _text.Length;
        while (true)
        {
            if (Vector128.IsHardwareAccelerated)
            {
                while (at <= length - Vector128<byte>.Count)
                {
                    var bytes = Vector128.LoadUnsafe(ref start, (nuint)at);
                    var stops = Vector128.Equals(bytes, Vector128.Create((byte)'"'))
                        | Vector128.Equals(bytes, Vector128.Create((byte)'\\'))
                        | Vector128.LessThan(bytes, Vector128.Create((byte)' '));
                    var mask = stops.ExtractMostSignificantBits();
                    if (mask != 0)
                    {
                        at += BitOperations.TrailingZeroCount(mask);
                        goto Stopped;
                    }

                    at += Vector128<byte>.Count;
                }
            }

            while (at < length && Unsafe.Add(ref start, at) is not ((byte)'"' or (byte)'\\' or < (byte)' '))
            {
                at++;
            }

            if (at >= length)
            {
                return false;
            }

        Stopped:
            var stop = Unsafe.Add(ref start, at);
            if (stop == (byte)'"')
            {
                Position = at + 1;
                return true;
            }

            if (stop != (byte)'\\')
            {
                return false;
            }

            escaped = true;
            var escapeLength = EscapeLength(_text[at..]);
            if (escapeLength == 0)
            {
                return false;
            }

            at += escapeLength;
        }
    }

    /// <summary>Skips one value of any type, checking its grammar.</summary>
    /// <param name="levels">How many levels of objects and arrays the value may have; 0 allows only scalars.</param>
    /// <remarks>On a fault the position is somewhere inside the value.</remarks>
    public JsonFault SkipValue(int levels)
    {
        // Bit 0 is the innermost open container: 1 = array, 0 = object.
        ulong arrays = 0;
        var depth = 0;

    Value:
        switch (PeekToken())
        {
            case (byte)'"':
                if (!TryReadString(out _))
                {
                    return JsonFault.Invalid;
                }

                break;

            case (byte)'{' or (byte)'[':
                if (depth >= levels)
                {
                    return JsonFault.TooDeep;
                }

                if (depth == LevelsPerCall)
                {
                    var fault = SkipValue(levels - depth);
                    if (fault != JsonFault.None)
                    {
                        return fault;
                    }

                    break;
                }

                var isArray = _text[Position] == (byte)'[';
                Position++;
                if (TryTake(isArray ? (byte)']' : (byte)'}'))
                {
                    break;
                }

                depth++;
                arrays = (arrays << 1) | (isArray ? 1UL : 0UL);
                if (isArray)
                {
                    goto Value;
                }

                goto Member;

            default:
                if (!TryReadScalar())
                {
                    return JsonFault.Invalid;
                }

                break;
        }

    AfterValue:
        if (depth == 0)
        {
            return JsonFault.None;
        }

        var next = PeekToken();
        Position++;
        if ((arrays & 1) != 0)
        {
            if (next == (byte)',')
            {
                goto Value;
            }

            if (next != (byte)']')
            {
                return JsonFault.Invalid;
            }
        }
        else
        {
            if (next == (byte)',')
            {
                goto Member;
            }

            if (next != (byte)'}')
            {
                return JsonFault.Invalid;
            }
        }

        depth--;
        arrays >>= 1;
        goto AfterValue;

    Member:
        if (PeekToken() != (byte)'"' || !TryReadString(out _) || !TryTake((byte)':'))
        {
            return JsonFault.Invalid;
        }

        goto Value;
    }

    /// <summary>Length of the escape at the start of <paramref name="text"/> (its first byte is the backslash); 0 when it is not a legal one.</summary>
    private static int EscapeLength(ReadOnlySpan<byte> text)
    {
        if (text.Length < 2)
        {
            return 0;
        }

        switch (text[1])
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                return 2;
            case (byte)'u':
                return text.Length >= 6
                    && char.IsAsciiHexDigit((char)text[2]) && char.IsAsciiHexDigit((char)text[3])
                    && char.IsAsciiHexDigit((char)text[4]) && char.IsAsciiHexDigit((char)text[5])
                    ? 6
                    : 0;
            default:
                return 0;
        }
    }

    private byte SkipWhitespace()
    {
        while ((uint)Position < (uint)_text.Length)
        {
            var next = _text[Position];
            if (next is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'))
            {
                return next;
            }

            Position++;
        }

        return 0;
    }

    private bool TryReadScalar()
    {
        if (AtEnd)
        {
            return false;
        }

        return _text[Position] switch
        {
            (byte)'t' => TryReadWord("true"u8),
            (byte)'f' => TryReadWord("false"u8),
            (byte)'n' => TryReadWord("null"u8),
            _ => TryReadNumber(),
        };
    }

    private bool TryReadWord(ReadOnlySpan<byte> word)
    {
        if (!_text[Position..].StartsWith(word))
        {
            return false;
        }

        Position += word.Length;
        return true;
    }

    private bool TryReadNumber()
    {
        if (NextIs((byte)'-'))
        {
            Position++;
        }

        if (NextIs((byte)'0'))
        {
            Position++;
        }
        else if (!TryReadDigits())
        {
            return false;
        }

        if (NextIs((byte)'.'))
        {
            Position++;
            if (!TryReadDigits())
            {
                return false;
            }
        }

        if (NextIs((byte)'e') || NextIs((byte)'E'))
        {
            Position++;
            if (NextIs((byte)'+') || NextIs((byte)'-'))
            {
                Position++;
            }

            return TryReadDigits();
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool NextIs(byte value) => (uint)Position < (uint)_text.Length && _text[Position] == value;

    private bool TryReadDigits()
    {
        var start = Position;
        while ((uint)Position < (uint)_text.Length && (uint)(_text[Position] - '0') <= 9)
        {
            Position++;
        }

        return Position > start;
    }
}
