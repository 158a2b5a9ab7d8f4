using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Fairlead.Routing;

namespace Fairlead.Catalog;

/// <summary>Finds routes by the UTF-8 bytes of a name, without making a string of it. Frozen.</summary>
internal sealed class RouteTable
{
    private readonly FrozenDictionary<byte[], CatalogRoute>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;

    /// <summary>Freezes <paramref name="routes"/>: unescaped UTF-8 names and where they lead.</summary>
    public RouteTable(Dictionary<byte[], CatalogRoute> routes)
    {
        Count = routes.Count;
        _bySpan = routes.ToFrozenDictionary(Utf8NameComparer.Instance).GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>No routes.</summary>
    public static RouteTable Empty { get; } = new([]);

    /// <summary>Number of names.</summary>
    public int Count { get; }

    /// <summary>Where entries lead by the names that clients see; of several of one name the first counts.</summary>
    /// <param name="entries">What is offered.</param>
    /// <param name="wrapped">What is wrapped, by server.</param>
    public static Dictionary<byte[], CatalogRoute> ByName(OfferedEntry[] entries, Dictionary<ServerCell, WrappedResources> wrapped)
    {
        var routes = new Dictionary<byte[], CatalogRoute>(entries.Length, Utf8NameComparer.Instance);
        foreach (var entry in entries)
        {
            routes.TryAdd(entry.NameUtf8(), entry.ToRoute(wrapped.GetValueOrDefault(entry.Cell)));
        }

        return routes;
    }

    /// <summary>Finds a route by an unescaped name.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, [NotNullWhen(true)] out CatalogRoute? route) => _bySpan.TryGetValue(name, out route);
}

/// <summary>Compares names byte by byte.</summary>
internal sealed class Utf8NameComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    /// <summary>The only one.</summary>
    public static Utf8NameComparer Instance { get; } = new();

    /// <inheritdoc/>
    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    /// <inheritdoc/>
    public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

    /// <inheritdoc/>
    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    /// <inheritdoc/>
    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        // Seeded per process: a server that chooses its names cannot choose collisions.
        var hash = default(HashCode);
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
