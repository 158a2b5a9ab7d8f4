using System.Text;
using Fairlead.Catalog;
using Fairlead.Wire;

namespace Fairlead.Routing;

/// <summary>A resource that a client wants to hear of, as its server knows it.</summary>
/// <param name="Server">The server.</param>
/// <param name="UriToken">The server's own URI as a JSON string token in the one spelling of <see cref="Spell"/>, so that it can be compared.</param>
internal sealed record SubscribedResource(ServerCell Server, string UriToken)
{
    /// <summary>The bytes of <see cref="UriToken"/>.</summary>
    public byte[] UriTokenUtf8 => Encoding.UTF8.GetBytes(UriToken);

    /// <summary>What a client's URI leads to.</summary>
    /// <param name="route">Found by <paramref name="clientToken"/>.</param>
    /// <param name="clientToken">The client's raw URI token.</param>
    public static SubscribedResource At(CatalogRoute route, ReadOnlySpan<byte> clientToken) => new(route.Cell, Spell(route.UpstreamName(clientToken) ?? clientToken));

    /// <summary>Writes a string token without needless escapes: clients and servers spell one URI in several ways (<c>\/</c>).</summary>
    public static string Spell(ReadOnlySpan<byte> token) => Encoding.UTF8.GetString(JsonText.Quote(JsonText.ToString(token) ?? ""));
}
