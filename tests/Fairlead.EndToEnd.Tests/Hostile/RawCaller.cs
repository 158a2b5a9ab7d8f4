using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>How a call ended, as seen from outside. Exactly one of the three is there.</summary>
/// <param name="Answer">The JSON-RPC message with the call's own id.</param>
/// <param name="Broken">How the connection failed, or what came that is no answer to the call.</param>
/// <param name="IsLate">Nothing came within the patience of the caller.</param>
internal sealed record CallEnd(JsonElement? Answer, string? Broken, bool IsLate)
{
    /// <summary>The error message; null when it is a result or nothing came.</summary>
    public string? Error => Answer is { } answer && answer.TryGetProperty("error", out var error) ? error.GetProperty("message").GetString() : null;

    /// <summary>The first text of the result; null when there is none.</summary>
    public string? Text => Answer is { } answer && answer.TryGetProperty("result", out var result) && result.TryGetProperty("content", out var content)
        && content.GetArrayLength() > 0 && content[0].TryGetProperty("text", out var text) ? text.GetString() : null;

    /// <inheritdoc/>
    public override string ToString() => Answer?.GetRawText() ?? (IsLate ? "nothing in time" : "broken: " + Broken);
}

/// <summary>A client of 2026-07-28 as raw HTTP: nothing repeats a call or repairs an answer. Any thread.</summary>
/// <param name="root">Root of the listener.</param>
internal sealed class RawCaller(Uri root) : IDisposable
{
    private const string Claim = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = root, Timeout = Timeout.InfiniteTimeSpan };
    private long _lastId;

    /// <summary>Calls a tool at the aggregate endpoint.</summary>
    /// <param name="tool">The tool as clients see it.</param>
    /// <param name="arguments">A raw JSON object.</param>
    /// <param name="patience">How long to wait for the answer.</param>
    public Task<CallEnd> CallAsync(string tool, string arguments, TimeSpan patience) =>
        AskAsync("tools/call", $"\"name\":\"{tool}\",\"arguments\":{arguments},", tool, patience);

    /// <summary>The names of all tools, all pages.</summary>
    public async Task<IReadOnlyList<string>> ToolNamesAsync(TimeSpan patience)
    {
        var names = new List<string>();
        string? cursor = null;
        do
        {
            var end = await AskAsync("tools/list", cursor is null ? "" : $"\"cursor\":{JsonSerializer.Serialize(cursor)},", null, patience);
            Assert.True(end.Answer is not null && end.Error is null, $"the list of tools: {end}");
            var result = end.Answer.Value.GetProperty("result");
            names.AddRange(result.GetProperty("tools").EnumerateArray().Select(static tool => tool.GetProperty("name").GetString()!));
            cursor = result.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
        return names;
    }

    /// <summary>All servers as the management API shows them, by id.</summary>
    public async Task<Dictionary<string, JsonObject>> ServersAsync()
    {
        var body = JsonNode.Parse(await _http.GetStringAsync(new Uri("api/v1/servers", UriKind.Relative)))!;
        return body["servers"]!.AsArray().ToDictionary(static server => (string)server!["id"]!, static server => server!.AsObject());
    }

    /// <summary>The status of a request to the management API.</summary>
    /// <param name="token">The admin token; null = none is sent.</param>
    /// <param name="body">A JSON text; null = none.</param>
    public async Task<int> StatusAsync(HttpMethod method, string path, string? token = null, string? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (token is not null)
        {
            request.Headers.Authorization = new("Bearer", token);
        }

        request.Content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await _http.SendAsync(request);
        return (int)response.StatusCode;
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<CallEnd> AskAsync(string method, string parameters, string? name, TimeSpan patience)
    {
        var id = $"c-{Interlocked.Increment(ref _lastId)}";
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("mcp", UriKind.Relative))
        {
            Content = new StringContent($"{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":\"{method}\",\"params\":{{{parameters}{Claim}}}}}", Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", method);
        if (name is not null)
        {
            request.Headers.Add("Mcp-Name", name);
        }

        using var limit = new CancellationTokenSource(patience, TimeProvider.System);
        try
        {
            using var response = await _http.SendAsync(request, limit.Token);
            var body = await response.Content.ReadAsStringAsync(limit.Token);
            return Read(body, id, (int)response.StatusCode);
        }
        catch (OperationCanceledException)
        {
            return new CallEnd(null, null, IsLate: true);
        }
        catch (HttpRequestException exception)
        {
            return new CallEnd(null, exception.Message, IsLate: false);
        }
    }

    private static CallEnd Read(string body, string id, int status)
    {
        // JSON, or a stream of events whose last one is the answer.
        var text = body.StartsWith('{') ? body : body.Split('\n').LastOrDefault(static line => line.StartsWith("data: {", StringComparison.Ordinal))?[6..];
        try
        {
            var message = text is null ? default : JsonDocument.Parse(text).RootElement;
            return message.ValueKind == JsonValueKind.Object && message.TryGetProperty("id", out var own) && own.ValueEquals(id)
                ? new CallEnd(message, null, IsLate: false)
                : new CallEnd(null, $"no answer to {id} but HTTP {status}: {body}", IsLate: false);
        }
        catch (JsonException exception)
        {
            return new CallEnd(null, $"HTTP {status} with a broken body ({exception.Message}): {body}", IsLate: false);
        }
    }
}
