using Fairlead.Upstreams;

namespace Fairlead.Catalog;

/// <summary>Tells what clients would notice between two states of the lists, so that they are told of changes and of nothing else.</summary>
internal static class CatalogComparison
{
    private static readonly ListKind[] s_kinds = [ListKind.Tools, ListKind.Prompts, ListKind.Resources, ListKind.ResourceTemplates];

    /// <summary>Whether a server said the same twice. Definitions are compared as bytes.</summary>
    public static bool AreEqual(ServerCatalog one, ServerCatalog other) =>
        AreEqual(one.Identity, other.Identity) && one.Hints.AsSpan().SequenceEqual(other.Hints)
        && Array.TrueForAll(s_kinds, kind => AreEqual(CatalogFile.ListOf(one, kind), CatalogFile.ListOf(other, kind)));

    /// <summary>Lets <paramref name="next"/> take over the pages that <paramref name="previous"/> has rendered of lists that look the same.</summary>
    /// <returns>The lists that look different.</returns>
    public static CatalogChanges Succeed(CatalogSnapshot previous, CatalogSnapshot next)
    {
        var changes = CatalogChanges.None;
        foreach (var kind in s_kinds)
        {
            if (next.List(kind).LooksLike(previous.List(kind)))
            {
                next.List(kind).AdoptPages(previous.List(kind));
            }
            else
            {
                changes |= ListAudiences.ChangeOf(kind);
            }
        }

        return changes;
    }

    private static bool AreEqual(UpstreamIdentity? one, UpstreamIdentity? other) =>
        ReferenceEquals(one, other)
        || (one is not null && other is not null && one.Version == other.Version && one.Caching == other.Caching && one.Capabilities.AsSpan().SequenceEqual(other.Capabilities)
            && one.ServerInfo.AsSpan().SequenceEqual(other.ServerInfo) && one.Instructions.AsSpan().SequenceEqual(other.Instructions));

    private static bool AreEqual(CatalogEntry[] one, CatalogEntry[] other)
    {
        if (one.Length != other.Length)
        {
            return false;
        }

        for (var i = 0; i < one.Length; i++)
        {
            if (!one[i].Raw.AsSpan().SequenceEqual(other[i].Raw))
            {
                return false;
            }
        }

        return true;
    }
}
