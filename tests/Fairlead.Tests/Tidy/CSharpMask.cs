namespace Fairlead.Tests.Tidy;

/// <summary>Blanks comments and the inside of string and character literals, so that rules about code do not trip over prose. Offsets and lines stay.</summary>
/// <remarks>What stands in the holes of interpolated strings is blanked with the rest.</remarks>
internal static class CSharpMask
{
    public static string Apply(string text)
    {
        var masked = text.ToCharArray();
        for (var i = 0; i < text.Length;)
        {
            var end = EndOfIgnored(text, i);
            if (end == i)
            {
                i++;
                continue;
            }

            for (; i < end; i++)
            {
                masked[i] = text[i] is '\n' or '\r' or '"' ? text[i] : ' ';
            }
        }

        return new string(masked);
    }

    /// <summary>The offset past the comment or literal that starts at <paramref name="i"/>; <paramref name="i"/> itself when neither starts there.</summary>
    private static int EndOfIgnored(string text, int i)
    {
        var rest = text.AsSpan(i);
        if (rest.StartsWith("//"))
        {
            return EndAt(text, i, "\n", 0);
        }

        if (rest.StartsWith("/*"))
        {
            return EndAt(text, i + 2, "*/", 2);
        }

        return rest[0] switch
        {
            '\'' => EndOfQuoted(text, i + 1, '\'', interpolated: false),
            '"' or '$' or '@' => EndOfString(text, i),
            _ => i,
        };
    }

    private static int EndOfString(string text, int start)
    {
        var quote = start;
        while (quote < text.Length && text[quote] is '$' or '@')
        {
            quote++;
        }

        if (quote >= text.Length || text[quote] != '"')
        {
            return start; // An @identifier.
        }

        var prefix = text.AsSpan(start, quote - start);
        var quotes = quote;
        while (quotes < text.Length && text[quotes] == '"')
        {
            quotes++;
        }

        var count = quotes - quote;
        if (count >= 3)
        {
            return EndAt(text, quotes, new string('"', count), count);
        }

        if (count == 2)
        {
            // Either empty, or verbatim text that starts with an escaped quote; the latter does not occur.
            return quotes;
        }

        return prefix.Contains('@') ? EndOfVerbatim(text, quotes) : EndOfQuoted(text, quotes, '"', prefix.Contains('$'));
    }

    private static int EndOfQuoted(string text, int i, char quote, bool interpolated)
    {
        for (; i < text.Length && text[i] != '\n'; i++)
        {
            if (text[i] == quote)
            {
                return i + 1;
            }

            if (text[i] == '\\')
            {
                i++;
            }
            else if (interpolated && text[i] == '{')
            {
                i = i + 1 < text.Length && text[i + 1] == '{' ? i + 1 : EndOfHole(text, i + 1);
            }
        }

        return i;
    }

    /// <summary>The offset of the brace that closes an interpolation hole.</summary>
    private static int EndOfHole(string text, int i)
    {
        for (var depth = 1; i < text.Length; i++)
        {
            var end = EndOfIgnored(text, i);
            if (end > i)
            {
                i = end - 1;
                continue;
            }

            depth += text[i] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
            {
                return i;
            }
        }

        return i;
    }

    private static int EndOfVerbatim(string text, int i)
    {
        for (; i < text.Length; i++)
        {
            if (text[i] != '"')
            {
                continue;
            }

            if (i + 1 < text.Length && text[i + 1] == '"')
            {
                i++;
                continue;
            }

            return i + 1;
        }

        return i;
    }

    private static int EndAt(string text, int from, string mark, int past)
    {
        var end = text.IndexOf(mark, from, StringComparison.Ordinal);
        return end < 0 ? text.Length : end + past;
    }
}
