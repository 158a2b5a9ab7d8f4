using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>One server, as the builder needs it.</summary>
/// <param name="Cell">The server.</param>
/// <param name="Catalog">What is known of it.</param>
/// <param name="Expose">What of it is shown.</param>
/// <param name="Options">What <paramref name="Expose"/> was made from.</param>
internal sealed record CatalogSource(ServerCell Cell, ServerCatalog Catalog, ExposeRules Expose, ExposeOptions Options)
{
    /// <summary>Whether its own endpoint lists nothing because the server is disabled. Its names still lead to it there, so that calls learn why.</summary>
    public bool IsSilent { get; init; }

    /// <summary>Whether the server speaks 2026-07-28 or later.</summary>
    public bool IsModern => Catalog.Identity?.IsModern ?? false;

    /// <summary>The tools that clients may see.</summary>
    public IEnumerable<CatalogEntry> ShownTools => Catalog.Tools.Where(tool => Expose.Shows(tool.Name));
}

/// <summary>Computes what endpoints offer from what is known of the servers. Pure: the same input gives the same snapshot.</summary>
internal static class CatalogBuilder
{
    /// <summary>What <c>/mcp/NAME</c> offers: the server's own definitions under its own names, without the hidden tools.</summary>
    public static CatalogSnapshot BuildIdentity(CatalogSource source)
    {
        var catalog = source.Catalog;
        OfferedEntry[] Offer(IEnumerable<CatalogEntry> entries) => [.. entries.Select(entry => new OfferedEntry(source.Cell, entry, null, source.IsModern))];

        var tools = Offer(source.ShownTools);
        var prompts = Offer(catalog.Prompts);
        var resources = Offer(catalog.Resources);
        var templates = Offer(catalog.Templates);
        var unchanged = new CatalogRoute(source.Cell, [], false, null);
        var nothing = new Dictionary<ServerCell, WrappedResources>();

        // A server that was never listed gets every name, so that a call can wait for it to start; unless a hidden tool could be called that way.
        var unknownNames = catalog.IsUnknown && source.Expose.ShowsAll ? unchanged : null;
        return new CatalogSnapshot(
            Listed(ListKind.Tools, tools),
            Listed(ListKind.Prompts, prompts),
            Listed(ListKind.Resources, resources),
            Listed(ListKind.ResourceTemplates, templates))
        {
            Caching = CacheHints.OfDiscover([source]),
            ToolRoutes = Routes(tools, nothing),
            PromptRoutes = Routes(prompts, nothing),
            ResourceRoutes = new ResourceRoutes { Exact = Routes(resources, nothing), Templates = Routes(templates, nothing), Others = unchanged },
            UnknownNames = unknownNames,
            LegacyCapabilities = Capabilities([source], modern: false),
            ModernCapabilities = Capabilities([source], modern: true),
            Instructions = catalog.Identity?.Instructions,
            ServerInfo = catalog.Identity?.ServerInfo,
        };

        OfferedList Listed(ListKind kind, OfferedEntry[] entries) => new(kind, source.IsSilent ? [] : entries) { Hint = CacheHints.OfList([source], kind) };
    }

    /// <summary>What <c>/mcp</c> offers.</summary>
    /// <param name="sources">The servers in configuration order.</param>
    /// <param name="naming">How names are kept apart.</param>
    /// <param name="notes">Receives sentences about entries that cannot be offered.</param>
    public static CatalogSnapshot BuildAggregate(IReadOnlyList<CatalogSource> sources, NamingPolicy naming, ICollection<string> notes)
    {
        var tools = Named(sources, naming, "tool", source => source.ShownTools, source => source.Expose.NameOf, notes);
        var prompts = Named(sources, naming, "prompt", source => source.Catalog.Prompts, _ => name => name, notes);
        var resources = ResourceOffers.Together(sources, source => source.Catalog.Resources);
        var templates = ResourceOffers.Together(sources, source => source.Catalog.Templates);
        return Together(sources, isPart: false, ResourceOffers.WithUserInterfaces(tools, resources), prompts, resources, templates);
    }

    /// <summary>What <c>/mcp/p/NAME</c> offers: a part of the aggregate, under its names or those that the profile gives.</summary>
    /// <param name="profile">What is in it.</param>
    /// <param name="aggregate">Built of <paramref name="sources"/>.</param>
    /// <param name="sources">The servers in configuration order.</param>
    /// <param name="notes">Receives sentences about tools that cannot be offered.</param>
    public static CatalogSnapshot BuildProfile(ProfileEndpoint profile, CatalogSnapshot aggregate, IReadOnlyList<CatalogSource> sources, ICollection<string> notes)
    {
        OfferedEntry[] Part(ListKind kind) => [.. aggregate.List(kind).Entries.Where(entry => profile.Serves(entry.Cell))];

        CatalogSource[] part = [.. sources.Where(source => profile.Serves(source.Cell))];
        var tools = Renamed(profile, Part(ListKind.Tools), notes);
        var prompts = Part(ListKind.Prompts);
        var resources = Part(ListKind.Resources);
        var templates = Part(ListKind.ResourceTemplates);
        return Together(part, isPart: true, tools, prompts, resources, templates);
    }

    /// <summary>An offer of several servers: the lists, the routes to what is in them, and what the servers can do together.</summary>
    private static CatalogSnapshot Together(
        IReadOnlyList<CatalogSource> sources, bool isPart, OfferedEntry[] tools, OfferedEntry[] prompts, OfferedEntry[] resources, OfferedEntry[] templates)
    {
        var wrapped = ResourceOffers.Wrapped(tools, resources, templates);

        // What is in a part may come to depend on who asks.
        CacheHint Limited(CacheHint hint) => isPart ? hint with { IsPublic = false } : hint;
        OfferedList Listed(ListKind kind, OfferedEntry[] entries) => new(kind, entries) { Hint = Limited(CacheHints.OfList(sources, kind)) };

        return new CatalogSnapshot(
            Listed(ListKind.Tools, tools), Listed(ListKind.Prompts, prompts), Listed(ListKind.Resources, resources), Listed(ListKind.ResourceTemplates, templates))
        {
            Caching = Limited(CacheHints.OfDiscover(sources)),
            ToolRoutes = ToolRoutes(tools, wrapped),
            PromptRoutes = Routes(prompts, wrapped),
            ResourceRoutes = ResourceOffers.Routes(sources, tools, resources, templates, wrapped),
            LegacyCapabilities = Capabilities(sources, modern: false),
            ModernCapabilities = Capabilities(sources, modern: true),
            Instructions = InstructionsText.Join(sources.Select(source => (source.Cell.Name, source.Catalog.Identity?.Instructions ?? []))),
        };
    }

    private static OfferedEntry[] Renamed(ProfileEndpoint profile, OfferedEntry[] tools, ICollection<string> notes)
    {
        var rules = new ExposeRules(new ExposeOptions { Tools = profile.Options.Tools, Hide = profile.Options.Hide, Rename = profile.Options.Rename });
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var offered = new List<OfferedEntry>(tools.Length);
        foreach (var tool in tools.Where(tool => rules.Shows(tool.Name)))
        {
            var name = rules.NameOf(tool.Name);
            if (taken.Add(name))
            {
                offered.Add(tool with { NewName = name == tool.Entry.Name ? null : name });
            }
            else
            {
                notes.Add($"The tool '{DefinitionReader.Shorten(tool.Name)}' is not offered on /mcp/{profile.Name}: another one is named '{DefinitionReader.Shorten(name)}' there. Mend its rename.");
            }
        }

        return [.. offered];
    }

    private static OfferedEntry[] Named(
        IReadOnlyList<CatalogSource> sources,
        NamingPolicy naming,
        string what,
        Func<CatalogSource, IEnumerable<CatalogEntry>> entriesOf,
        Func<CatalogSource, Func<string, string>> namesOf,
        ICollection<string> notes)
    {
        var found = new List<(CatalogSource Source, CatalogEntry Entry)>();
        var wanted = new List<(string Server, string Name)>();
        var pairs = new HashSet<(string Server, string Name)>();
        foreach (var source in sources)
        {
            var nameOf = namesOf(source);
            foreach (var entry in entriesOf(source))
            {
                var pair = (source.Cell.Name, nameOf(entry.Name));
                if (!pairs.Add(pair))
                {
                    notes.Add($"The {what} '{DefinitionReader.Shorten(entry.Name)}' of {source.Cell.Name} is not offered: the server has another one named '{DefinitionReader.Shorten(pair.Item2)}'. Mend expose.rename.");
                    continue;
                }

                found.Add((source, entry));
                wanted.Add(pair);
            }
        }

        var names = NameTable.Assign(wanted, naming);
        var offered = new List<OfferedEntry>(names.Length);
        for (var i = 0; i < names.Length; i++)
        {
            var (source, entry) = found[i];
            if (names[i] is { } name)
            {
                offered.Add(new OfferedEntry(source.Cell, entry, name == entry.Name ? null : name, source.IsModern));
            }
            else
            {
                var owner = found[wanted.FindIndex(pair => pair.Name == wanted[i].Name)].Source.Cell.Name;
                notes.Add($"The {what} '{DefinitionReader.Shorten(entry.Name)}' of {source.Cell.Name} is not offered on /mcp: {owner} stands earlier in the configuration and has one of that name. "
                    + "Set naming to on-collision or prefix, or give it another name with expose.rename.");
            }
        }

        return [.. offered];
    }

    private static RouteTable Routes(OfferedEntry[] entries, Dictionary<ServerCell, WrappedResources> wrapped) => new(RouteTable.ByName(entries, wrapped));

    /// <summary>Routes of the given names, and of the servers' own names where only one server has them: user interfaces inside MCP Apps call sibling tools by those.</summary>
    private static RouteTable ToolRoutes(OfferedEntry[] entries, Dictionary<ServerCell, WrappedResources> wrapped)
    {
        var routes = RouteTable.ByName(entries, wrapped);
        var own = new Dictionary<byte[], CatalogRoute?>(Utf8NameComparer.Instance);
        foreach (var entry in entries)
        {
            if (entry.NewName is not null)
            {
                var plain = entry with { NewName = null };
                var name = plain.NameUtf8();
                own[name] = own.ContainsKey(name) ? null : plain.ToRoute(wrapped.GetValueOrDefault(entry.Cell));
            }
        }

        foreach (var (name, route) in own)
        {
            if (route is not null)
            {
                routes.TryAdd(name, route);
            }
        }

        return new RouteTable(routes);
    }

    private static byte[] Capabilities(IReadOnlyList<CatalogSource> sources, bool modern)
    {
        // An endpoint without servers may get some while clients are connected (product A8).
        var union = new CapabilityUnion();
        if (sources.Count == 0)
        {
            union.AddUnknown();
        }

        foreach (var source in sources)
        {
            if (source.Catalog.Identity is { } identity)
            {
                union.Add(identity, modern);
            }
            else
            {
                union.AddUnknown();
            }
        }

        return union.ToJson();
    }
}
