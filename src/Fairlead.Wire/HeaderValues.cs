using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Fairlead.Wire;

/// <summary>The values of <c>Mcp-Method</c>, <c>Mcp-Name</c> and <c>Mcp-Param-*</c> (MCP 2026-07-28, transports; SEP-2243).</summary>
/// <remarks>
/// A value is plain printable ASCII or <c>=?base64?</c> + base64 of its UTF-8 + <c>?=</c>, markers in lower case. Spaces and tabs around a
/// header value never count. Comparing allocates nothing for texts up to 512 bytes.
/// </remarks>
public static class HeaderValues
{
    /// <summary>Largest integer that a mirrored parameter may have, 2^53 - 1: beyond it peers that keep numbers as doubles read another one.</summary>
    public const long IntegerMax = (1L << 53) - 1;

    private const string Opening = "=?base64?";
    private const string Closing = "?=";
    private const int StackBytesMax = 512;

    private static readonly SearchValues<char> s_base64 =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");

    /// <summary>Whether a header says the same as a JSON value of the body.</summary>
    /// <param name="header">The header's value; a missing header is the caller's to refuse.</param>
    /// <param name="token">A string (compared as text), a number (compared as an integer within ±<see cref="IntegerMax"/>) or a boolean (<c>true</c>
    /// or <c>false</c>).</param>
    /// <returns>False also when the header has invalid characters or base64, and for tokens of other types.</returns>
    public static bool Matches(ReadOnlySpan<char> header, ReadOnlySpan<byte> token)
    {
        if (token.IsEmpty)
        {
            return false;
        }

        if (JsonText.IsString(token))
        {
            return MatchesString(header, token);
        }

        Span<byte> buffer = stackalloc byte[64];
        if (!TryDecode(header, buffer, out var written))
        {
            return false;
        }

        var plain = buffer[..written];
        return token[0] is (byte)'t' or (byte)'f'
            ? plain.SequenceEqual(token)
            : TryReadInteger(token, out var fromBody) && TryReadInteger(plain, out var fromHeader) && fromBody == fromHeader;
    }

    /// <summary>Reads a header value as UTF-8.</summary>
    /// <param name="header">The value as it was received.</param>
    /// <param name="utf8">Receives the text; as many bytes as the header has characters are always enough.</param>
    /// <param name="written">Bytes written.</param>
    /// <returns>False when it has characters outside printable ASCII, base64 that is none, base64 of something else than UTF-8, or when the
    /// destination is too short.</returns>
    public static bool TryDecode(ReadOnlySpan<char> header, Span<byte> utf8, out int written)
    {
        written = 0;
        header = header.Trim(" \t");
        if (IsEncoded(header))
        {
            var base64 = header[Opening.Length..^Closing.Length];
            return !base64.ContainsAnyExcept(s_base64) && Convert.TryFromBase64Chars(base64, utf8, out written) && Utf8.IsValid(utf8[..written]);
        }

        if (header.ContainsAnyExceptInRange(' ', '~') && !IsPrintableOrTab(header))
        {
            return false;
        }

        return Ascii.FromUtf16(header, utf8, out written) == OperationStatus.Done;
    }

    /// <summary>Writes a text as a header value: as it is where that is allowed, else in base64.</summary>
    public static string Encode(ReadOnlySpan<byte> utf8)
    {
        if (!utf8.ContainsAnyExceptInRange((byte)' ', (byte)'~')
            && (utf8.IsEmpty || (utf8[0] != (byte)' ' && utf8[^1] != (byte)' '))
            && !(utf8.StartsWith("=?base64?"u8) && utf8.EndsWith("?="u8)))
        {
            return Encoding.ASCII.GetString(utf8);
        }

        return string.Concat(Opening, Convert.ToBase64String(utf8), Closing);
    }

    /// <summary>The header value for a JSON value.</summary>
    /// <param name="token">A string, an integer or a boolean.</param>
    /// <param name="header">The value; integers in their shortest form (<c>1e2</c> becomes <c>100</c>).</param>
    /// <returns>False for null, objects, arrays, fractions and integers beyond ±<see cref="IntegerMax"/>: such a parameter is not mirrored.</returns>
    public static bool TryEncodeToken(ReadOnlySpan<byte> token, [NotNullWhen(true)] out string? header)
    {
        header = null;
        if (JsonText.IsString(token))
        {
            var rented = ArrayPool<byte>.Shared.Rent(token.Length);
            JsonText.TryUnescape(token, rented, out var written);
            header = Encode(rented.AsSpan(0, written));
            ArrayPool<byte>.Shared.Return(rented);
        }
        else if (token.SequenceEqual("true"u8))
        {
            header = "true";
        }
        else if (token.SequenceEqual("false"u8))
        {
            header = "false";
        }
        else if (TryReadInteger(token, out var value))
        {
            header = value.ToString(CultureInfo.InvariantCulture);
        }

        return header is not null;
    }

    /// <summary>Reads a JSON number whose value is an integer within ±<see cref="IntegerMax"/>, also when it is written <c>4.20e1</c>. Exact: never
    /// through a double.</summary>
    public static bool TryReadInteger(ReadOnlySpan<byte> number, out long value)
    {
        value = 0;
        if (!JsonText.IsNumber(number) || JsonGrammar.SkipValue(ref MemoryMarshal.GetReference(number), number.Length, 0, 0) != number.Length)
        {
            return false;
        }

        var exponentAt = number.IndexOfAny((byte)'e', (byte)'E');
        var exponent = 0;
        if (exponentAt >= 0)
        {
            // An exponent that does not fit 32 bits makes zero or no integer of ours.
            if (!int.TryParse(number[(exponentAt + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            {
                return false;
            }

            number = number[..exponentAt];
        }

        var negative = number[0] == (byte)'-';
        number = negative ? number[1..] : number;
        var point = number.IndexOf((byte)'.');
        long digitsBeforePoint = (point < 0 ? number.Length : point) + (long)exponent;
        long position = 0;
        foreach (var digit in number)
        {
            if (digit == (byte)'.')
            {
                continue;
            }

            position++;
            if (position > digitsBeforePoint)
            {
                if (digit != (byte)'0')
                {
                    return false;
                }

                continue;
            }

            value = (value * 10) + (digit - '0');
            if (value > IntegerMax)
            {
                return false;
            }
        }

        for (; position < digitsBeforePoint && value != 0; position++)
        {
            value *= 10;
            if (value > IntegerMax)
            {
                return false;
            }
        }

        value = negative ? -value : value;
        return true;
    }

    private static bool MatchesString(ReadOnlySpan<char> header, ReadOnlySpan<byte> token)
    {
        header = header.Trim(" \t");
        var content = token[1..^1];
        if (!IsEncoded(header) && !content.Contains((byte)'\\'))
        {
            return Ascii.Equals(content, header) && IsPrintableOrTab(header);
        }

        byte[]? rented = null;
        Span<byte> text = header.Length <= StackBytesMax ? stackalloc byte[StackBytesMax] : rented = ArrayPool<byte>.Shared.Rent(header.Length);
        var equal = TryDecode(header, text, out var written) && JsonText.Equals(token, text[..written]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return equal;
    }

    private static bool IsEncoded(ReadOnlySpan<char> header) =>
        header.Length >= Opening.Length + Closing.Length
        && header.StartsWith(Opening, StringComparison.Ordinal)
        && header.EndsWith(Closing, StringComparison.Ordinal);

    /// <summary>Field values may hold tabs (RFC 9110, 5.5) beside printable ASCII.</summary>
    private static bool IsPrintableOrTab(ReadOnlySpan<char> header)
    {
        foreach (var value in header)
        {
            if (value is not ('\t' or (>= ' ' and <= '~')))
            {
                return false;
            }
        }

        return true;
    }
}
