using System.Diagnostics.CodeAnalysis;

namespace Fairlead.Catalog;

/// <summary>Finds the server of a URI: the exact one, then the one that a wrapped URI names, then the first that has named it in a result, then the first template that matches, then the only server that has resources. Frozen.</summary>
internal sealed class ResourceRoutes
{
    /// <summary>No resources.</summary>
    public static ResourceRoutes Empty { get; } = new();

    /// <summary>Exact URIs: listed ones, and those that tools name as their user interface.</summary>
    public RouteTable Exact { get; init; } = RouteTable.Empty;

    /// <summary>The servers that wrapped URIs can name, by their names.</summary>
    public RouteTable Servers { get; init; } = RouteTable.Empty;

    /// <summary>The templates themselves, as completions name them.</summary>
    public RouteTable Templates { get; init; } = RouteTable.Empty;

    /// <summary>The templates as patterns, in the order of the list.</summary>
    public (UriTemplate Template, CatalogRoute Route)[] Patterns { get; init; } = [];

    /// <summary>The servers that have resources, in the order of the configuration.</summary>
    public CatalogRoute[] Able { get; init; } = [];

    /// <summary>Where any other URI leads; null: nowhere.</summary>
    public CatalogRoute? Others { get; init; }

    /// <summary>Finds the route of an unescaped URI.</summary>
    /// <param name="uri">The URI, or a template when <paramref name="isTemplate"/>.</param>
    /// <param name="isTemplate">Whether the text may be a template itself.</param>
    /// <param name="route">Where to.</param>
    public bool TryGet(ReadOnlySpan<byte> uri, bool isTemplate, [NotNullWhen(true)] out CatalogRoute? route)
    {
        if ((isTemplate && Templates.TryGet(uri, out route)) || Exact.TryGet(uri, out route))
        {
            return true;
        }

        // Before the templates: one of another server may match anything.
        if (WrappedUri.ServerOf(uri) is { IsEmpty: false } server && Servers.TryGet(server, out route))
        {
            return true;
        }

        foreach (var able in Able)
        {
            if (able.Cell.NamedUris.Contains(uri))
            {
                route = able;
                return true;
            }
        }

        foreach (var (template, target) in Patterns)
        {
            if (template.IsMatch(uri))
            {
                route = target;
                return true;
            }
        }

        route = Others;
        return route is not null;
    }
}
