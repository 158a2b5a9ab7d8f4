namespace Fairlead.Cli.Relay;

/// <summary>Tells a gateway that a client is there, for as long as this lives: an instance in the background ends after its last client.</summary>
internal sealed class Attendance : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) }) { Timeout = Timeout.InfiniteTimeSpan };
    private HttpResponseMessage? _held;

    /// <summary>Tells it; in place of the gateway that was told before.</summary>
    /// <returns>Whether a Fairlead answered.</returns>
    public async Task<bool> GreetAsync(Uri gateway)
    {
        _held?.Dispose();
        _held = null;
        try
        {
            _held = await _http.GetAsync(new Uri(gateway, "/api/v1/presence"), HttpCompletionOption.ResponseHeadersRead).ConfigureAwait(false);
            return _held.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _held?.Dispose();
        _http.Dispose();
    }
}
