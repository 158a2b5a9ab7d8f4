namespace Fairlead.Upstreams.Http;

/// <summary>What is done to JSON texts that came over HTTP before they go on as one line.</summary>
internal static class JsonBytes
{
    /// <summary>The text without whitespace around it and without a byte order mark.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        text = text.StartsWith("\uFEFF"u8) ? text[3..] : text;
        return text.Trim(" \t\r\n"u8);
    }

    /// <summary>Turns raw line breaks into spaces: in JSON they are whitespace, never part of a string (protocol.md 2.1).</summary>
    public static void PutOnOneLine(Span<byte> json)
    {
        var first = json.IndexOfAny((byte)'\n', (byte)'\r');
        if (first >= 0)
        {
            json[first..].Replace((byte)'\n', (byte)' ');
            json[first..].Replace((byte)'\r', (byte)' ');
        }
    }

    /// <summary>A copy without raw line breaks.</summary>
    public static byte[] OnOneLine(ReadOnlySpan<byte> json)
    {
        var copy = json.ToArray();
        PutOnOneLine(copy);
        return copy;
    }
}
