namespace Fairlead.Catalog;

/// <summary>What the shared instance of a server had and an instance of one owner had not, when the latter's lists were read. Does not change.</summary>
/// <remarks>Kept as what is lacking, not as what is there: whatever the shared instance gets later is not hidden by an older reading, in whichever order the two are published.</remarks>
internal sealed class LessOffered
{
    private readonly HashSet<string>[] _names;

    private LessOffered(HashSet<string>[] names) => _names = names;

    /// <summary>Compares by name; null when nothing is lacking.</summary>
    public static LessOffered? Between(ServerCatalog shared, ServerCatalog own)
    {
        var names = new HashSet<string>[(int)ListKind.ResourceTemplates + 1];
        for (var kind = ListKind.Tools; kind <= ListKind.ResourceTemplates; kind++)
        {
            names[(int)kind] = [.. CatalogFile.ListOf(shared, kind).Select(static entry => entry.Name)];
            names[(int)kind].ExceptWith(CatalogFile.ListOf(own, kind).Select(static entry => entry.Name));
        }

        return Array.TrueForAll(names, static lacking => lacking.Count == 0) ? null : new LessOffered(names);
    }

    /// <summary>Which lists differ when the one takes the place of the other; null = nothing is lacking.</summary>
    public static CatalogChanges Changes(LessOffered? before, LessOffered? after)
    {
        var changes = CatalogChanges.None;
        for (var kind = ListKind.Tools; kind <= ListKind.ResourceTemplates; kind++)
        {
            if (!(before?._names[(int)kind] ?? []).SetEquals(after?._names[(int)kind] ?? []))
            {
                changes |= ListAudiences.ChangeOf(kind);
            }
        }

        return changes;
    }

    /// <summary>Whether the instance has no entry of this name.</summary>
    public bool Lacks(ListKind kind, string name) => _names[(int)kind].Contains(name);
}
