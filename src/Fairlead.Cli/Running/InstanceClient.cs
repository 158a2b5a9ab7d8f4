using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Fairlead.Cli.Running;

/// <summary>Talks to a running instance over its REST API, the only way that commands reach it.</summary>
internal sealed class InstanceClient : IDisposable
{
    private readonly HttpClient _http;

    private InstanceClient(Uri url, string? token)
    {
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan };
        if (token is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    /// <summary>Runs a command against the instance that the user means, and turns what can go wrong into an exit code and a sentence.</summary>
    public static async Task<int> RunAsync(string? url, string? state, Func<InstanceClient, Task<int>> command)
    {
        var folder = StateFolder.PathFor(state);
        var instance = url is null ? StateFolder.ReadInstance(folder) : null;
        var address = url ?? instance?.Url;
        if (address is null)
        {
            Console.Error.WriteLine($"fairlead: no instance is running with the state folder {folder}. Start one with: fairlead up --config FILE");
            return ExitCodes.NotRunning;
        }

        if (!Uri.TryCreate(address, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https"))
        {
            Console.Error.WriteLine($"fairlead: '{address}' is no http address. Give one like --url http://127.0.0.1:8080");
            return ExitCodes.Usage;
        }

        using var client = new InstanceClient(parsed, StateFolder.ReadToken(folder));
        try
        {
            return await command(client).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            Console.Error.WriteLine($"fairlead: the instance at {address} does not answer ({exception.Message}). Is it running? Start one with: fairlead up");
            return ExitCodes.NotRunning;
        }
    }

    /// <summary>GETs a JSON document.</summary>
    /// <returns>The document, or the exit code after the problem was told on stderr.</returns>
    public async Task<(JsonElement Document, int ExitCode)> GetAsync(string path)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative)).ConfigureAwait(false);
        return await ReadAsync(response).ConfigureAwait(false);
    }

    /// <summary>POSTs a JSON text.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<(JsonElement Document, int ExitCode)> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(new Uri(path, UriKind.Relative), content).ConfigureAwait(false);
        return await ReadAsync(response).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static async Task<(JsonElement Document, int ExitCode)> ReadAsync(HttpResponseMessage response)
    {
        JsonElement document;
        try
        {
            document = await response.Content.ReadFromJsonAsync<JsonElement>().ConfigureAwait(false);
        }
        catch (JsonException)
        {
            Console.Error.WriteLine($"fairlead: the instance answered {(int)response.StatusCode} without JSON. Is something else listening on that port?");
            return (default, ExitCodes.NotRunning);
        }

        if (response.IsSuccessStatusCode)
        {
            return (document, ExitCodes.Ok);
        }

        Console.Error.WriteLine("fairlead: " + Describe(document, response.StatusCode));
        return (document, response.StatusCode == HttpStatusCode.NotFound ? ExitCodes.NotFound : ExitCodes.Failed);
    }

    private static string Describe(JsonElement document, HttpStatusCode status)
    {
        if (document.ValueKind == JsonValueKind.Object)
        {
            if (document.TryGetProperty("detail", out var detail))
            {
                return detail.ToString();
            }

            if (document.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object && error.TryGetProperty("message", out var message))
            {
                return message.ToString();
            }
        }

        return $"the instance answered {(int)status}";
    }
}
