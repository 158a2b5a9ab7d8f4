using Fairlead.Catalog;

namespace Fairlead.Routing;

/// <summary>An endpoint beside the aggregate: one server's own, or a profile's. Any thread may read; only the catalogue writes.</summary>
internal abstract class NamedEndpoint(string name)
{
    private volatile CatalogSnapshot _offered = CatalogSnapshot.Empty;

    /// <summary>What stands behind <c>/mcp/</c>: a server's name, or <c>p/</c> and a profile's. Sessions know their endpoint by it.</summary>
    public string Name { get; } = name;

    /// <summary>What the endpoint offers.</summary>
    public CatalogSnapshot Offered
    {
        get => _offered;
        set => _offered = value;
    }

    /// <summary>Whether a server can be reached here.</summary>
    public abstract bool Serves(ServerCell server);
}
