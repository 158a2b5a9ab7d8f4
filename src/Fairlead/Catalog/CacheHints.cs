using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>How long, and for whom, an endpoint lets clients keep its lists: what its servers allow together (protocol.md 6 and 7, cacheScope).</summary>
/// <remarks>A server of which nothing is known, or that is legacy and says nothing, allows nothing: 0 ms, private. A list that Fairlead filters is private.</remarks>
internal static class CacheHints
{
    /// <summary>The hint of a list that is made of all servers that have it; the default when none does.</summary>
    public static CacheHint OfList(IReadOnlyList<CatalogSource> sources, ListKind kind) => Together(sources, source => OfList(source, kind));

    /// <summary>The hint of what the servers say of themselves; the default when there is none.</summary>
    public static CacheHint OfDiscover(IReadOnlyList<CatalogSource> sources) => Together(sources, source => source.Catalog.Identity?.Caching ?? default);

    private static CacheHint Together(IReadOnlyList<CatalogSource> sources, Func<CatalogSource, CacheHint?> hintOf)
    {
        CacheHint? together = null;
        foreach (var source in sources)
        {
            if (hintOf(source) is { } hint)
            {
                together = together?.With(hint) ?? hint;
            }
        }

        return together ?? default;
    }

    /// <summary>Null when the server has no such list and so no part in it.</summary>
    private static CacheHint? OfList(CatalogSource source, ListKind kind)
    {
        if (source.Catalog.Identity is not { } identity)
        {
            return default(CacheHint);
        }

        var capability = kind switch { ListKind.Tools => "tools"u8, ListKind.Prompts => "prompts"u8, _ => "resources"u8 };
        if (!JsonMembers.TryFind(identity.Capabilities, new ByteRange(0, identity.Capabilities.Length), capability, out _))
        {
            return null;
        }

        var hint = source.Catalog.Hints[(int)kind];
        return kind == ListKind.Tools && !source.Expose.ShowsAll ? hint with { IsPublic = false } : hint;
    }
}
