namespace Fairlead.Wire;

/// <summary>Reads what is left of a line that was too long to hold: its last bytes.</summary>
public static class LongLine
{
    /// <summary>Finds the root <c>id</c> near the end of a message, where the reference SDKs write it: <c>,"id":7}</c> or <c>,"jsonrpc":"2.0","id":7}</c>.</summary>
    /// <param name="tail">The end of the line.</param>
    /// <param name="id">The raw number or string token.</param>
    /// <returns>False unless an id is followed by nothing but the end of the root object or the <c>jsonrpc</c> member: anything else may be payload.</returns>
    public static bool TryFindId(ReadOnlySpan<byte> tail, out ReadOnlySpan<byte> id)
    {
        id = default;
        var at = tail.LastIndexOf("\"id\""u8);
        if (at < 0)
        {
            return false;
        }

        var rest = tail[(at + 4)..].TrimStart(" \t\r"u8);
        if (rest.IsEmpty || rest[0] != (byte)':')
        {
            return false;
        }

        rest = rest[1..].TrimStart(" \t\r"u8);
        var length = TokenLength(rest);
        if (length == 0)
        {
            return false;
        }

        var after = rest[length..].Trim(" \t\r"u8);
        if (!after.SequenceEqual("}"u8) && !after.SequenceEqual(",\"jsonrpc\":\"2.0\"}"u8))
        {
            return false;
        }

        id = rest[..length];
        return true;
    }

    private static int TokenLength(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            return 0;
        }

        if (text[0] == (byte)'"')
        {
            var end = text[1..].IndexOf((byte)'"');
            return end < 0 || text[1..(end + 1)].Contains((byte)'\\') ? 0 : end + 2;
        }

        var digits = 0;
        while (digits < text.Length && (char.IsAsciiDigit((char)text[digits]) || text[digits] == (byte)'-'))
        {
            digits++;
        }

        return digits == text.Length ? 0 : digits;
    }
}
