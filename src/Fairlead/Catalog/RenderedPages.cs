using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>The pages of one list for one audience, and the cursors that lead to them. Frozen.</summary>
/// <remarks>A cursor is <c>v1.EDITION.PAGE</c>: the edition is a digest of the whole list, so a cursor stays good while the list is the same, also after a restart, and
/// is refused when the list has changed (the client then begins again instead of missing entries).</remarks>
internal sealed class RenderedPages
{
    private readonly byte[][] _pages;
    private readonly byte[] _prefix;

    /// <summary>Freezes at least one page.</summary>
    /// <param name="edition">Digest of the list; empty when there is one page and so no cursor.</param>
    /// <param name="pages">Raw result objects.</param>
    public RenderedPages(string edition, byte[][] pages)
    {
        _pages = pages;
        _prefix = Encoding.ASCII.GetBytes(Prefix(edition));
    }

    /// <summary>Number of pages, at least 1.</summary>
    public int Count => _pages.Length;

    /// <summary>The cursor of a page, without quotes.</summary>
    public static byte[] Cursor(string edition, int page) => Encoding.ASCII.GetBytes(Prefix(edition) + page.ToString(CultureInfo.InvariantCulture));

    /// <summary>Finds the page of a raw cursor token.</summary>
    public bool TryGet(ReadOnlySpan<byte> cursorToken, out ReadOnlyMemory<byte> page)
    {
        // The empty string is a valid cursor (2025-11-25, server/utilities/pagination). Null is what some clients write for "none".
        if (cursorToken.IsEmpty || cursorToken.SequenceEqual("\"\""u8) || cursorToken.SequenceEqual("null"u8))
        {
            page = _pages[0];
            return true;
        }

        page = default;
        Span<byte> cursor = stackalloc byte[64];
        if (!JsonText.TryUnescape(cursorToken, cursor, out var length))
        {
            return false;
        }

        cursor = cursor[..length];
        if (!cursor.StartsWith(_prefix) || !Utf8Parser.TryParse(cursor[_prefix.Length..], out int number, out var used)
            || _prefix.Length + used != length || number < 1 || number >= _pages.Length)
        {
            return false;
        }

        page = _pages[number];
        return true;
    }

    private static string Prefix(string edition) => $"v1.{edition}.";
}
