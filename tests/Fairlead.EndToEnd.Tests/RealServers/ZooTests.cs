using System.Text.Json.Nodes;
using Fairlead.TestKit;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Fairlead.EndToEnd.Tests.RealServers;

/// <summary>The servers of npm that people really run, at once behind one endpoint: heavy ones, ones whose service is out of reach, ones that declare what they do not have, one that
/// never answers.</summary>
public sealed class ZooTests(ZooTests.Zoo zoo) : IClassFixture<ZooTests.Zoo>
{
    [Theory]
    [InlineData("context7", 2)]
    [InlineData("eslint", 1)]
    [InlineData("filesystem", 14)]
    [InlineData("kubernetes", 23)]
    [InlineData("memory", 9)]
    [InlineData("next", 4)]
    [InlineData("notion", 24)]
    [InlineData("pdf", 9)]
    [InlineData("playwright", 25)]
    [InlineData("thinking", 1)]
    public async Task List_OfEachServer_IsComplete(string server, int tools)
    {
        var own = await zoo.NamesAsync($"mcp/{server}");
        Assert.Equal(tools, own.Count);

        var aggregate = await zoo.NamesAsync("mcp");
        Assert.Equal(own.Count, aggregate.Count(name => name.StartsWith(server + "__", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("eslint__lint-files", """{"filePaths":["/nonexistent.js"]}""", "No files matching")]
    [InlineData("everything__echo", """{"message":"hello"}""", "Echo: hello")]
    [InlineData("filesystem__list_allowed_directories", "{}", "fairlead-zoo-")]
    [InlineData("memory__read_graph", "{}", "entities")]
    [InlineData("thinking__sequentialthinking", """{"thought":"one","nextThoughtNeeded":false,"thoughtNumber":1,"totalThoughts":1}""", "thoughtNumber")]
    [InlineData("kubernetes__kubectl_context", """{"operation":"list"}""", "contexts")]
    [InlineData("pdf__list_pdfs", "{}", "PDF")]
    [InlineData("list_pdfs", "{}", "PDF")]
    public async Task Call_ThatNeedsNoNetwork_IsAnswered(string tool, string arguments, string expected)
    {
        var answer = await zoo.AskAsync("tools/call", "{\"name\":\"" + tool + "\",\"arguments\":" + arguments + "}");

        Assert.Contains(expected, answer.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2025-11-25")]
    [InlineData("2026-07-28")]
    public async Task Context7_IsServedToClientsOfBothEras(string version)
    {
        await using var client = await zoo.ConnectAsync("mcp/context7", version);

        Assert.Equal(version, client.NegotiatedProtocolVersion);
        Assert.Equal(2, (await Guard.WithinAsync(client.ListToolsAsync(), "the tools")).Count);

        // Its service is out of reach of the tests: the tool says so itself, which is an answer.
        var answer = await Guard.WithinAsync(client.CallToolAsync("resolve-library-id", new Dictionary<string, object?> { ["libraryName"] = "react", ["query"] = "hooks" }), "an answer");
        Assert.NotEmpty(answer.Content);
    }

    [Fact]
    public async Task Apps_OfAServer_WorkThroughTheAggregate()
    {
        var tools = (await zoo.AskAsync("tools/list", "{}"))["tools"]!.AsArray();
        var tool = tools.Single(static tool => (string?)tool!["name"] == "pdf__display_pdf")!;
        var page = (string)tool["_meta"]!["ui"]!["resourceUri"]!;
        Assert.StartsWith("ui://", page, StringComparison.Ordinal);

        var contents = (await zoo.AskAsync("resources/read", "{\"uri\":\"" + page + "\"}"))["contents"]![0]!;

        Assert.Equal(page, (string?)contents["uri"]);
        Assert.Equal("text/html;profile=mcp-app", (string?)contents["mimeType"]);
        Assert.Contains("<html", (string)contents["text"]!, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Revisions_OfServersOfBothEras_AreTheNewestThatEachSpeaks()
    {
        var health = await zoo.ServersAsync();

        Assert.Equal("2026-07-28", (string?)health["context7"]!["protocolVersion"]);
        Assert.Equal("2026-07-28", (string?)health["supabase"]!["protocolVersion"]);
        Assert.Equal("2025-11-25", (string?)health["notion"]!["protocolVersion"]);
    }

    [Fact]
    public async Task Server_WhoseServiceIsOutOfReach_IsDegradedWithItsReason()
    {
        var supabase = (await zoo.ServersAsync())["supabase"]!;

        Assert.Equal("Degraded", (string?)supabase["state"]);
        Assert.Contains("tools/list", (string)supabase["reason"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_ThatNeverAnswers_IsNamedWithItsReason()
    {
        var line = await zoo.StripeFailedAsync();

        Assert.Contains("did not answer initialize", line, StringComparison.Ordinal);
    }

    /// <summary>The gateway with all of them.</summary>
    public sealed class Zoo : IAsyncLifetime
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-zoo-");
        private GatewayProcess _gateway = null!;
        private McpClient _client = null!;

        public async Task InitializeAsync()
        {
            var notion = Npm("@notionhq/notion-mcp-server/bin/cli.mjs");
            notion["env"] = new JsonObject { ["NOTION_TOKEN"] = "x" };
            var memory = Npm("@modelcontextprotocol/server-memory/dist/index.js");
            memory["env"] = new JsonObject { ["MEMORY_FILE_PATH"] = Path.Combine(_folder.FullName, "memory.json") };
            _gateway = await GatewayProcess.StartAsync(new JsonObject
            {
                // Short for the one that hangs; the heaviest of the others needs a second alone, and much more when all start on two cores.
                ["limits"] = new JsonObject { ["startTimeout"] = "40s" },
                ["firstListWaitMs"] = 60_000,
                ["servers"] = new JsonObject
                {
                    ["context7"] = Npm("@upstash/context7-mcp/dist/index.js"),
                    ["everything"] = Npm("@modelcontextprotocol/server-everything/dist/index.js", "stdio"),
                    ["filesystem"] = Npm("@modelcontextprotocol/server-filesystem/dist/index.js", _folder.FullName),
                    ["memory"] = memory,
                    ["thinking"] = Npm("@modelcontextprotocol/server-sequential-thinking/dist/index.js"),
                    ["eslint"] = Npm("@eslint/mcp/src/mcp-cli.js"),
                    ["kubernetes"] = Npm("mcp-server-kubernetes/dist/index.js"),
                    ["next"] = Npm("next-devtools-mcp/dist/index.js"),
                    ["notion"] = notion,
                    ["pdf"] = Npm("@modelcontextprotocol/server-pdf/dist/index.js", "--stdio"),
                    ["playwright"] = Npm("@playwright/mcp/cli.js", "--headless", "--isolated"),
                    ["supabase"] = Npm("@supabase/mcp-server-supabase/dist/cli.js", "--access-token", "x"),
                    ["stripe"] = Npm("@stripe/mcp/dist/index.js", "--api-key=rk_test_x"),
                },
            });
            foreach (var server in new[] { "context7", "eslint", "everything", "filesystem", "memory", "thinking", "kubernetes", "next", "notion", "pdf", "playwright", "supabase" })
            {
                await _gateway.LineAsync(
                    line => line.Contains($"\"id\":\"{server}\"", StringComparison.Ordinal) && (line.Contains("Healthy", StringComparison.Ordinal) || line.Contains("Degraded", StringComparison.Ordinal)),
                    $"that {server} is up");
            }

            _client = await ConnectAsync(_gateway.Aggregate);
        }

        public async Task DisposeAsync()
        {
            await _client.DisposeAsync();
            await _gateway.DisposeAsync();
            _folder.Delete(recursive: true);
        }

        internal async Task<JsonNode> AskAsync(string method, string parameters) =>
            (await Guard.WithinAsync(_client.SendRequestAsync(new JsonRpcRequest { Method = method, Params = JsonNode.Parse(parameters) }), method)).Result!;

        internal Task<McpClient> ConnectAsync(string path, string version) => ConnectAsync(new Uri(_gateway.Url, path), version);

        internal async Task<HashSet<string>> NamesAsync(string path)
        {
            await using var client = await ConnectAsync(new Uri(_gateway.Url, path));
            return [.. (await Guard.WithinAsync(client.ListToolsAsync(), "the tools")).Select(static tool => tool.Name)];
        }

        internal async Task<Dictionary<string, JsonNode>> ServersAsync()
        {
            using var http = new HttpClient();
            var list = JsonNode.Parse(await Guard.WithinAsync(http.GetStringAsync(new Uri(_gateway.Url, "api/v1/servers")), "the servers"))!;
            return list["servers"]!.AsArray().ToDictionary(static server => (string)server!["id"]!, static server => server!);
        }

        internal Task<string> StripeFailedAsync() => _gateway.LineAsync(
            static line => line.Contains("\"id\":\"stripe\"", StringComparison.Ordinal) && line.Contains("Unhealthy", StringComparison.Ordinal), "that stripe hangs");

        private static Task<McpClient> ConnectAsync(Uri endpoint, string? version = null) => Guard.WithinAsync(
            McpClient.CreateAsync(new HttpClientTransport(new HttpClientTransportOptions { Endpoint = endpoint, TransportMode = HttpTransportMode.StreamableHttp }), new McpClientOptions { ProtocolVersion = version }), "a client to connect");

        private static JsonObject Npm(string script, params string[] arguments) => GatewayProcess.Stdio(RepositoryPaths.Node, [RepositoryPaths.NodeModule(script), .. arguments]);
    }
}
