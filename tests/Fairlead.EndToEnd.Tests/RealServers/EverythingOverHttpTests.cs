using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Fairlead.TestKit;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Fairlead.EndToEnd.Tests.RealServers;

/// <summary>server-everything over Streamable HTTP, used directly and through the gateway: a client cannot tell the two apart.</summary>
public sealed class EverythingOverHttpTests(EverythingOverHttpTests.BothSides sides) : IClassFixture<EverythingOverHttpTests.BothSides>
{
    [Theory]
    [InlineData("tools/list", "{}")]
    [InlineData("prompts/list", "{}")]
    [InlineData("resources/list", "{}")]
    [InlineData("resources/templates/list", "{}")]
    [InlineData("tools/call", """{"name":"echo","arguments":{"message":"h\u00e9 \"there\""}}""")]
    [InlineData("tools/call", """{"name":"get-sum","arguments":{"a":2.50,"b":40}}""")]
    [InlineData("tools/call", """{"name":"get-tiny-image","arguments":{}}""")]
    [InlineData("tools/call", """{"name":"get-structured-content","arguments":{"location":"Chicago"}}""")]
    [InlineData("tools/call", """{"name":"get-annotated-message","arguments":{"messageType":"error","includeImage":true}}""")]
    [InlineData("tools/call", """{"name":"get-sum","arguments":{"a":"no number"}}""")]
    [InlineData("prompts/get", """{"name":"simple-prompt"}""")]
    [InlineData("prompts/get", """{"name":"args-prompt","arguments":{"city":"Oslo"}}""")]
    [InlineData("resources/read", """{"uri":"demo://resource/static/document/features.md"}""")]
    public async Task Request_WhenItGoesThroughTheGateway_IsAnsweredAsDirectly(string method, string parameters)
    {
        var direct = await ResultAsync(sides.Direct, method, parameters);
        var through = await ResultAsync(sides.Through, method, parameters);

        Assert.Equal(direct, through);
    }

    [Fact]
    public async Task Call_WhenItReportsProgress_EveryStepComesBeforeTheAnswer()
    {
        using var http = new HttpClient();
        var (opening, _) = await PostAsync(
            http, """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""", null);
        var session = opening.Headers.GetValues("Mcp-Session-Id").Single();
        var (_, stream) = await PostAsync(
            http,
            """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"trigger-long-running-operation","arguments":{"duration":0.2,"steps":4},"_meta":{"progressToken":"mine"}}}""",
            session);

        var messages = stream.Split('\n').Where(static line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(static line => JsonNode.Parse(line["data: ".Length..])!).ToArray();
        Assert.Equal([1, 2, 3, 4], messages[..^1].Select(static message => (int)message["params"]!["progress"]!));
        Assert.All(messages[..^1], static message => Assert.Equal("mine", (string?)message["params"]!["progressToken"]));
        Assert.Contains("Long running operation completed", messages[^1]["result"]!.ToJsonString(), StringComparison.Ordinal);
    }

    private async Task<(HttpResponseMessage Response, string Body)> PostAsync(HttpClient http, string body, string? session)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, sides.Endpoint) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Add("Accept", "application/json, text/event-stream");
        if (session is not null)
        {
            request.Headers.Add("Mcp-Session-Id", session);
        }

        var response = await Guard.WithinAsync(http.SendAsync(request), "an answer of the gateway");
        return (response, await response.Content.ReadAsStringAsync());
    }

    private static async Task<string> ResultAsync(McpClient client, string method, string parameters)
    {
        try
        {
            var response = await Guard.WithinAsync(client.SendRequestAsync(new JsonRpcRequest { Method = method, Params = JsonNode.Parse(parameters) }), method);
            return response.Result!.ToJsonString();
        }
        catch (ModelContextProtocol.McpProtocolException exception)
        {
            return $"{exception.ErrorCode}: {exception.Message}";
        }
    }

    /// <summary>The server, the gateway in front of it, and a client of each.</summary>
    public sealed class BothSides : IAsyncLifetime
    {
        private ChildProcess _everything = null!;
        private GatewayProcess _gateway = null!;

        internal McpClient Direct { get; private set; } = null!;

        internal McpClient Through { get; private set; } = null!;

        internal Uri Endpoint => _gateway.Identity("everything");

        public async Task InitializeAsync()
        {
            var port = FreePort();
            _everything = ChildProcess.Start(
                RepositoryPaths.Node, [RepositoryPaths.NodeModule("@modelcontextprotocol/server-everything/dist/index.js"), "streamableHttp"],
                new Dictionary<string, string> { ["PORT"] = port });
            await _everything.ErrorLineAsync(static line => line.Contains("listening on port", StringComparison.Ordinal), "that it listens");
            var url = $"http://127.0.0.1:{port}/mcp";
            _gateway = await GatewayProcess.StartAsync("everything", GatewayProcess.Http(url));
            Direct = await ConnectAsync(new Uri(url));
            Through = await ConnectAsync(Endpoint);
        }

        public async Task DisposeAsync()
        {
            await Through.DisposeAsync();
            await Direct.DisposeAsync();
            await _gateway.DisposeAsync();
            await _everything.DisposeAsync();
        }

        // The tools that server-everything lists depend on what its client declares; the gateway declares these.
        private static Task<McpClient> ConnectAsync(Uri endpoint) => Guard.WithinAsync(
            McpClient.CreateAsync(
                new HttpClientTransport(new HttpClientTransportOptions { Endpoint = endpoint, TransportMode = HttpTransportMode.StreamableHttp }),
                new McpClientOptions
                {
                    ProtocolVersion = "2025-11-25",
                    Capabilities = new ClientCapabilities { Elicitation = new ElicitationCapability { Form = new(), Url = new() } },
#pragma warning disable MCP9005 // Roots and sampling are what servers of 2025-11-25 look for.
                    Handlers = new McpClientHandlers
                    {
                        ElicitationHandler = static (_, _) => ValueTask.FromResult(new ElicitResult { Action = "cancel" }),
                        RootsHandler = static (_, _) => ValueTask.FromResult(new ListRootsResult { Roots = [] }),
                        SamplingHandler = static (_, _, _) => throw new InvalidOperationException("Nobody samples here."),
                    },
#pragma warning restore MCP9005 // Beyond these two every obsolete word is a mistake.
                }),
            $"a client of {endpoint}");

        private static string FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        }
    }
}
