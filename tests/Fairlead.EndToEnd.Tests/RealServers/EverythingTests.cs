using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Fairlead.TestKit;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Fairlead.EndToEnd.Tests.RealServers;

/// <summary>server-everything, used directly and through the gateway over every transport on either side: a client cannot tell them apart.</summary>
public sealed class EverythingTests(EverythingTests.BothSides sides) : IClassFixture<EverythingTests.BothSides>
{
    /// <summary>Each request on each road: the client's transport, then the server's.</summary>
    public static TheoryData<string, string, string> Requests()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var road in BothSides.Roads)
        {
            foreach (var (method, parameters) in s_requests)
            {
                data.Add(road, method, parameters);
            }
        }

        return data;
    }

    private static readonly (string Method, string Parameters)[] s_requests =
    [
        ("tools/list", "{}"),
        ("prompts/list", "{}"),
        ("resources/list", "{}"),
        ("resources/templates/list", "{}"),
        ("tools/call", """{"name":"echo","arguments":{"message":"h\u00e9 \"there\""}}"""),
        ("tools/call", """{"name":"get-sum","arguments":{"a":2.50,"b":40}}"""),
        ("tools/call", """{"name":"get-tiny-image","arguments":{}}"""),
        ("tools/call", """{"name":"get-structured-content","arguments":{"location":"Chicago"}}"""),
        ("tools/call", """{"name":"get-annotated-message","arguments":{"messageType":"error","includeImage":true}}"""),
        ("tools/call", """{"name":"get-sum","arguments":{"a":"no number"}}"""),
        ("prompts/get", """{"name":"simple-prompt"}"""),
        ("prompts/get", """{"name":"args-prompt","arguments":{"city":"Oslo"}}"""),
        ("resources/read", """{"uri":"demo://resource/static/document/features.md"}"""),
    ];

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Request_WhenItGoesThroughTheGateway_IsAnsweredAsDirectly(string road, string method, string parameters)
    {
        var direct = await ResultAsync(sides.Direct, method, parameters);
        var through = await ResultAsync(sides.Through[road], method, parameters);

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

    /// <summary>The server on its three transports, the gateway in front of them, and a client for each road.</summary>
    public sealed class BothSides : IAsyncLifetime
    {
        private readonly List<ChildProcess> _servers = [];
        private GatewayProcess _gateway = null!;

        internal static string[] Roads { get; } = ["http to http", "http to stdio", "http to sse", "sse to http", "sse to sse", "stdio to http", "stdio to stdio"];

        internal McpClient Direct { get; private set; } = null!;

        internal Dictionary<string, McpClient> Through { get; } = new(StringComparer.Ordinal);

        internal Uri Endpoint => _gateway.Identity("by-http");

        public async Task InitializeAsync()
        {
            var script = RepositoryPaths.NodeModule("@modelcontextprotocol/server-everything/dist/index.js");
            var http = await ServeAsync(script, "streamableHttp", "listening on port");
            var sse = await ServeAsync(script, "sse", "running on port");
            _gateway = await GatewayProcess.StartAsync(new JsonObject
            {
                ["servers"] = new JsonObject
                {
                    ["by-http"] = GatewayProcess.Http($"http://127.0.0.1:{http}/mcp"),
                    ["by-sse"] = GatewayProcess.Http($"http://127.0.0.1:{sse}/sse"),
                    ["by-stdio"] = GatewayProcess.Stdio(RepositoryPaths.Node, script, "stdio"),
                },
            });
            Direct = await ConnectAsync(Http(new Uri($"http://127.0.0.1:{http}/mcp"), HttpTransportMode.StreamableHttp));
            foreach (var road in Roads)
            {
                var server = "by-" + road[(road.LastIndexOf(' ') + 1)..];
                Through[road] = await ConnectAsync(road.Split(' ')[0] switch
                {
                    "http" => Http(_gateway.Identity(server), HttpTransportMode.StreamableHttp),
                    "sse" => Http(new Uri(_gateway.Identity(server) + "/sse"), HttpTransportMode.Sse),
                    _ => new StdioClientTransport(new StdioClientTransportOptions
                    {
                        Command = "dotnet",
                        Arguments = [RepositoryPaths.Cli, "stdio", "--url", _gateway.Url.ToString(), "--server", server],
                    }),
                });
            }
        }

        public async Task DisposeAsync()
        {
            foreach (var client in Through.Values.Append(Direct))
            {
                await client.DisposeAsync();
            }

            await _gateway.DisposeAsync();
            foreach (var server in _servers)
            {
                await server.DisposeAsync();
            }
        }

        private async Task<string> ServeAsync(string script, string transport, string ready)
        {
            var port = LoopbackListener.FreePort().ToString(CultureInfo.InvariantCulture);
            var server = ChildProcess.Start(RepositoryPaths.Node, [script, transport], new Dictionary<string, string> { ["PORT"] = port });
            _servers.Add(server);
            await server.ErrorLineAsync(line => line.Contains(ready, StringComparison.Ordinal), "that it listens");
            return port;
        }

        private static HttpClientTransport Http(Uri endpoint, HttpTransportMode mode) => new(new HttpClientTransportOptions { Endpoint = endpoint, TransportMode = mode });

        // The tools that server-everything lists depend on what its client declares; the gateway declares these.
        private static Task<McpClient> ConnectAsync(IClientTransport transport) => Guard.WithinAsync(
            McpClient.CreateAsync(
                transport,
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
            "a client to connect");
    }
}
