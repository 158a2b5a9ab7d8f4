using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Gives long lists a page at a time (<c>?limit=</c> and <c>?cursor=</c>); without a limit whole.</summary>
/// <remarks>
/// A cursor names the last item of its page, so that the next page begins behind it wherever it stands by then; and its place, for when it is gone. What joins, leaves or moves
/// between two pages may be shown twice or not at all; everything else is shown once.
/// </remarks>
internal static class Paging
{
    /// <summary>The parameters, for the routes that page.</summary>
    public static readonly string[] Parameters = ["limit", "cursor"];

    private const int LimitMax = 1_000;

    /// <summary>A page of a list.</summary>
    /// <param name="context">The request.</param>
    /// <param name="list">The name of the list; a cursor of one is no cursor of another.</param>
    /// <param name="items">All of it.</param>
    /// <param name="keyOf">What tells one item from another.</param>
    /// <returns>The page, and the cursor of the next one; null = it is the last.</returns>
    /// <exception cref="BadRequest">The limit or the cursor is none.</exception>
    public static (IReadOnlyList<T> Items, string? NextCursor) Of<T>(HttpContext context, string list, IReadOnlyList<T> items, Func<T, string> keyOf)
    {
        var limit = LimitOf(context);
        var start = StartOf(context, list, items, keyOf);
        if (limit is null && start == 0)
        {
            return (items, null);
        }

        IReadOnlyList<T> page = [.. items.Skip(start).Take(limit ?? int.MaxValue)];
        var end = start + page.Count;
        return (page, end == items.Count ? null : Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{list} {end} {keyOf(page[^1])}"))));
    }

    private static int? LimitOf(HttpContext context)
    {
        var text = context.Request.Query["limit"].ToString();
        return text.Length == 0 ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is > 0 and <= LimitMax ? limit
            : throw new BadRequest($"limit = '{text}' is no number of items; give one from 1 to {LimitMax}, or leave it out for all.");
    }

    private static int StartOf<T>(HttpContext context, string list, IReadOnlyList<T> items, Func<T, string> keyOf)
    {
        var cursor = context.Request.Query["cursor"].ToString();
        if (cursor.Length == 0)
        {
            return 0;
        }

        if (!Base64Url.IsValid(cursor)
            || Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor)).Split(' ', 3) is not [var ofList, var place, var key]
            || ofList != list
            || !int.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out var end)
            || end == 0)
        {
            throw new BadRequest($"cursor = '{cursor}' was not given out for this list. Send the nextCursor of the page before as it is, or begin again without a cursor.");
        }

        for (var i = 0; i < items.Count; i++)
        {
            if (keyOf(items[i]) == key)
            {
                return i + 1;
            }
        }

        // It is gone, and what stood behind it has moved up.
        return Math.Min(end - 1, items.Count);
    }
}
