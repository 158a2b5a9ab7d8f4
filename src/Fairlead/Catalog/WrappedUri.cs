using System.Diagnostics.CodeAnalysis;
using System.Text;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>The URI by which a resource is reached where another server has the same one: <c>fairlead://SERVER/URI</c> (protocol.md 7, URIs).</summary>
/// <remarks>
/// User interfaces of MCP Apps become <c>ui://fairlead/SERVER/REST</c>: hosts take no other scheme for them. Both forms keep the original text behind a prefix, so they are the same after a restart,
/// can be undone without a table, and a wrapped URI template expands to wrapped URIs (RFC 6570).
/// </remarks>
internal static class WrappedUri
{
    private static ReadOnlySpan<byte> Scheme => "fairlead://"u8;

    private static ReadOnlySpan<byte> AppScheme => "ui://"u8;

    private static ReadOnlySpan<byte> AppPrefix => "ui://fairlead/"u8;

    /// <summary>Wraps a URI or URI template.</summary>
    /// <param name="server">The server's name, a slug.</param>
    /// <param name="uri">The server's own, unescaped.</param>
    public static string Of(string server, string uri) => uri.StartsWith("ui://", StringComparison.Ordinal) ? $"ui://fairlead/{server}/{uri["ui://".Length..]}" : $"fairlead://{server}/{uri}";

    /// <summary>Finds the server in a wrapped URI.</summary>
    /// <param name="uri">Unescaped UTF-8.</param>
    /// <returns>The name; empty when the URI is not wrapped.</returns>
    public static ReadOnlySpan<byte> ServerOf(ReadOnlySpan<byte> uri)
    {
        var prefix = PrefixOf(uri);
        return prefix == 0 || uri[prefix..].IndexOf((byte)'/') is not (> 0 and var length) ? default : uri.Slice(prefix, length);
    }

    /// <summary>The server's own URI of a wrapped one, as a raw string token.</summary>
    /// <param name="token">The raw string token of a URI in which <see cref="ServerOf"/> finds a server.</param>
    public static byte[] Unwrap(ReadOnlySpan<byte> token)
    {
        var uri = new byte[token.Length];
        JsonText.TryUnescape(token, uri, out var written);
        ReadOnlySpan<byte> text = uri.AsSpan(0, written);
        var own = text[(PrefixOf(text) + ServerOf(text).Length + 1)..];
        byte[] original = text.StartsWith(AppPrefix) ? [.. AppScheme, .. own] : own.ToArray();
        var quoted = new byte[JsonText.StringLength(original)];
        JsonText.WriteString(original, quoted);
        return quoted;
    }

    private static int PrefixOf(ReadOnlySpan<byte> uri) => uri.StartsWith(Scheme) ? Scheme.Length : uri.StartsWith(AppPrefix) ? AppPrefix.Length : 0;
}

/// <summary>What of one server is offered under wrapped URIs at one endpoint, to find it again in results. Frozen.</summary>
/// <param name="server">The server's name.</param>
/// <param name="uris">Its own URIs, unescaped.</param>
/// <param name="templates">Its own templates, unescaped.</param>
internal sealed class WrappedResources(string server, IEnumerable<string> uris, IEnumerable<string> templates)
{
    private readonly HashSet<string> _uris = new(uris, StringComparer.Ordinal);
    private readonly UriTemplate[] _templates = [.. templates.Select(template => UriTemplate.Parse(Encoding.UTF8.GetBytes(template))).OfType<UriTemplate>()];

    /// <summary>Wraps a URI that names one of them.</summary>
    /// <param name="uriToken">The raw token as the server wrote it.</param>
    /// <param name="wrapped">The wrapped URI.</param>
    /// <returns>False when clients know the resource by the server's own URI, or the token is no string.</returns>
    public bool TryWrap(ReadOnlySpan<byte> uriToken, [NotNullWhen(true)] out string? wrapped)
    {
        wrapped = null;
        if (JsonText.ToString(uriToken) is not { } uri || !(_uris.Contains(uri) || Array.Exists(_templates, template => template.IsMatch(Encoding.UTF8.GetBytes(uri)))))
        {
            return false;
        }

        wrapped = WrappedUri.Of(server, uri);
        return true;
    }
}
