using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Fairlead.BuiltIn.Prometheus;

/// <summary>Makes Prometheus servers.</summary>
internal sealed class PrometheusServerFactory : IMcpServerFactory
{
    /// <summary>Address of the Prometheus.</summary>
    public const string Url = "PROMETHEUS_URL";

    /// <summary>Sent as a Bearer token.</summary>
    public const string ApiKey = "PROMETHEUS_API_KEY";

    /// <inheritdoc/>
    public string Type => "prometheus";

    /// <inheritdoc/>
    public IReadOnlyList<string> Variables { get; } = [Url, ApiKey];

    /// <inheritdoc/>
    public IMcpServer Create(McpServerSettings settings) => new PrometheusServer(settings);
}

/// <summary>The Prometheus server: queries over its HTTP API. Owns the connections.</summary>
internal sealed class PrometheusServer : SdkServer, IAsyncDisposable
{
    private readonly HttpClient _http;
    private readonly string _address;

    /// <summary>Reads the variables.</summary>
    /// <exception cref="ArgumentException">The address is none.</exception>
    public PrometheusServer(McpServerSettings settings)
        : base("fairlead-prometheus", "Prometheus")
    {
        var url = settings.Find(PrometheusServerFactory.Url) ?? "http://localhost:9090";
        if (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || address.UserInfo.Length != 0 || address.Query.Length != 0)
        {
            throw new ArgumentException($"{PrometheusServerFactory.Url} is no address of a Prometheus; write it like http://localhost:9090, a credential belongs to {PrometheusServerFactory.ApiKey}");
        }

        _address = address.ToString().TrimEnd('/');
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5), ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = address,
            Timeout = TimeSpan.FromSeconds(60),
            MaxResponseContentBufferSize = PrometheusApi.AnswerBytesMax,
        };
        if (settings.Find(PrometheusServerFactory.ApiKey) is { } key)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        Add(new PrometheusTools(new PrometheusApi(_http, _address, settings.Time)));
    }

    /// <inheritdoc/>
    public override async Task<BackendReport> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _http.GetAsync("api/v1/status/buildinfo", cancellationToken).ConfigureAwait(false);
            return answer.StatusCode switch
            {
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new BackendReport(
                    BackendState.CredentialRefused, $"{_address} refuses the credential (HTTP {(int)answer.StatusCode}); set {PrometheusServerFactory.ApiKey} to one that it takes, then restart the server"),
                HttpStatusCode.OK => BackendReport.Ready($"Prometheus {VersionOf(await answer.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false))}at {_address}"),

                // Servers with the same API need not tell their version.
                HttpStatusCode.NotFound when await AnswersQueriesAsync(cancellationToken).ConfigureAwait(false) => BackendReport.Ready($"the Prometheus API at {_address}"),
                _ => BackendReport.Unreachable($"{_address} answers with HTTP {(int)answer.StatusCode}, which no Prometheus does; correct {PrometheusServerFactory.Url}, or look at that server"),
            };
        }
        catch (HttpRequestException exception)
        {
            return BackendReport.Unreachable($"no Prometheus answers at {_address} ({exception.Message}); start it, or set {PrometheusServerFactory.Url}");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return default;
    }

    private async Task<bool> AnswersQueriesAsync(CancellationToken cancellationToken)
    {
        using var answer = await _http.GetAsync("api/v1/query?query=1", cancellationToken).ConfigureAwait(false);
        return answer.IsSuccessStatusCode;
    }

    private static string VersionOf(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.GetProperty("data").GetProperty("version").GetString() + " ";
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return ""; // It answers; what it calls itself is for people only.
        }
    }
}
