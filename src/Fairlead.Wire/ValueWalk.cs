using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Wire;

/// <summary>Follows one JSON value that comes in pieces, cut anywhere, to its end. Looks at its structure alone: strings, brackets and how deep they are.</summary>
/// <remarks>
/// Begins before the value's first byte. The value is taken for what its first byte says; a fault inside it shows only where its end does not come.
/// Blocks of 64 bytes that do not end the value are counted by their bits and not byte by byte, whatever is in them: with one byte after the other, following an answer would cost more than carrying it.
/// </remarks>
/// <param name="depthMax">Most brackets that may be open at a time.</param>
internal struct ValueWalk(int depthMax)
{
    private const int BlockBytes = 64;

    private static readonly SearchValues<byte> s_wordEnds = SearchValues.Create(",}] \t\r\n"u8);

    private Shape _shape;
    private int _depth;
    private bool _isInText;
    private bool _isEscaped;

    private enum Shape : byte
    {
        None,
        Container,
        Text,
        Word,
    }

    /// <summary>Whether the end has come.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Whether more brackets were open than may be.</summary>
    public bool IsTooDeep { get; private set; }

    /// <summary>Takes the next bytes.</summary>
    /// <returns>How many of them belong to the value. Fewer than all: the value is over, or the first byte begins none.</returns>
    public int Take(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || IsOver)
        {
            return 0;
        }

        if (_shape == Shape.None)
        {
            _shape = bytes[0] switch
            {
                (byte)'{' or (byte)'[' => Shape.Container,
                (byte)'"' => Shape.Text,
                _ => Shape.Word,
            };
            if (_shape == Shape.Text)
            {
                return 1 + TakeText(bytes[1..]);
            }
        }

        return _shape switch
        {
            Shape.Container => TakeContainer(bytes),
            Shape.Text => TakeText(bytes),
            _ => TakeWord(bytes),
        };
    }

    private int TakeWord(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOfAny(s_wordEnds);
        IsOver = end >= 0;
        return end < 0 ? bytes.Length : end;
    }

    private int TakeText(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        if (_isEscaped && !bytes.IsEmpty)
        {
            _isEscaped = false;
            at = 1;
        }

        while (true)
        {
            var next = bytes[at..].IndexOfAny((byte)'"', (byte)'\\');
            if (next < 0)
            {
                return bytes.Length;
            }

            at += next;
            if (bytes[at] == (byte)'"')
            {
                IsOver = true;
                return at + 1;
            }

            if (at + 1 == bytes.Length)
            {
                _isEscaped = true;
                return bytes.Length;
            }

            at += 2;
        }
    }

    private int TakeContainer(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (at < bytes.Length)
        {
            if (bytes.Length - at >= BlockBytes && TryTakeBlock(ref Unsafe.Add(ref MemoryMarshal.GetReference(bytes), at)))
            {
                at += BlockBytes;
                continue;
            }

            for (var end = Math.Min(at + BlockBytes, bytes.Length); at < end; at++)
            {
                if (TakeByte(bytes[at]))
                {
                    IsOver = true;
                    return at + 1;
                }
            }
        }

        return at;
    }

    /// <summary>True when the byte closes the last bracket.</summary>
    private bool TakeByte(byte value)
    {
        if (_isInText)
        {
            if (_isEscaped)
            {
                _isEscaped = false;
            }
            else if (value == (byte)'\\')
            {
                _isEscaped = true;
            }
            else if (value == (byte)'"')
            {
                _isInText = false;
            }

            return false;
        }

        switch (value)
        {
            case (byte)'"':
                _isInText = true;
                return false;
            case (byte)'{' or (byte)'[':
                IsTooDeep |= ++_depth > depthMax;
                return false;
            case (byte)'}' or (byte)']':
                return --_depth == 0;
            default:
                return false;
        }
    }

    /// <summary>Takes 64 bytes if the value neither ends nor becomes too deep in them, whatever the order of their brackets.</summary>
    private bool TryTakeBlock(ref byte block)
    {
        var low = Vector256.LoadUnsafe(ref block);
        var high = Vector256.LoadUnsafe(ref block, BlockBytes / 2);
        var escaped = Escaped(Bits(low, high, (byte)'\\'), out var leavesEscape);
        var quotes = Bits(low, high, (byte)'"') & ~escaped;
        if (quotes == 0 && _isInText)
        {
            _isEscaped = leavesEscape;
            return true;
        }

        // A bit is set from each opening quote up to the closing one.
        var text = quotes;
        for (var shift = 1; shift < BlockBytes; shift <<= 1)
        {
            text ^= text << shift;
        }

        text = _isInText ? ~text : text;

        // '{' and '[' differ in one bit, and so do '}' and ']'; no other byte falls on them with it.
        var bit = Vector256.Create((byte)0x20);
        var closing = BitOperations.PopCount(Bits(low | bit, high | bit, (byte)'}') & ~text);
        var opening = BitOperations.PopCount(Bits(low | bit, high | bit, (byte)'{') & ~text);
        if (closing >= _depth || _depth + opening > depthMax)
        {
            return false;
        }

        _depth += opening - closing;
        _isInText = text >> (BlockBytes - 1) != 0;
        _isEscaped = leavesEscape;
        return true;
    }

    /// <summary>The bytes that a backslash takes the meaning from.</summary>
    private readonly ulong Escaped(ulong backslashes, out bool leavesEscape)
    {
        ulong escaped = 0;
        leavesEscape = false;
        if (_isEscaped)
        {
            escaped = 1;
            backslashes &= ~1UL;
        }

        while (backslashes != 0)
        {
            var at = BitOperations.TrailingZeroCount(backslashes);
            if (at == BlockBytes - 1)
            {
                leavesEscape = true;
                break;
            }

            escaped |= 2UL << at;
            backslashes &= ~(3UL << at);
        }

        return escaped;
    }

    private static ulong Bits(Vector256<byte> low, Vector256<byte> high, byte value)
    {
        var wanted = Vector256.Create(value);
        return Vector256.Equals(low, wanted).ExtractMostSignificantBits() | ((ulong)Vector256.Equals(high, wanted).ExtractMostSignificantBits() << (BlockBytes / 2));
    }
}
