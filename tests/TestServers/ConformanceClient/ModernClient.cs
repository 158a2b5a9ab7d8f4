using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;

namespace Fairlead.TestServers.ConformanceClient;

/// <summary>
/// A client of 2026-07-28 that adds nothing of its own: the SDK's would drop tools with invalid headers and retry versions by itself, and so hide
/// whether the gateway does.
/// </summary>
internal sealed class ModernClient(Uri endpoint) : IDisposable
{
    private const string Revision = "2026-07-28";
    private readonly HttpClient _http = new();
    private int _lastId;

    /// <summary>Sends a request and gives the result.</summary>
    /// <param name="parameters">Without <c>_meta</c>, which is added.</param>
    /// <param name="headers">Mirrored arguments, by header name.</param>
    /// <exception cref="InvalidOperationException">The answer is an error or none; the message carries it.</exception>
    public async Task<JsonObject> RequestAsync(string method, JsonObject? parameters = null, IReadOnlyDictionary<string, string>? headers = null)
    {
        parameters ??= [];
        parameters["_meta"] = new JsonObject
        {
            [MetaKeys.ProtocolVersion] = Revision,
            [MetaKeys.ClientCapabilities] = new JsonObject { ["elicitation"] = new JsonObject() },
            [MetaKeys.ClientInfo] = new JsonObject { ["name"] = "conformance-client", ["version"] = "1.0.0" },
        };
        var id = ++_lastId;
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint)
        {
            Content = new StringContent(
                new JsonObject { ["jsonrpc"] = "2.0", ["id"] = id, ["method"] = method, ["params"] = parameters }.ToJsonString(),
                Encoding.UTF8,
                "application/json"),
        };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        request.Headers.Add("MCP-Protocol-Version", Revision);
        request.Headers.Add("Mcp-Method", method);
        var name = method switch
        {
            RequestMethods.ResourcesRead => parameters["uri"],
            RequestMethods.ToolsCall or RequestMethods.PromptsGet => parameters["name"],
            _ => null,
        };
        if (name is not null)
        {
            request.Headers.Add("Mcp-Name", name.GetValue<string>());
        }

        foreach (var (header, value) in headers ?? new Dictionary<string, string>())
        {
            request.Headers.TryAddWithoutValidation(header, value);
        }

        using var response = await _http.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        var answer = Messages(response, body).FirstOrDefault(message => message["id"]?.GetValueKind() == JsonValueKind.Number && (int)message["id"]! == id);
        return answer?["result"] as JsonObject
            ?? throw new InvalidOperationException($"{method} got no result but HTTP {(int)response.StatusCode}: {body}");
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static IEnumerable<JsonObject> Messages(HttpResponseMessage response, string body)
    {
        if (response.Content.Headers.ContentType?.MediaType != "text/event-stream")
        {
            return Parse(body) is { } message ? [message] : [];
        }

        return body.Split('\n').Where(line => line.StartsWith("data:", StringComparison.Ordinal)).Select(line => Parse(line[5..])).OfType<JsonObject>();
    }

    private static JsonObject? Parse(string text)
    {
        try
        {
            return string.IsNullOrWhiteSpace(text) ? null : JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            // An error page; the caller reports the whole body.
            return null;
        }
    }
}
