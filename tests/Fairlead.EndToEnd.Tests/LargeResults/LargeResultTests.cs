using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.LargeResults;

/// <summary>Results far larger than anything that is held: every byte arrives, and the gateway's memory stays where it was.</summary>
public sealed class LargeResultTests
{
    private const int MiB = 1024 * 1024;
    private const int Bytes = 64 * MiB;

    [Theory]
    [InlineData("json")]
    [InlineData("sse")]
    public async Task Call_WhenAServerOnHttpGivesALargeResult_ItPassesInLittleMemory(string answers)
    {
        await using var server = ChildProcess.Start("dotnet", [RepositoryPaths.BuiltAssembly("Fairlead.Load", "fairlead-load.dll"), "large-http", "--answers", answers]);
        var line = await server.LineAsync(static text => text.Contains("\"listening\"", StringComparison.Ordinal), "the line of the server");
        var url = new Uri(new Uri((string)JsonNode.Parse(line)!["url"]!), "/mcp");
        await using var gateway = await GatewayProcess.StartAsync("large", GatewayProcess.Http(url.ToString()));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var direct = await CallAsync(http, url, Bytes);
        await CallAsync(http, gateway.Identity("large"), 8 * MiB);
        var memory = PeakMemory.Begin(gateway.Id);

        var through = await CallAsync(http, gateway.Identity("large"), Bytes);

        Assert.Equal(direct, through);
        Assert.InRange(memory.MoreMiB, 0, 32);
    }

    [Fact]
    public async Task Call_OverTheCommandStdio_IsRefusedBeyondTheLongestLineAndOthersGoOn()
    {
        await using var server = ChildProcess.Start("dotnet", [RepositoryPaths.BuiltAssembly("Fairlead.Load", "fairlead-load.dll"), "large-http"]);
        var line = await server.LineAsync(static text => text.Contains("\"listening\"", StringComparison.Ordinal), "the line of the server");
        await using var gateway = await GatewayProcess.StartAsync("large", GatewayProcess.Http(new Uri(new Uri((string)JsonNode.Parse(line)!["url"]!), "/mcp").ToString()));
        await using var client = ChildProcess.StartWithInput("dotnet", [RepositoryPaths.Cli, "stdio", "--server", "large", "--state", gateway.StateFolder]);

        await client.WriteLineAsync(Body("large", "{\"bytes\":" + (Bytes + "}")));
        var refused = await client.LineAsync(static text => text.Contains("\"id\":\"c\"", StringComparison.Ordinal), "the refusal");
        await client.WriteLineAsync(Body("large", "{\"bytes\":64}").Replace("\"c\"", "\"d\"", StringComparison.Ordinal));
        var small = await client.LineAsync(static text => text.Contains("\"id\":\"d\"", StringComparison.Ordinal), "a small answer");

        Assert.Contains("longer than the 16777216 bytes that one line may have", refused, StringComparison.Ordinal);
        Assert.Contains("\"result\"", small, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_WhenAServerOnStdioGivesALineBeyondTheLimit_FailsInTheMemoryOfTheLimit()
    {
        await using var gateway = await GatewayProcess.StartAsync("s", GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Misbehave", "misbehave-server.dll"), "gigabyte-line"));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await Guard.WithinAsync(http.GetAsync(new Uri(gateway.Url, "health")), "the gateway");
        var memory = PeakMemory.Begin(gateway.Id);

        var answer = await PostAsync(http, gateway.Identity("s"), "hello", "{}");

        Assert.Contains("a line without end (more than 4 x 16777216 bytes)", answer, StringComparison.Ordinal);
        Assert.InRange(memory.MoreMiB, 0, 16 + 8);
    }

    /// <summary>Calls the tool <c>large</c>; the hash of the JSON text of the answer, whether it comes as an event or not.</summary>
    private static async Task<string> CallAsync(HttpClient http, Uri endpoint, long bytes)
    {
        using var request = Compose(endpoint, "large", "{\"bytes\":" + bytes + "}");
        using var response = await Guard.WithinAsync(http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), "the head of a large result");
        using var stream = await response.Content.ReadAsStreamAsync();
        var isEvent = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
        await Guard.WithinAsync(stream.ReadExactlyAsync(new byte[isEvent ? "event: message\ndata: ".Length : 0]).AsTask(), "the begin of an event");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[128 * 1024];
        var length = 0L;
        for (int read; (read = await Guard.WithinAsync(stream.ReadAsync(buffer), "a large result")) != 0; length += read)
        {
            // Line breaks end an event and stand nowhere else.
            hash.AppendData(buffer.AsSpan(0, read).TrimEnd("\n"u8));
        }

        Assert.True(length > bytes, $"{endpoint} gave {length} bytes.");
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static async Task<string> PostAsync(HttpClient http, Uri endpoint, string tool, string arguments)
    {
        using var request = Compose(endpoint, tool, arguments);
        using var response = await Guard.WithinAsync(http.SendAsync(request), $"the answer to {tool}");
        return await response.Content.ReadAsStringAsync();
    }

    private static HttpRequestMessage Compose(Uri endpoint, string tool, string arguments)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new StringContent(Body(tool, arguments), Encoding.UTF8, new MediaTypeHeaderValue("application/json")) };
        request.Headers.Add("Accept", "application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", "tools/call");
        request.Headers.Add("Mcp-Name", tool);
        return request;
    }

    private static string Body(string tool, string arguments) => "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool + "\",\"arguments\":" + arguments
            + ",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
}
