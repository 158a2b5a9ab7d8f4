using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>A client of raw messages that speaks one revision over one transport to the aggregate endpoint.</summary>
internal abstract class RevisionClient : IAsyncDisposable
{
    private const string Modern = "2026-07-28";
    private int _next;

    protected RevisionClient(string revision) => Revision = revision;

    protected string Revision { get; }

    protected bool IsModern => Revision == Modern;

    /// <summary>Opens a client and, in a legacy revision, its session.</summary>
    public static async Task<RevisionClient> OpenAsync(string transport, string revision, GatewayProcess gateway)
    {
        RevisionClient client = transport switch
        {
            "Streamable HTTP" => new Http(revision, gateway.Aggregate),
            "HTTP+SSE" => await Sse.ConnectAsync(revision, gateway.Url),
            _ => new Stdio(revision, gateway.Url),
        };
        if (!client.IsModern)
        {
            var answer = await client.AskAsync("initialize", new JsonObject
            {
                ["protocolVersion"] = revision, ["capabilities"] = new JsonObject(), ["clientInfo"] = new JsonObject { ["name"] = "t", ["version"] = "1" },
            });
            Assert.Equal(revision, (string?)answer["result"]?["protocolVersion"]);
            await client.SendAsync(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = "notifications/initialized" });
        }

        return client;
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    public Task<JsonNode> AskAsync(string method, JsonObject parameters)
    {
        if (IsModern)
        {
            parameters["_meta"] = new JsonObject { ["io.modelcontextprotocol/protocolVersion"] = Modern, ["io.modelcontextprotocol/clientCapabilities"] = new JsonObject() };
        }

        return Guard.WithinAsync(ExchangeAsync(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = ++_next, ["method"] = method, ["params"] = parameters }), $"the answer to {method} in {Revision}");
    }

    public abstract ValueTask DisposeAsync();

    protected abstract Task<JsonNode> ExchangeAsync(JsonObject request);

    protected abstract Task SendAsync(JsonObject message);

    private sealed class Http(string revision, Uri endpoint) : RevisionClient(revision)
    {
        private readonly HttpClient _http = new();
        private string? _session;

        public override ValueTask DisposeAsync()
        {
            _http.Dispose();
            return default;
        }

        protected override async Task<JsonNode> ExchangeAsync(JsonObject request)
        {
            using var response = await PostAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            var data = text.Split('\n').LastOrDefault(static line => line.StartsWith("data: {", StringComparison.Ordinal));
            return JsonNode.Parse(data is null ? text : data["data: ".Length..])!;
        }

        protected override async Task SendAsync(JsonObject message) => (await PostAsync(message)).Dispose();

        private async Task<HttpResponseMessage> PostAsync(JsonObject message)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new StringContent(message.ToJsonString(), new MediaTypeHeaderValue("application/json")) };
            request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
            if (IsModern)
            {
                request.Headers.Add("MCP-Protocol-Version", Modern);
                request.Headers.Add("Mcp-Method", (string)message["method"]!);
                if (message["params"]?["name"] is { } name)
                {
                    request.Headers.Add("Mcp-Name", (string)name!);
                }
            }
            else if (_session is not null)
            {
                request.Headers.Add("Mcp-Session-Id", _session);
            }

            var response = await _http.SendAsync(request);
            _session = response.Headers.TryGetValues("Mcp-Session-Id", out var ids) ? ids.Single() : _session;
            return response;
        }
    }

    private sealed class Sse(string revision, HttpClient http, StreamReader lines, Uri endpoint) : RevisionClient(revision)
    {
        public static async Task<RevisionClient> ConnectAsync(string revision, Uri gateway)
        {
            var http = new HttpClient();
            var lines = new StreamReader(await http.GetStreamAsync(new Uri(gateway, "sse")));
            await lines.ReadLineAsync();
            return new Sse(revision, http, lines, new Uri(gateway, (await lines.ReadLineAsync())!["data: ".Length..]));
        }

        public override ValueTask DisposeAsync()
        {
            lines.Dispose();
            http.Dispose();
            return default;
        }

        protected override async Task<JsonNode> ExchangeAsync(JsonObject request)
        {
            await SendAsync(request);
            while (await lines.ReadLineAsync() is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal) && JsonNode.Parse(line["data: ".Length..]) is { } message && message["id"]?.ToString() == request["id"]!.ToString())
                {
                    return message;
                }
            }

            throw new InvalidOperationException("The stream ended before the answer.");
        }

        protected override async Task SendAsync(JsonObject message)
        {
            using var content = new StringContent(message.ToJsonString(), new MediaTypeHeaderValue("application/json"));
            using var response = await http.PostAsync(endpoint, content);
            Assert.Equal(202, (int)response.StatusCode);
        }
    }

    private sealed class Stdio(string revision, Uri gateway) : RevisionClient(revision)
    {
        private readonly ChildProcess _process = ChildProcess.StartWithInput("dotnet", [RepositoryPaths.Cli, "stdio", "--url", gateway.ToString()]);

        public override ValueTask DisposeAsync() => _process.DisposeAsync();

        protected override async Task<JsonNode> ExchangeAsync(JsonObject request)
        {
            await SendAsync(request);
            var id = request["id"]!.ToString();
            var line = await _process.LineAsync(text => text.StartsWith('{') && JsonNode.Parse(text)!["id"]?.ToString() == id && JsonNode.Parse(text)!["method"] is null, $"the answer to {id}");
            return JsonNode.Parse(line)!;
        }

        protected override Task SendAsync(JsonObject message) => _process.WriteLineAsync(message.ToJsonString());
    }
}
