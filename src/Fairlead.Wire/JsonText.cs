using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Fairlead.Wire;

/// <summary>Reads and writes JSON string tokens as UTF-8 bytes. A token includes its quotes and is one that a scan has accepted; over other bytes the
/// answers mean nothing, but nothing throws.</summary>
/// <remarks>Lone surrogates in escapes (<c>"\ud800"</c>) unescape to their three-byte form (ED A0 80): different ones stay different, and nothing is
/// lost in comparisons.</remarks>
public static class JsonText
{
    /// <summary>Longest token that is unescaped on the stack.</summary>
    private const int StackBytesMax = 512;

    private static readonly SearchValues<byte> s_mustEscape = SearchValues.Create(
        "\"\\\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u000f"u8
        + "\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f"u8);

    /// <summary>Whether <paramref name="token"/> is a string token (the range of an envelope may hold any JSON value).</summary>
    public static bool IsString(ReadOnlySpan<byte> token) => token.Length >= 2 && token[0] == (byte)'"';

    /// <summary>Whether <paramref name="token"/> is a number token.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> token) => !token.IsEmpty && (token[0] == (byte)'-' || char.IsAsciiDigit((char)token[0]));

    /// <summary>Compares a token with a text, after unescaping.</summary>
    /// <param name="token">Any JSON token; only a string can be equal.</param>
    /// <param name="utf8">The text without quotes or escapes.</param>
    public static bool Equals(ReadOnlySpan<byte> token, ReadOnlySpan<byte> utf8)
    {
        if (!IsString(token))
        {
            return false;
        }

        var content = token[1..^1];
        if (content.SequenceEqual(utf8))
        {
            // A literal with a backslash equals no raw token: there the backslash is the start of an escape.
            return !content.Contains((byte)'\\');
        }

        // Escapes only make a text longer, six bytes for one at most.
        if (content.Length <= utf8.Length || content.Length > (long)utf8.Length * 6 || !content.Contains((byte)'\\'))
        {
            return false;
        }

        return EqualsEscaped(content, utf8);
    }

    /// <summary>Unescapes a string token.</summary>
    /// <param name="token">A string token with its quotes.</param>
    /// <param name="destination">Receives the bytes; token length - 2 is always enough. May be the content of the token itself.</param>
    /// <param name="written">Bytes written.</param>
    /// <returns>False when the destination is too short or the token is not a string; what was written so far is then of no use.</returns>
    public static bool TryUnescape(ReadOnlySpan<byte> token, Span<byte> destination, out int written)
    {
        written = 0;
        return IsString(token) && TryUnescapeContent(token[1..^1], destination, out written);
    }

    /// <summary>The text of a string token as a .NET string; lone surrogates and invalid UTF-8 become U+FFFD. For messages and keys off the request
    /// path: allocates.</summary>
    /// <returns>Null when the token is not a string.</returns>
    public static string? ToString(ReadOnlySpan<byte> token)
    {
        if (!IsString(token))
        {
            return null;
        }

        var content = token[1..^1];
        if (!content.Contains((byte)'\\'))
        {
            return Encoding.UTF8.GetString(content);
        }

        var rented = ArrayPool<byte>.Shared.Rent(content.Length);
        try
        {
            TryUnescapeContent(content, rented, out var written);
            return Encoding.UTF8.GetString(rented.AsSpan(0, written));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Bytes that <see cref="WriteString(ReadOnlySpan{byte}, Span{byte})"/> will write for <paramref name="utf8"/>, quotes included.</summary>
    public static int StringLength(ReadOnlySpan<byte> utf8)
    {
        var length = utf8.Length + 2;
        while (true)
        {
            var next = utf8.IndexOfAny(s_mustEscape);
            if (next < 0)
            {
                return length;
            }

            length += ShortEscape(utf8[next]) != 0 ? 1 : 5;
            utf8 = utf8[(next + 1)..];
        }
    }

    /// <summary>Writes a string token: escapes only quotes, backslashes and control characters, keeps everything else as it is.</summary>
    /// <param name="utf8">The text; invalid UTF-8 is copied as it is.</param>
    /// <param name="destination">At least <see cref="StringLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteString(ReadOnlySpan<byte> utf8, Span<byte> destination)
    {
        var at = 0;
        destination[at++] = (byte)'"';
        while (true)
        {
            var next = utf8.IndexOfAny(s_mustEscape);
            var plain = next < 0 ? utf8 : utf8[..next];
            plain.CopyTo(destination[at..]);
            at += plain.Length;
            if (next < 0)
            {
                break;
            }

            var value = utf8[next];
            destination[at++] = (byte)'\\';
            var letter = ShortEscape(value);
            if (letter != 0)
            {
                destination[at++] = letter;
            }
            else
            {
                "u00"u8.CopyTo(destination[at..]);
                destination[at + 3] = (byte)(value >> 4 == 0 ? '0' : '1');
                destination[at + 4] = "0123456789abcdef"u8[value & 15];
                at += 5;
            }

            utf8 = utf8[(next + 1)..];
        }

        destination[at++] = (byte)'"';
        return at;
    }

    /// <summary>Writes a string token to a buffer writer, escaped as in <see cref="WriteString(ReadOnlySpan{byte}, Span{byte})"/>.</summary>
    public static void WriteString(ReadOnlySpan<byte> utf8, [NotNull] IBufferWriter<byte> writer)
    {
        var length = StringLength(utf8);
        writer.Advance(WriteString(utf8, writer.GetSpan(length)));
    }

    /// <summary>A string token for <paramref name="text"/> in an array of exactly its size. Lone surrogates become U+FFFD.</summary>
    public static byte[] Quote(ReadOnlySpan<char> text)
    {
        var bytes = Encoding.UTF8.GetMaxByteCount(text.Length);
        var rented = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            var utf8 = rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented));
            var token = new byte[StringLength(utf8)];
            WriteString(utf8, token);
            return token;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Unescapes the inside of a string token (no quotes). False when the destination is too short or an escape is broken.</summary>
    internal static bool TryUnescapeContent(ReadOnlySpan<byte> content, Span<byte> destination, out int written)
    {
        written = 0;
        while (true)
        {
            var next = content.IndexOf((byte)'\\');
            var plain = next < 0 ? content : content[..next];
            if (!plain.TryCopyTo(destination[written..]))
            {
                return false;
            }

            written += plain.Length;
            if (next < 0)
            {
                return true;
            }

            content = content[next..];
            if (content.Length < 2)
            {
                return false;
            }

            if (content[1] != (byte)'u')
            {
                if (written == destination.Length)
                {
                    return false;
                }

                destination[written++] = content[1] switch
                {
                    (byte)'b' => (byte)'\b',
                    (byte)'f' => (byte)'\f',
                    (byte)'n' => (byte)'\n',
                    (byte)'r' => (byte)'\r',
                    (byte)'t' => (byte)'\t',
                    var same => same,
                };
                content = content[2..];
                continue;
            }

            var code = ReadUnicodeEscape(content);
            content = content[Math.Min(6, content.Length)..];
            var low = ReadUnicodeEscape(content);
            if (code is >= 0xD800 and <= 0xDBFF && low is >= 0xDC00 and <= 0xDFFF)
            {
                code = char.ConvertToUtf32((char)code, (char)low);
                content = content[6..];
            }

            if (code < 0 || !TryWriteCode(code, destination, ref written))
            {
                return false;
            }
        }
    }

    private static bool EqualsEscaped(ReadOnlySpan<byte> content, ReadOnlySpan<byte> utf8)
    {
        byte[]? rented = null;
        Span<byte> buffer = utf8.Length <= StackBytesMax ? stackalloc byte[StackBytesMax] : rented = ArrayPool<byte>.Shared.Rent(utf8.Length);
        var equal = TryUnescapeContent(content, buffer[..utf8.Length], out var written) && buffer[..written].SequenceEqual(utf8);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return equal;
    }

    /// <summary>The code unit of a <c>\uXXXX</c> at the start of <paramref name="text"/>; -1 when none stands there.</summary>
    private static int ReadUnicodeEscape(ReadOnlySpan<byte> text)
    {
        if (text.Length < 6 || !text.StartsWith("\\u"u8))
        {
            return -1;
        }

        var code = 0;
        foreach (var digit in text[2..6])
        {
            if (!char.IsAsciiHexDigit((char)digit))
            {
                return -1;
            }

            code = (code << 4) | (digit <= (byte)'9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        return code;
    }

    /// <summary>Writes a code point as UTF-8 and, unlike <see cref="Rune"/>, a lone surrogate in the same three-byte pattern.</summary>
    private static bool TryWriteCode(int code, Span<byte> destination, ref int written)
    {
        var length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        if (destination.Length - written < length)
        {
            return false;
        }

        var target = destination.Slice(written, length);
        for (var i = length - 1; i > 0; i--)
        {
            target[i] = (byte)(0x80 | (code & 0x3F));
            code >>= 6;
        }

        target[0] = (byte)(length switch { 1 => code, 2 => 0xC0 | code, 3 => 0xE0 | code, _ => 0xF0 | code });
        written += length;
        return true;
    }

    /// <summary>The letter after the backslash for a byte that has a two-byte escape; 0 when it needs <c>\u00XX</c>.</summary>
    private static byte ShortEscape(byte value) => value switch
    {
        (byte)'"' => (byte)'"',
        (byte)'\\' => (byte)'\\',
        (byte)'\b' => (byte)'b',
        (byte)'\f' => (byte)'f',
        (byte)'\n' => (byte)'n',
        (byte)'\r' => (byte)'r',
        (byte)'\t' => (byte)'t',
        _ => 0,
    };
}
