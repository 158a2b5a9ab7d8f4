using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using Fairlead.Routing;

namespace Fairlead.Catalog;

/// <summary>Lists for sessions whose calls go to an instance that was told less than the shared one, and that therefore has less to offer (decision 8, lists per kind of instance).</summary>
/// <remarks>
/// The lists of the shared instance are the base; what the session's own instance does not have is left out, so that nobody sees a tool that its calls would not find. Clients of
/// 2026-07-28 see the base: their lists must not differ as a side effect of requests. Any thread; a filtered list is made once and kept as long as its base.
/// </remarks>
internal sealed class OwnerLists
{
    private readonly ConditionalWeakTable<OfferedList, ConcurrentDictionary<string, OfferedList>> _filtered = [];

    /// <summary>The list that a caller sees.</summary>
    /// <param name="list">As the endpoint offers it.</param>
    /// <param name="caller">Who asks.</param>
    public OfferedList For(OfferedList list, Caller caller)
    {
        if (!caller.IsSession)
        {
            return list;
        }

        StringBuilder? key = null;
        Dictionary<ServerCell, ServerCatalog>? known = null;
        ServerCell? last = null;
        foreach (var entry in list.Entries)
        {
            if (ReferenceEquals(entry.Cell, last))
            {
                continue;
            }

            // Entries stand together by server.
            last = entry.Cell;
            if (last.OwnCatalogOf(caller) is { } catalog)
            {
                (known ??= [])[last] = catalog;
                (key ??= new StringBuilder()).Append(last.Name).Append('.').Append(RuntimeHelpers.GetHashCode(catalog)).Append(' ');
            }
        }

        return known is null ? list : _filtered.GetValue(list, static _ => new()).GetOrAdd(key!.ToString(), static (_, state) => Filter(state.list, state.known), (list, known));
    }

    /// <summary>Which lists of an instance differ from those of the shared one by name.</summary>
    public static CatalogChanges Differences(ServerCatalog shared, ServerCatalog own)
    {
        var changes = CatalogChanges.None;
        for (var kind = ListKind.Tools; kind <= ListKind.ResourceTemplates; kind++)
        {
            if (!NamesOf(shared, kind).SetEquals(NamesOf(own, kind)))
            {
                changes |= ListAudiences.ChangeOf(kind);
            }
        }

        return changes;
    }

    private static OfferedList Filter(OfferedList list, Dictionary<ServerCell, ServerCatalog> known)
    {
        var names = known.ToDictionary(static pair => pair.Key, pair => NamesOf(pair.Value, list.Kind));
        OfferedEntry[] left = [.. list.Entries.Where(entry => !names.TryGetValue(entry.Cell, out var has) || has.Contains(entry.Entry.Name))];
        return left.Length == list.Entries.Length ? list : list.With(left);
    }

    private static HashSet<string> NamesOf(ServerCatalog catalog, ListKind kind) => [.. CatalogFile.ListOf(catalog, kind).Select(static entry => entry.Name)];
}
