using System.Text;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>Puts the instructions of several servers together for the aggregate endpoint.</summary>
internal static class InstructionsText
{
    /// <summary>Most characters taken from one server: instructions go into every conversation of every client.</summary>
    public const int ServerCharsMax = 4 * 1024;

    /// <summary>Most characters in all.</summary>
    public const int CharsMax = 32 * 1024;

    private const string Cut = " [...]";

    /// <summary>Writes one text with a heading per server.</summary>
    /// <param name="servers">Names of servers and their raw instruction tokens, in configuration order; those with empty tokens are passed over.</param>
    /// <returns>A raw JSON string token; empty when no server has instructions.</returns>
    public static byte[] Join(IEnumerable<(string Server, byte[] Token)> servers)
    {
        var text = new StringBuilder();
        foreach (var (server, token) in servers)
        {
            if (JsonText.ToString(token)?.Trim() is not { Length: > 0 } instructions)
            {
                continue;
            }

            var part = $"## {server}\n\n{Shorten(instructions, ServerCharsMax)}";
            if (text.Length + part.Length > CharsMax)
            {
                text.Append("\n\n").Append(Cut.TrimStart());
                break;
            }

            text.Append(text.Length == 0 ? "" : "\n\n").Append(part);
        }

        return text.Length == 0 ? [] : JsonText.Quote(text.ToString());
    }

    private static string Shorten(string text, int charsMax)
    {
        if (text.Length <= charsMax)
        {
            return text;
        }

        // Not between the halves of a surrogate pair.
        var end = char.IsHighSurrogate(text[charsMax - 1]) ? charsMax - 1 : charsMax;
        return text[..end] + Cut;
    }
}
