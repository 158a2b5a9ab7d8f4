using System.Text;
using Fairlead.Configuration;
using Fairlead.Security;

namespace Fairlead.Upstreams.Http;

/// <summary>One remote server: its address, the headers the user configured, and the pool of its TCP connections.</summary>
/// <remarks>
/// Shared by all <see cref="HttpConnection"/>s to the server; disposed after the last of them. No redirects, cookies, proxies or compression:
/// what is sent to a server goes to the configured address and nowhere else (decision 5). HTTP/1.1, or HTTP/2 where TLS negotiates it.
/// </remarks>
internal sealed class HttpEndpoint : IDisposable
{
    // What this side computes itself. A configured value would contradict the message it stands above.
    private static readonly HashSet<string> s_ownHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Expect", "Host", "Last-Event-ID", "TE", "Transfer-Encoding", "Upgrade",
    };

    private readonly HttpMessageInvoker _invoker;
    private readonly KeyValuePair<string, string>[] _headers;

    /// <summary>Prepares the pool; opens no connection.</summary>
    /// <param name="url">Absolute, http or https.</param>
    /// <param name="headers">Sent with every request; values are secrets. Names that the protocol itself needs are passed over.</param>
    /// <param name="connectTimeout">Longest time to set up a TCP and TLS connection.</param>
    /// <param name="handler">What carries the requests, disposed with this; null = TCP connections of its own.</param>
    /// <exception cref="ArgumentException">The address or a header cannot be sent; the message names it, never its value.</exception>
    public HttpEndpoint(Uri url, IEnumerable<KeyValuePair<string, string>> headers, TimeSpan connectTimeout, HttpMessageHandler? handler = null)
    {
        if (!url.IsAbsoluteUri || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
        {
            throw new ArgumentException("The url of a remote server must be absolute and begin with http:// or https://.", nameof(url));
        }

        Url = url;
        Place = url.GetLeftPart(UriPartial.Authority);
        _headers = [.. headers.Where(static header => !IsOwn(header.Key))];
        foreach (var (name, value) in _headers)
        {
            if (value.AsSpan().ContainsAny('\r', '\n', '\0') || !TryName(name))
            {
                throw new ArgumentException($"The header '{name}' cannot be sent: its name must be a token and its value must be one line.", nameof(headers));
            }
        }

        Redactor = new SecretRedactor(_headers.SelectMany(static header => header.Value.Split(' ').Append(header.Value)));
#pragma warning disable CA2000 // The invoker disposes its handler.
        _invoker = new HttpMessageInvoker(handler ?? CreateHandler(connectTimeout), disposeHandler: true);
#pragma warning restore CA2000
    }

    /// <summary>Where messages are posted.</summary>
    public Uri Url { get; }

    /// <summary>Scheme, host and port for messages to people: paths and queries may hold keys.</summary>
    public string Place { get; }

    /// <summary>Hides the configured header values in what a server says.</summary>
    public SecretRedactor Redactor { get; }

    /// <summary>The endpoint of a configured server.</summary>
    /// <exception cref="ArgumentException">The server has no url, or its headers cannot be sent.</exception>
    public static HttpEndpoint From(ServerConfig config, LimitsOptions limits)
    {
        var url = config.Url ?? throw new ArgumentException($"The server '{config.Name}' has no url; a remote server needs one.", nameof(config));
        return new HttpEndpoint(url, config.Headers.Concat(Credentials(config.Auth)), limits.ConnectTimeout);
    }

    /// <summary>A request with the headers that go on all of them.</summary>
    /// <param name="method">POST, GET or DELETE.</param>
    /// <param name="accept">The Accept header.</param>
    public HttpRequestMessage CreateRequest(HttpMethod method, string accept)
    {
        var request = new HttpRequestMessage(method, Url)
        {
            Version = System.Net.HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrHigher,
        };
        request.Headers.TryAddWithoutValidation("Accept", accept);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        foreach (var (name, value) in _headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    /// <summary>Sends a request; completes when the head of the answer is there.</summary>
    /// <exception cref="HttpRequestException">No answer; see <see cref="HttpFailure"/>.</exception>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _invoker.SendAsync(request, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _invoker.Dispose();

    private static SocketsHttpHandler CreateHandler(TimeSpan connectTimeout) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = System.Net.DecompressionMethods.None,
        ConnectTimeout = connectTimeout,
        EnableMultipleHttp2Connections = true,
        ActivityHeadersPropagator = null,

        // A server's new address is found within this time. Connections that a server closes earlier say so in their Keep-Alive header.
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),

        // An event stream whose answer has come is read to its end, if that comes at once, so that its connection can be used again.
        MaxResponseDrainSize = 64 * 1024,
        ResponseDrainTimeout = TimeSpan.FromMilliseconds(500),
        RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
    };

    private static IEnumerable<KeyValuePair<string, string>> Credentials(ServerAuth auth) => auth.Kind switch
    {
        AuthKind.ApiKey when auth.Key is { } key => [new(auth.Header, key)],
        AuthKind.Bearer when auth.Token is { } token => [new("Authorization", "Bearer " + token)],
        AuthKind.Basic => [new("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{auth.User}:{auth.Password}")))],
        _ => [],
    };

    private static bool IsOwn(string name) => s_ownHeaders.Contains(name) || name.StartsWith("Mcp-", StringComparison.OrdinalIgnoreCase);

    private static bool TryName(string name)
    {
        using var request = new HttpRequestMessage();
        return request.Headers.TryAddWithoutValidation(name, "");
    }
}
