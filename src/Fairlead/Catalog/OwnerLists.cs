using System.Runtime.CompilerServices;
using Fairlead.Routing;

namespace Fairlead.Catalog;

/// <summary>Lists for sessions whose calls go to an instance that was told less than the shared one, and that therefore has less to offer (decision 8, lists per kind of instance).</summary>
/// <remarks>
/// The lists of the shared instance are the base; what the session's own instance does not have is left out, so that nobody sees a tool that its calls would not find. Clients of
/// 2026-07-28 see the base: their lists must not differ as a side effect of requests. Any thread; a filtered list is made once, server by server, and kept as long as what it was made of.
/// </remarks>
internal sealed class OwnerLists
{
    private readonly ConditionalWeakTable<OfferedList, ConditionalWeakTable<LessOffered, OfferedList>> _filtered = [];

    /// <summary>The list that a caller sees.</summary>
    /// <param name="list">As the endpoint offers it.</param>
    /// <param name="caller">Who asks.</param>
    public OfferedList For(OfferedList list, Caller caller)
    {
        if (!caller.IsSession)
        {
            return list;
        }

        var seen = list;
        ServerCell? last = null;
        foreach (var entry in list.Entries)
        {
            // Entries stand together by server.
            if (!ReferenceEquals(entry.Cell, last) && (last = entry.Cell).OwnOf(caller) is { Less: { } less })
            {
                seen = _filtered.GetValue(seen, static _ => []).GetValue(less, without => Filter(seen, entry.Cell, without));
            }
        }

        return seen;
    }

    private static OfferedList Filter(OfferedList list, ServerCell cell, LessOffered less)
    {
        OfferedEntry[] left = [.. list.Entries.Where(entry => entry.Cell != cell || !less.Lacks(list.Kind, entry.Entry.Name))];
        return left.Length == list.Entries.Length ? list : list.With(left);
    }
}
