using System.Buffers.Text;

namespace Fairlead.Wire;

/// <summary>Ids that this side mints: plain integers, written and read back without allocation.</summary>
public static class RequestIds
{
    /// <summary>Longest token that <see cref="Format"/> writes: sign and 19 digits.</summary>
    public const int TokenBytesMax = 20;

    /// <summary>Writes an id as a JSON number token.</summary>
    /// <param name="id">Any value; keep it below 2^53, or JavaScript peers give back another one.</param>
    /// <param name="destination">At least <see cref="TokenBytesMax"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public static int Format(long id, Span<byte> destination) =>
        Utf8Formatter.TryFormat(id, destination, out var written)
            ? written
            : throw new ArgumentException($"An id needs up to {TokenBytesMax} bytes: give a longer destination.", nameof(destination));

    /// <summary>Reads an id that this side minted back from an answer.</summary>
    /// <param name="token">The answer's id token.</param>
    /// <param name="id">The value; 0 when it is not one of ours.</param>
    /// <returns>True for an integer, also written as <c>7.0</c> (peers that keep numbers as floats do so). Strings are never ours: <c>7</c> and
    /// <c>"7"</c> are different ids.</returns>
    public static bool TryParse(ReadOnlySpan<byte> token, out long id)
    {
        if (!Utf8Parser.TryParse(token, out id, out var used) || used == 0)
        {
            id = 0;
            return false;
        }

        var rest = token[used..];
        if (rest.IsEmpty || (rest.Length > 1 && rest[0] == (byte)'.' && rest[1..].TrimStart((byte)'0').IsEmpty))
        {
            return true;
        }

        id = 0;
        return false;
    }
}
