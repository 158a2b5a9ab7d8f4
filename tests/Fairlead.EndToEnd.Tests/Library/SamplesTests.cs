using System.Text;
using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Library;

/// <summary>The programs of samples/ do what their first lines say.</summary>
public sealed class SamplesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fairlead-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task CallTools_WhenRun_CallsAloneAndInABatch()
    {
        Assert.Equal("hello\necho is Healthy and has 1 tool\n99 of 100 succeeded; the other failed with ToolNotFound\n", await RunAsync("CallTools"));
    }

    [Fact]
    public async Task WatchEvents_WhenRun_PrintsEveryState()
    {
        var lines = (await RunAsync("WatchEvents")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal("server.added watched Initializing it is about to start", lines[0]);
        Assert.Contains("server.state watched Healthy", lines);
        Assert.Equal("server.removed watched", lines[^1]);
    }

    [Fact]
    public async Task WebApp_WhenRun_ServesTheFleetBesideItsOwnPages()
    {
        await using var app = Start("WebApp", "--fleet", await FleetFileAsync(_folder));
        using var http = await ClientAsync(app);

        Assert.Equal("good day", await GetAsync(http, "/say/good%20day"));
        Assert.Equal("""["everything: 1 tools"]""", await GetAsync(http, "/servers"));
        Assert.Equal("Healthy", await GetAsync(http, "/healthz"));
        Assert.Contains("\"everything\"", await GetAsync(http, "/api/v1/servers"), StringComparison.Ordinal);
        Assert.Equal(0, await app.StopAsync());
    }

    [Fact]
    public async Task HostTool_WhenRun_OffersItsToolToMcpClients()
    {
        await using var app = Start("HostTool");
        using var http = await ClientAsync(app);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/mcp/calculator");
        request.Content = new StringContent(
            """
            {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":2,"b":40},
            "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}
            """, Encoding.UTF8, "application/json");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", "tools/call");
        request.Headers.Add("Mcp-Name", "add");
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");

        using var answer = await Guard.WithinAsync(http.SendAsync(request), "the answer of add");

        Assert.Contains("\"text\":\"42\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_WhenCounted_HaveAtMostThirtyLinesAndEachATest()
    {
        var samples = Directory.GetFiles(RepositoryPaths.Source("samples"), "Program.cs", SearchOption.AllDirectories);
        var tests = File.ReadAllText(RepositoryPaths.Source("tests/Fairlead.EndToEnd.Tests/Library/SamplesTests.cs"));

        Assert.NotEmpty(samples);
        Assert.All(samples, sample =>
        {
            Assert.InRange(File.ReadAllLines(sample).Length, 1, 30);
            Assert.Contains($"Task {Path.GetFileName(Path.GetDirectoryName(sample))}_WhenRun_", tests, StringComparison.Ordinal);
        });
    }

    /// <summary>A configuration with the echo server under the name that the sample calls.</summary>
    internal static async Task<string> FleetFileAsync(string folder)
    {
        var file = Path.Combine(folder, "fleet.json");
        var server = GatewayProcess.Stdio("dotnet", EchoServer);
        await File.WriteAllTextAsync(file, new JsonObject { ["servers"] = new JsonObject { ["everything"] = server } }.ToJsonString());
        return file;
    }

    /// <summary>A client of an ASP.NET Core application that has been started, once it listens.</summary>
    internal static async Task<HttpClient> ClientAsync(ChildProcess app)
    {
        const string Announced = "Now listening on: ";
        var line = await app.LineAsync(static line => line.Contains(Announced, StringComparison.Ordinal), "the address it listens on");
        return new HttpClient { BaseAddress = new Uri(line[(line.IndexOf(Announced, StringComparison.Ordinal) + Announced.Length)..]) };
    }

    /// <summary>The text of an answer that must be good.</summary>
    internal static async Task<string> GetAsync(HttpClient http, string path)
    {
        using var answer = await Guard.WithinAsync(http.GetAsync(new Uri(path, UriKind.Relative)), "the answer of " + path);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}\n{text}");
        return text;
    }

    private static string[] EchoServer => [RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll"), "--era", "dual"];

    private static ChildProcess Start(string sample, params string[] arguments) =>
        ChildProcess.Start("dotnet", [RepositoryPaths.BuiltAssembly(sample, sample + ".dll"), .. arguments, "--urls", "http://127.0.0.1:0"]);

    private static async Task<string> RunAsync(string sample)
    {
        await using var process = ChildProcess.Start("dotnet", [RepositoryPaths.BuiltAssembly(sample, sample + ".dll"), "dotnet", .. EchoServer]);
        var exitCode = await Guard.WithinAsync(process.Exit, $"the end of the sample {sample}");
        Assert.True(exitCode == 0, process.Output);
        return process.Output;
    }
}
