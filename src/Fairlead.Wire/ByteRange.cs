namespace Fairlead.Wire;

/// <summary>A place in a message: where a token starts and how many bytes it takes. Holds no reference to the message.</summary>
/// <param name="Start">Offset of the first byte, from the start of the message.</param>
/// <param name="Length">Number of bytes; 0 means "not there" (no JSON token is empty).</param>
public readonly record struct ByteRange(int Start, int Length)
{
    /// <summary>Offset of the byte after the last one.</summary>
    public int End => Start + Length;

    /// <summary>Whether the token is in the message at all.</summary>
    public bool Exists => Length != 0;

    /// <summary>The bytes of this place in <paramref name="message"/>, which must be the message that was scanned.</summary>
    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> message) => message.Slice(Start, Length);
}
