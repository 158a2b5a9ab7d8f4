using System.Text.Json.Nodes;
using Fairlead.TestKit;
using ModelContextProtocol.Client;

namespace Fairlead.EndToEnd.Tests.RealServers;

/// <summary>Servers that nobody here wrote, at once behind one endpoint and beside ones that misbehave, used by clients that nobody here wrote.</summary>
public sealed class RealServersTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-real-");
    private GatewayProcess _gateway = null!;

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "note.txt"), "words in a file");
        var memory = Npm("server-memory");
        memory["env"] = new JsonObject { ["MEMORY_FILE_PATH"] = Path.Combine(_folder.FullName, "memory.json") };
        _gateway = await GatewayProcess.StartAsync(new JsonObject
        {
            ["servers"] = new JsonObject
            {
                ["everything"] = Npm("server-everything", "stdio"),
                ["filesystem"] = Npm("server-filesystem", _folder.FullName),
                ["memory"] = memory,
                ["thinking"] = Npm("server-sequential-thinking"),
                ["hangs"] = GatewayProcess.Stdio("sh", "-c", "sleep 1000"),
                ["exits"] = GatewayProcess.Stdio("sh", "-c", "exit 3"),
                ["junk"] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Misbehave", "misbehave-server.dll"), "junk"),
            },
        });
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("2025-11-25")]
    [InlineData("2026-07-28")]
    public async Task SdkClient_WhenSomeServersMisbehave_ListsAndCallsTheOthers(string version)
    {
        await using var client = await Guard.WithinAsync(
            McpClient.CreateAsync(
                new HttpClientTransport(new HttpClientTransportOptions { Endpoint = _gateway.Aggregate, TransportMode = HttpTransportMode.StreamableHttp }),
                new McpClientOptions { ProtocolVersion = version }),
            $"a client of {version} to connect");
        Assert.Equal(version, client.NegotiatedProtocolVersion);

        var names = (await Guard.WithinAsync(client.ListToolsAsync(), "the tools")).Select(tool => tool.Name).ToHashSet(StringComparer.Ordinal);
        Assert.Superset(new HashSet<string> { "everything__echo", "filesystem__read_text_file", "memory__create_entities", "thinking__sequentialthinking" }, names);

        var path = Path.Combine(_folder.FullName, "note.txt");
        var read = await Guard.WithinAsync(client.CallToolAsync("filesystem__read_text_file", new Dictionary<string, object?> { ["path"] = path }), "a file");
        Assert.Contains("words in a file", read.Content.Select(block => block.ToString()).Prepend(System.Text.Json.JsonSerializer.Serialize(read)).First(), StringComparison.Ordinal);
        var sum = await Guard.WithinAsync(client.CallToolAsync("everything__get-sum", new Dictionary<string, object?> { ["a"] = 2, ["b"] = 40 }), "a sum");
        Assert.Contains("42", System.Text.Json.JsonSerializer.Serialize(sum), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("modern")]
    public async Task Inspector_WhenSomeServersMisbehave_ListsAndCallsTheOthers(string era)
    {
        var tools = await InspectAsync(era, "--method", "tools/list");
        Assert.Contains("\"memory__create_entities\"", tools, StringComparison.Ordinal);
        Assert.Contains("\"thinking__sequentialthinking\"", tools, StringComparison.Ordinal);
        Assert.Contains("Echo: hi there", await InspectAsync(era, "--method", "tools/call", "--tool-name", "everything__echo", "--tool-arg", "message=hi there"), StringComparison.Ordinal);
    }

    private static JsonObject Npm(string package, params string[] arguments) =>
        GatewayProcess.Stdio(RepositoryPaths.Node, [RepositoryPaths.NodeModule($"@modelcontextprotocol/{package}/dist/index.js"), .. arguments]);

    private async Task<string> InspectAsync(string era, params string[] arguments)
    {
        var start = new System.Diagnostics.ProcessStartInfo(RepositoryPaths.Node)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        string[] all =
        [
            RepositoryPaths.NodeModule("@modelcontextprotocol/inspector/clients/launcher/build/index.js"), "--cli", _gateway.Aggregate.ToString(),
            "--protocol-era", era, "--format", "json", .. arguments,
        ];
        foreach (var argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        // Otherwise it writes into the home folder.
        start.Environment["HOME"] = _folder.FullName;
        start.Environment["MCP_CATALOG_PATH"] = Path.Combine(_folder.FullName, "catalog.json");
        start.Environment["MCP_CLIENT_CONFIG_PATH"] = Path.Combine(_folder.FullName, "client.json");
        using var inspector = System.Diagnostics.Process.Start(start)!;
        inspector.StandardInput.Close();
        var output = inspector.StandardOutput.ReadToEndAsync();
        var errors = inspector.StandardError.ReadToEndAsync();
        await Guard.WithinAsync(inspector.WaitForExitAsync(), "the Inspector to end");
        Assert.True(inspector.ExitCode == 0, await errors);
        return await output;
    }
}
