using System.Text;
using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>Offers the resources of several servers together: URIs stay as they are, but for those that an earlier server has too, which are wrapped (protocol.md 7, URIs).</summary>
internal static class ResourceOffers
{
    /// <summary>The resources, or the templates, of all servers.</summary>
    /// <param name="sources">The servers in configuration order.</param>
    /// <param name="entriesOf">Their resources or templates.</param>
    public static OfferedEntry[] Together(IReadOnlyList<CatalogSource> sources, Func<CatalogSource, CatalogEntry[]> entriesOf)
    {
        var offered = new List<OfferedEntry>();
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var source in sources)
        {
            foreach (var entry in entriesOf(source))
            {
                var name = taken.Add(entry.Name) ? null : WrappedUri.Of(source.Cell.Name, entry.Name);

                // A server that itself lists the wrapped form of one of its URIs has said the same thing twice.
                if (name is null || taken.Add(name))
                {
                    offered.Add(new OfferedEntry(source.Cell, entry, name, source.IsModern));
                }
            }
        }

        return [.. offered];
    }

    /// <summary>Gives tools whose user interface has the URI of another server's resource, or of an earlier tool's user interface, the wrapped one.</summary>
    public static OfferedEntry[] WithUserInterfaces(OfferedEntry[] tools, OfferedEntry[] resources)
    {
        var owners = new Dictionary<string, ServerCell>(StringComparer.Ordinal);
        foreach (var resource in resources.Where(resource => resource.NewName is null))
        {
            owners.Add(resource.Name, resource.Cell);
        }

        return Array.ConvertAll(tools, tool =>
        {
            if (!tool.Entry.UiResource.Exists || JsonText.ToString(tool.Entry.UiResource.Of(tool.Entry.Raw)) is not { } uri)
            {
                return tool;
            }

            return owners.TryAdd(uri, tool.Cell) || ReferenceEquals(owners[uri], tool.Cell) ? tool : tool with { NewUserInterface = WrappedUri.Of(tool.Cell.Name, uri) };
        });
    }

    /// <summary>What is wrapped, by server; servers of which nothing is wrapped are not in it.</summary>
    public static Dictionary<ServerCell, WrappedResources> Wrapped(OfferedEntry[] tools, OfferedEntry[] resources, OfferedEntry[] templates)
    {
        var wrapped = new Dictionary<ServerCell, WrappedResources>();
        var interfaces = tools.Where(tool => tool.NewUserInterface is not null).ToLookup(tool => tool.Cell, UserInterfaceOf);
        var uris = resources.Where(resource => resource.NewName is not null).ToLookup(resource => resource.Cell, resource => resource.Entry.Name);
        var patterns = templates.Where(template => template.NewName is not null).ToLookup(template => template.Cell, template => template.Entry.Name);
        foreach (var cell in interfaces.Select(group => group.Key).Concat(uris.Select(group => group.Key)).Concat(patterns.Select(group => group.Key)))
        {
            wrapped.TryAdd(cell, new WrappedResources(cell.Name, uris[cell].Concat(interfaces[cell]), patterns[cell]));
        }

        return wrapped;
    }

    /// <summary>Where URIs lead.</summary>
    /// <param name="sources">The servers.</param>
    /// <param name="tools">What is offered of them, user interfaces settled.</param>
    /// <param name="resources">The resources.</param>
    /// <param name="templates">The templates.</param>
    /// <param name="wrapped">By <see cref="Wrapped"/>.</param>
    public static ResourceRoutes Routes(
        IReadOnlyList<CatalogSource> sources, OfferedEntry[] tools, OfferedEntry[] resources, OfferedEntry[] templates, Dictionary<ServerCell, WrappedResources> wrapped)
    {
        var unchanged = sources.ToDictionary(source => source.Cell, source => new CatalogRoute(source.Cell, [], false, null) { Wrapped = wrapped.GetValueOrDefault(source.Cell) });
        var unwrapped = unchanged.ToDictionary(route => route.Key, route => route.Value with { IsWrapped = true });
        var exact = RouteTable.ByName(resources, wrapped);
        foreach (var tool in tools.Where(tool => tool.Entry.UiResource.Exists))
        {
            exact.TryAdd(Encoding.UTF8.GetBytes(tool.NewUserInterface ?? UserInterfaceOf(tool)), tool.NewUserInterface is null ? unchanged[tool.Cell] : unwrapped[tool.Cell]);
        }

        var patterns = new List<(UriTemplate, CatalogRoute)>();
        foreach (var template in templates)
        {
            // Expansions of wrapped ones are known by their prefix.
            if (template.NewName is null && UriTemplate.Parse(template.NameUtf8()) is { } pattern)
            {
                patterns.Add((pattern, unchanged[template.Cell]));
            }
        }

        var able = sources.Where(HasResources).ToArray();
        return new ResourceRoutes
        {
            Exact = new RouteTable(exact),
            Servers = new RouteTable(unwrapped.ToDictionary(route => route.Key.NameUtf8, route => route.Value, Utf8NameComparer.Instance)),
            Templates = new RouteTable(RouteTable.ByName(templates, wrapped)),
            Patterns = [.. patterns],
            Able = [.. able.Select(source => unchanged[source.Cell])],
            Others = able.Length == 1 ? unchanged[able[0].Cell] : null,
        };
    }

    private static string UserInterfaceOf(OfferedEntry tool) => JsonText.ToString(tool.Entry.UiResource.Of(tool.Entry.Raw)) ?? "";

    private static bool HasResources(CatalogSource source) => source.Catalog.Identity is { HasResources: true };
}
