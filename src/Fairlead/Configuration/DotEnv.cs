using System.Text;

namespace Fairlead.Configuration;

/// <summary>Reads files of <c>NAME=value</c> lines.</summary>
/// <remarks>Understood: blank lines, <c># comments</c>, <c>export NAME=value</c>, values in single quotes (taken as they are), in double quotes
/// (<c>\n \r \t \" \\ \$</c> are escapes) and in backticks, quoted values of several lines, and a comment after a value. Not understood on purpose:
/// references from one value to another. Messages name lines and never show what stands in them.</remarks>
internal static class DotEnv
{
    /// <summary>Largest file, in bytes.</summary>
    public const int BytesMax = 1024 * 1024;

    /// <summary>The names and values of a text; of a name that stands twice the last value.</summary>
    /// <param name="text">The whole file.</param>
    /// <param name="badLine">Told the number (from 1) of each line that makes no sense, and why.</param>
    public static Dictionary<string, string> Parse(string text, Action<int, string> badLine)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        string[] lines = text.TrimStart('\uFEFF').Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            // Only the start is trimmed: spaces at the end may stand inside a quote that goes on in the next line.
            string line = lines[i].TrimStart();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line.StartsWith("export ", StringComparison.Ordinal) || line.StartsWith("export\t", StringComparison.Ordinal))
            {
                line = line[7..].TrimStart();
            }

            int equals = line.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? "" : line[..equals].TrimEnd();
            if (!IsName(name))
            {
                badLine(i + 1, "The line is not of the form NAME=value.");
                continue;
            }

            string rest = line[(equals + 1)..].TrimStart();
            if (rest.Length > 0 && rest[0] is '"' or '\'' or '`')
            {
                int first = i;
                if (Quoted(lines, ref i, rest) is { } quoted)
                {
                    values[name] = quoted;
                }
                else
                {
                    i = first;
                    badLine(first + 1, "The quote that opens in this line is never closed.");
                }

                continue;
            }

            int comment = rest.StartsWith('#') ? 0 : rest.IndexOf(" #", StringComparison.Ordinal);
            values[name] = (comment < 0 ? rest : rest[..comment]).TrimEnd();
        }

        return values;
    }

    /// <summary>True for a name that a variable may have in such a file.</summary>
    public static bool IsName(string name) => name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    /// <summary>The value in quotes, which may go on over the next lines; null when the quote is never closed.</summary>
    private static string? Quoted(string[] lines, ref int index, string rest)
    {
        char quote = rest[0];
        var value = new StringBuilder();
        string line = rest[1..];
        while (true)
        {
            for (int i = 0; i < line.Length; i++)
            {
                char c = line[i];
                if (c == quote)
                {
                    return value.ToString();
                }

                if (c == '\\' && quote == '"' && i + 1 < line.Length)
                {
                    i++;
                    value.Append(line[i] switch { 'n' => "\n", 'r' => "\r", 't' => "\t", '"' => "\"", '\\' => "\\", '$' => "$", _ => $"\\{line[i]}" });
                    continue;
                }

                value.Append(c);
            }

            if (++index >= lines.Length)
            {
                return null;
            }

            value.Append('\n');
            line = lines[index];
        }
    }
}
