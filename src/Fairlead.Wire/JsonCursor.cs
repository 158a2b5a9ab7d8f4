using System.Runtime.InteropServices;

namespace Fairlead.Wire;

/// <summary>A place in a JSON text that moves forward by <see cref="JsonGrammar"/>. For walks off the hottest path: members of small objects,
/// elements of arrays.</summary>
internal ref struct JsonCursor(ReadOnlySpan<byte> text, int position)
{
    private readonly ReadOnlySpan<byte> _text = text;

    /// <summary>Offset of the next byte to read. After a failed read it has not moved, but for whitespace.</summary>
    public int Position = position;

    /// <summary>Whether every byte has been read.</summary>
    public readonly bool AtEnd => Position >= _text.Length;

    /// <summary>Skips whitespace and shows the byte there; 0 at the end of the text.</summary>
    public byte PeekToken()
    {
        ref var start = ref MemoryMarshal.GetReference(_text);
        Position = JsonGrammar.SkipSpace(ref start, _text.Length, Position);
        return JsonGrammar.At(ref start, _text.Length, Position);
    }

    /// <summary>Takes <paramref name="expected"/> (after whitespace) if it comes next.</summary>
    public bool TryTake(byte expected)
    {
        if (PeekToken() != expected)
        {
            return false;
        }

        Position++;
        return true;
    }

    /// <summary>Reads a string (after whitespace).</summary>
    /// <returns>False when no valid string comes next.</returns>
    public bool TryReadString(out ByteRange token)
    {
        token = default;
        if (PeekToken() != (byte)'"')
        {
            return false;
        }

        var end = JsonGrammar.SkipString(ref MemoryMarshal.GetReference(_text), _text.Length, Position + 1, out _);
        if (end < 0)
        {
            return false;
        }

        token = new ByteRange(Position, end - Position);
        Position = end;
        return true;
    }

    /// <summary>Reads a value of any type and depth (after whitespace).</summary>
    /// <returns>False when no valid value comes next.</returns>
    public bool TryReadValue(out ByteRange token)
    {
        token = default;
        PeekToken();
        var end = JsonGrammar.SkipValue(ref MemoryMarshal.GetReference(_text), _text.Length, Position, JsonGrammar.LevelsMax);
        if (end < 0)
        {
            return false;
        }

        token = new ByteRange(Position, end - Position);
        Position = end;
        return true;
    }
}
