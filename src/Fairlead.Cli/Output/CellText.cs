using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Fairlead.Cli.Output;

/// <summary>Text as a terminal shows it: how many columns it takes, and without what would steer the terminal. Pure.</summary>
/// <remarks>Names, descriptions and log lines come from servers: an escape sequence in one could move the cursor over what was printed before, or set the title.</remarks>
internal static partial class CellText
{
    private const string CutMark = "...";

    // East Asian wide characters and emoji; everything else takes one column.
    private static readonly (int First, int Last)[] s_wide =
    [
        (0x1100, 0x115F), (0x2E80, 0x303E), (0x3041, 0x33FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF), (0xAC00, 0xD7A3),
        (0xF900, 0xFAFF), (0xFE30, 0xFE6F), (0xFF00, 0xFF60), (0xFFE0, 0xFFE6), (0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1FAFF), (0x20000, 0x3FFFD),
    ];

    /// <summary>The text with every control character written visibly (<c>^[</c> for escape) and invisible format characters as U+FFFD; line feeds and tabs stay.</summary>
    public static string Clean(string text)
    {
        if (!text.Any(IsUnsafe))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length + 16);
        foreach (var character in text)
        {
            if (!IsUnsafe(character))
            {
                clean.Append(character);
            }
            else if (character < ' ' || character == '\x7f')
            {
                clean.Append('^').Append((char)(character ^ 0x40));
            }
            else
            {
                clean.Append('\uFFFD');
            }
        }

        return clean.ToString();
    }

    /// <summary>As <see cref="Clean"/>, in one line: line ends and tabs become blanks, runs of blanks one.</summary>
    public static string OneLine(string text) =>
        Clean(string.Join(' ', text.Split((char[])[' ', '\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries)));

    /// <summary>Columns that a clean line takes.</summary>
    public static int Width(string text) => text.EnumerateRunes().Sum(Width);

    /// <summary>The text, or as much of it as fits with <c>...</c> behind.</summary>
    /// <param name="text">One clean line.</param>
    /// <param name="columns">How many columns there are; not negative.</param>
    public static string Cut(string text, int columns)
    {
        if (text.Length <= columns / 2 || Width(text) <= columns)
        {
            return text;
        }

        var room = Math.Max(0, columns - CutMark.Length);
        var cut = new StringBuilder();
        var taken = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            taken += Width(rune);
            if (taken > room)
            {
                break;
            }

            cut.Append(rune.ToString());
        }

        return columns < CutMark.Length ? CutMark[..columns] : cut.ToString().TrimEnd() + CutMark;
    }

    /// <summary>As <see cref="Cut"/>, for a line with colours in it, which take no columns; nothing after the line is coloured.</summary>
    /// <param name="text">One clean line with sequences of <see cref="Terminal.Paint"/>.</param>
    /// <param name="columns">How many columns there are; not negative.</param>
    public static string CutPainted(string text, int columns)
    {
        if (!text.Contains('\x1b', StringComparison.Ordinal))
        {
            return Cut(text, columns);
        }

        var plain = Sequence().Replace(text, "");
        var cut = Cut(plain, columns);
        if (cut.Length == plain.Length)
        {
            return text;
        }

        // The sequences go back to where they stood, as far as that is still there.
        var painted = new StringBuilder();
        var (taken, at) = (0, 0);
        foreach (Match sequence in Sequence().Matches(text))
        {
            var length = Math.Min(sequence.Index - at, cut.Length - taken);
            painted.Append(cut, taken, length);
            (taken, at) = (taken + length, sequence.Index + sequence.Length);
            if (taken == cut.Length)
            {
                break;
            }

            painted.Append(sequence.Value);
        }

        return painted.Append(cut, taken, cut.Length - taken).Append("\x1b[0m").ToString();
    }

    /// <summary>The text with blanks behind it up to a width; unchanged when it is as wide already.</summary>
    public static string Pad(string text, int columns) => text + new string(' ', Math.Max(0, columns - Width(text)));

    [GeneratedRegex(@"\x1b\[[0-9;]*m")]
    private static partial Regex Sequence();

    private static int Width(Rune rune)
    {
        if (rune.Value < 0x300)
        {
            return 1;
        }

        if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format)
        {
            return 0;
        }

        return s_wide.Any(range => rune.Value >= range.First && rune.Value <= range.Last) ? 2 : 1;
    }

    /// <summary>Controls, and the characters that reorder or hide text: bidirectional overrides and isolates, zero-width space, byte order mark.</summary>
    private static bool IsUnsafe(char character) =>
        (char.IsControl(character) && character is not ('\n' or '\t'))
        || character is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\u200B' or '\u200E' or '\u200F' or '\uFEFF';
}
