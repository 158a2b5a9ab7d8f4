using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using Fairlead.Routing;

namespace Fairlead.Catalog;

/// <summary>Lists for callers whose calls go to instances that were told less than the shared one, and that therefore have less to offer (decision 8, lists per kind of instance).</summary>
/// <remarks>
/// A kind is what an instance declares. The lists of the shared instance are the base; what an instance of the caller's kind does not have is left out, so that nobody sees a tool
/// that its calls would not find. What is known of no instance of the kind is shown as the shared one has it. Any thread; a filtered list is made once and kept as long as its base.
/// </remarks>
internal sealed class KindLists
{
    private readonly ConditionalWeakTable<OfferedList, ConcurrentDictionary<string, OfferedList>> _filtered = [];

    /// <summary>The list that a caller sees.</summary>
    /// <param name="list">As the endpoint offers it.</param>
    /// <param name="caller">Who asks.</param>
    public OfferedList For(OfferedList list, Caller caller)
    {
        var kinds = new StringBuilder();
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
            if (last.HasKinds && last.KindOf(caller) is { } kind && last.CatalogOf(kind) is { } catalog)
            {
                (known ??= [])[last] = catalog;
                kinds.Append(last.Name).Append(':').Append((int)kind).Append('.').Append(RuntimeHelpers.GetHashCode(catalog)).Append(' ');
            }
        }

        return known is null ? list : _filtered.GetValue(list, static _ => new()).GetOrAdd(kinds.ToString(), static (_, state) => Filter(state.list, state.known), (list, known));
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
