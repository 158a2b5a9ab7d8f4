using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>One server, as the builder needs it.</summary>
/// <param name="Cell">The server.</param>
/// <param name="Catalog">What is known of it.</param>
/// <param name="Expose">What of it is shown.</param>
/// <param name="Options">What <paramref name="Expose"/> was made from.</param>
internal sealed record CatalogSource(ServerCell Cell, ServerCatalog Catalog, ExposeRules Expose, ExposeOptions Options)
{
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

        // A server that was never listed gets every name, so that a call can wait for it to start; unless a hidden tool could be called that way.
        var unknownNames = catalog.IsUnknown && source.Expose.ShowsAll ? unchanged : null;
        return new CatalogSnapshot(
            new OfferedList(ListKind.Tools, tools),
            new OfferedList(ListKind.Prompts, prompts),
            new OfferedList(ListKind.Resources, resources),
            new OfferedList(ListKind.ResourceTemplates, templates))
        {
            ToolRoutes = Routes(tools),
            PromptRoutes = Routes(prompts),
            ResourceRoutes = new ResourceRoutes { Exact = Routes(resources), Templates = Routes(templates), Others = unchanged },
            UnknownNames = unknownNames,
            LegacyCapabilities = Capabilities([source], modern: false),
            ModernCapabilities = Capabilities([source], modern: true),
            Instructions = catalog.Identity?.Instructions,
            ServerInfo = catalog.Identity?.ServerInfo,
        };
    }

    /// <summary>What <c>/mcp</c> offers.</summary>
    /// <param name="sources">The servers in configuration order.</param>
    /// <param name="naming">How names are kept apart.</param>
    /// <param name="notes">Receives sentences about entries that cannot be offered.</param>
    public static CatalogSnapshot BuildAggregate(IReadOnlyList<CatalogSource> sources, NamingPolicy naming, ICollection<string> notes)
    {
        var tools = Named(sources, naming, "tool", source => source.ShownTools, source => source.Expose.NameOf, notes);
        var prompts = Named(sources, naming, "prompt", source => source.Catalog.Prompts, _ => name => name, notes);
        var resources = ByUri(sources, "resource", source => source.Catalog.Resources, notes);
        var templates = ByUri(sources, "resource template", source => source.Catalog.Templates, notes);
        return Together(sources, tools, prompts, resources, templates);
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
        return Together(part, tools, prompts, resources, templates);
    }

    /// <summary>An offer of several servers: the lists, the routes to what is in them, and what the servers can do together.</summary>
    private static CatalogSnapshot Together(
        IReadOnlyList<CatalogSource> sources, OfferedEntry[] tools, OfferedEntry[] prompts, OfferedEntry[] resources, OfferedEntry[] templates) =>
        new CatalogSnapshot(
            new OfferedList(ListKind.Tools, tools),
            new OfferedList(ListKind.Prompts, prompts),
            new OfferedList(ListKind.Resources, resources),
            new OfferedList(ListKind.ResourceTemplates, templates))
        {
            ToolRoutes = ToolRoutes(tools),
            PromptRoutes = Routes(prompts),
            ResourceRoutes = ResourceRoutes(sources, tools, resources, templates),
            LegacyCapabilities = Capabilities(sources, modern: false),
            ModernCapabilities = Capabilities(sources, modern: true),
            Instructions = InstructionsText.Join(sources.Select(source => (source.Cell.Name, source.Catalog.Identity?.Instructions ?? []))),
        };

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

    private static OfferedEntry[] ByUri(IReadOnlyList<CatalogSource> sources, string what, Func<CatalogSource, CatalogEntry[]> entriesOf, ICollection<string> notes)
    {
        var offered = new List<OfferedEntry>();
        var owners = new Dictionary<string, ServerCell>(StringComparer.Ordinal);
        foreach (var source in sources)
        {
            foreach (var entry in entriesOf(source))
            {
                if (owners.TryAdd(entry.Name, source.Cell))
                {
                    offered.Add(new OfferedEntry(source.Cell, entry, null, source.IsModern));
                }
                else
                {
                    notes.Add($"The {what} {DefinitionReader.Shorten(entry.Name)} of {source.Cell.Name} is not offered on /mcp: {owners[entry.Name].Name} stands earlier in the configuration and has the same URI. "
                        + $"Clients find it at /mcp/{source.Cell.Name}.");
                }
            }
        }

        return [.. offered];
    }

    private static RouteTable Routes(OfferedEntry[] entries) => new(RoutesByName(entries));

    private static Dictionary<byte[], CatalogRoute> RoutesByName(OfferedEntry[] entries)
    {
        var routes = new Dictionary<byte[], CatalogRoute>(entries.Length, Utf8NameComparer.Instance);
        foreach (var entry in entries)
        {
            routes.TryAdd(entry.NameUtf8(), entry.ToRoute());
        }

        return routes;
    }

    /// <summary>Routes of the given names, and of the servers' own names where only one server has them: user interfaces inside MCP Apps call sibling tools by those.</summary>
    private static RouteTable ToolRoutes(OfferedEntry[] entries)
    {
        var routes = RoutesByName(entries);
        var own = new Dictionary<byte[], CatalogRoute?>(Utf8NameComparer.Instance);
        foreach (var entry in entries)
        {
            if (entry.NewName is not null)
            {
                var plain = entry with { NewName = null };
                var name = plain.NameUtf8();
                own[name] = own.ContainsKey(name) ? null : plain.ToRoute();
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

    private static ResourceRoutes ResourceRoutes(IReadOnlyList<CatalogSource> sources, OfferedEntry[] tools, OfferedEntry[] resources, OfferedEntry[] templates)
    {
        var unchanged = sources.ToDictionary(source => source.Cell, source => new CatalogRoute(source.Cell, [], false, null));
        var exact = RoutesByName(resources);
        foreach (var tool in tools)
        {
            if (tool.Entry.UiResource.Exists)
            {
                var uri = tool.Entry with { NameToken = tool.Entry.UiResource };
                exact.TryAdd(new OfferedEntry(tool.Cell, uri, null, tool.IsModern).NameUtf8(), unchanged[tool.Cell]);
            }
        }

        var patterns = new List<(UriTemplate, CatalogRoute)>();
        foreach (var template in templates)
        {
            if (UriTemplate.Parse(template.NameUtf8()) is { } pattern)
            {
                patterns.Add((pattern, unchanged[template.Cell]));
            }
        }

        var able = sources.Where(HasResources).ToArray();
        return new ResourceRoutes
        {
            Exact = new RouteTable(exact),
            Templates = Routes(templates),
            Patterns = [.. patterns],
            Others = able.Length == 1 ? unchanged[able[0].Cell] : null,
        };
    }

    private static bool HasResources(CatalogSource source) =>
        source.Catalog.Identity is { } identity && JsonMembers.TryFind(identity.Capabilities, new ByteRange(0, identity.Capabilities.Length), "resources"u8, out _);

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
