using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.TestKit;
using ModelContextProtocol.Client;

namespace Fairlead.EndToEnd.Tests.Sessions;

/// <summary>Sessions that were open when the gateway was killed go on with the next one, for clients as people have them (product D13).</summary>
/// <remarks>The Inspector's command line opens a session for each command and ends it, so it cannot span a restart; the TypeScript SDK that stands under it can.</remarks>
public sealed class SessionSurvivalTests : IAsyncLifetime
{
    private GatewayProcess _gateway = null!;

    public async Task InitializeAsync() => _gateway = await GatewayProcess.StartAsync(
        "everything", GatewayProcess.Stdio(RepositoryPaths.Node, RepositoryPaths.NodeModule("@modelcontextprotocol/server-everything/dist/index.js"), "stdio"));

    public Task DisposeAsync() => _gateway.DisposeAsync().AsTask();

    [Fact]
    public async Task CSharpClient_WhenTheGatewayIsKilledAndStartedAgain_GoesOnInItsSession()
    {
        await using var client = await Guard.WithinAsync(
            McpClient.CreateAsync(
                new HttpClientTransport(new HttpClientTransportOptions { Endpoint = _gateway.Aggregate, TransportMode = HttpTransportMode.StreamableHttp }),
                new McpClientOptions { ProtocolVersion = "2025-11-25" }),
            "the client to connect");
        var session = client.SessionId;
        await AssertEchoesAsync(client, "before");
        await _gateway.KillAndStartAgainAsync();
        await AssertEchoesAsync(client, "after");
        await _gateway.KillAndStartAgainAsync();
        await AssertEchoesAsync(client, "once more");
        Assert.NotNull(session);
        Assert.Equal(session, client.SessionId);
    }

    [Fact]
    public async Task TypeScriptClient_WhenTheGatewayIsKilledAndStartedAgain_GoesOnAndIsToldToListAgain()
    {
        var start = new ProcessStartInfo(
            RepositoryPaths.Node,
            [
                RepositoryPaths.Source("tests/node/session-client.mjs"), RepositoryPaths.NodeModule("@modelcontextprotocol/sdk"), _gateway.Identity("everything").ToString(),
                "echo", """{"message":"hi there"}""",
            ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var client = Process.Start(start)!;
        var errors = client.StandardError.ReadToEndAsync();
        var before = await EventAsync(client, errors, "called");
        await _gateway.KillAndStartAgainAsync();
        await EventAsync(client, errors, "list_changed");
        await client.StandardInput.WriteLineAsync("again");
        var after = await EventAsync(client, errors, "called");
        Assert.Equal((string?)before["session"], (string?)after["session"]);
        Assert.Contains("Echo: hi there", after["result"]!.ToJsonString(), StringComparison.Ordinal);
        client.StandardInput.Close();
        await Guard.WithinAsync(client.WaitForExitAsync(), "the end of the client");
    }

    [Fact]
    public async Task DeletedSession_WhenTheGatewayIsKilledAtOnce_StaysEnded()
    {
        using var http = new HttpClient();
        var (deleted, open) = (await OpenAsync(http), await OpenAsync(http));
        using (var delete = new HttpRequestMessage(HttpMethod.Delete, _gateway.Aggregate))
        {
            delete.Headers.Add("Mcp-Session-Id", deleted);
            using var response = await Guard.WithinAsync(http.SendAsync(delete), "the end of the session");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        await _gateway.KillAndStartAgainAsync();
        Assert.Equal(HttpStatusCode.NotFound, await PingAsync(http, deleted));
        Assert.Equal(HttpStatusCode.OK, await PingAsync(http, open));
    }

    private static async Task AssertEchoesAsync(McpClient client, string message)
    {
        var result = await Guard.WithinAsync(client.CallToolAsync("everything__echo", new Dictionary<string, object?> { ["message"] = message }), $"the echo of '{message}'");
        Assert.Contains("Echo: " + message, JsonSerializer.Serialize(result), StringComparison.Ordinal);
    }

    private static async Task<JsonNode> EventAsync(Process client, Task<string> errors, string wanted)
    {
        while (await Guard.WithinAsync(client.StandardOutput.ReadLineAsync(), $"the event '{wanted}' of the client") is { } line)
        {
            if (JsonNode.Parse(line) is { } told && (string?)told["event"] == wanted)
            {
                return told;
            }
        }

        throw new InvalidOperationException($"The client ended before '{wanted}': {await errors}");
    }

    private async Task<string> OpenAsync(HttpClient http)
    {
        using var response = await PostAsync(
            http, """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""", null);
        return response.Headers.GetValues("Mcp-Session-Id").Single();
    }

    private async Task<HttpStatusCode> PingAsync(HttpClient http, string session)
    {
        using var response = await PostAsync(http, """{"jsonrpc":"2.0","id":1,"method":"ping"}""", session);
        return response.StatusCode;
    }

    private async Task<HttpResponseMessage> PostAsync(HttpClient http, string body, string? session)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _gateway.Aggregate) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        if (session is not null)
        {
            request.Headers.Add("Mcp-Session-Id", session);
        }

        return await Guard.WithinAsync(http.SendAsync(request), "the answer of the gateway");
    }
}
