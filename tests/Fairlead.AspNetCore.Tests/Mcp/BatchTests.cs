using System.Net;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Batches of 2025-03-26 over Streamable HTTP, and of nobody else.</summary>
public sealed class BatchTests(EchoAndSlowHost shared) : IClassFixture<EchoAndSlowHost>
{
    private readonly FrontHost _host = shared.Host;

    [Fact]
    public async Task Batch_OfRequests_IsAnsweredWithAnArray()
    {
        var (status, body, _) = await BatchAsync(
            """[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo__echo","arguments":{"message":"one"}}},{"jsonrpc":"2.0","method":"notifications/roots/list_changed"},{"jsonrpc":"2.0","id":"b","method":"nonsense"}]""");

        Assert.True(status == HttpStatusCode.OK, body);
        using var document = JsonDocument.Parse(body);
        var byId = document.RootElement.EnumerateArray().ToDictionary(static answer => answer.GetProperty("id").ToString());
        Assert.Equal(2, byId.Count);
        Assert.Contains("one", byId["1"].GetProperty("result").GetRawText(), StringComparison.Ordinal);
        Assert.Equal(-32601, byId["b"].GetProperty("error").GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task Batch_WhenOneCallTakesLong_IsAnsweredOnAStream()
    {
        var session = await _host.InitializeAsync("/mcp/slow", "2025-03-26");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/mcp/slow");
        request.Content = new StringContent(
            """[{"jsonrpc":"2.0","id":"quick","method":"ping"},{"jsonrpc":"2.0","id":"waits","method":"tools/call","params":{"name":"wait","arguments":{}}}]""",
            System.Text.Encoding.UTF8, "application/json");
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.Add("Mcp-Session-Id", session);

        // The head comes when the grace is over: the quick answer is on its way then, the other is not.
        using var response = await Guard.WithinAsync(_host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), "the head of the stream");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var (_, released, _) = await _host.PostAsync(
            "/mcp/slow", """{"jsonrpc":"2.0","id":"r","method":"tools/call","params":{"name":"release","arguments":{}}}""", "Mcp-Session-Id: " + session);
        Assert.Contains("1 released", released, StringComparison.Ordinal);

        var body = await Guard.WithinAsync(response.Content.ReadAsStringAsync(), "the end of the stream");
        Assert.InRange(body.IndexOf("\"quick\"", StringComparison.Ordinal), 0, body.IndexOf("\"waits\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Batch_OfNotifications_IsAccepted()
    {
        var (status, body, _) = await BatchAsync("""[{"jsonrpc":"2.0","method":"notifications/roots/list_changed"},{"jsonrpc":"2.0","id":77,"result":{}}]""");

        Assert.Equal((HttpStatusCode.Accepted, ""), (status, body));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}]""")]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}]""")]
    [InlineData("[1]")]
    public async Task Batch_OfWhatNoBatchMayHold_Answers400(string batch)
    {
        var (status, body, _) = await BatchAsync(batch);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("by itself", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Batch_OfTooManyMessages_Answers400()
    {
        var (status, body, _) = await BatchAsync("[" + string.Join(',', Enumerable.Range(0, 257).Select(static id => "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"ping\"}")) + "]");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("256", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2025-06-18")]
    [InlineData("2025-11-25")]
    public async Task Batch_InLaterRevisions_Answers400(string version)
    {
        var session = await _host.InitializeAsync("/mcp", version);

        var (status, body, _) = await _host.PostAsync("/mcp", """[{"jsonrpc":"2.0","id":1,"method":"ping"}]""", "Mcp-Session-Id: " + session);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("2025-03-26", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Batch_WithoutASession_Answers400()
    {
        var (status, body, _) = await _host.PostAsync("/mcp", """[{"jsonrpc":"2.0","id":1,"method":"ping"}]""");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("initialize", body, StringComparison.Ordinal);
    }

    private async Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> BatchAsync(string batch) =>
        await _host.PostAsync("/mcp", batch, "Mcp-Session-Id: " + await _host.InitializeAsync("/mcp", "2025-03-26"));
}
