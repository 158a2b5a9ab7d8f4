using System.Net;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>The HTTP+SSE transport of 2024-11-05 over raw HTTP (protocol.md 2.2).</summary>
public sealed class SseTransportTests(EchoAndSlowHost shared) : IClassFixture<EchoAndSlowHost>
{
    private readonly FrontHost _host = shared.Host;

    [Theory]
    [InlineData("2024-11-05")]
    [InlineData("2025-03-26")]
    [InlineData("2025-06-18")]
    [InlineData("2025-11-25")]
    public async Task Call_InEveryLegacyRevision_IsAnsweredOnTheStream(string version)
    {
        using var client = await SseClient.InitializeAsync(_host, version: version);

        Assert.StartsWith("/message?sessionId=", client.Endpoint, StringComparison.Ordinal);
        Assert.Contains("\"echo__echo\"", await client.AskAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/list"}"""), StringComparison.Ordinal);
        var answer = await client.AskAsync("""{"jsonrpc":"2.0","id":"two","method":"tools/call","params":{"name":"echo__echo","arguments":{"message":"hello"}}}""");
        Assert.Contains("\"id\":\"two\"", answer, StringComparison.Ordinal);
        Assert.Contains("hello", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("resultType", answer, StringComparison.Ordinal);
        Assert.Equal("""{"jsonrpc":"2.0","id":3,"result":{}}""", await client.AskAsync("""{"jsonrpc":"2.0","id":3,"method":"ping"}"""));
    }

    [Fact]
    public async Task Endpoint_OfOneServer_ServesItsOwnNames()
    {
        using var client = await SseClient.InitializeAsync(_host, "/mcp/echo/sse");

        Assert.StartsWith("/mcp/echo/message?sessionId=", client.Endpoint, StringComparison.Ordinal);
        Assert.Contains("hello", await client.AskAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Batch_IsTakenApartAndAnsweredOneByOne()
    {
        using var client = await SseClient.InitializeAsync(_host, version: "2025-03-26");

        await client.SendAsync("""[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/roots/list_changed"},{"jsonrpc":"2.0","id":2,"method":"ping"}]""");

        string[] answers = [await client.ReadAsync("the first answer"), await client.ReadAsync("the second answer")];
        Assert.Equal(["""{"jsonrpc":"2.0","id":1,"result":{}}""", """{"jsonrpc":"2.0","id":2,"result":{}}"""], answers.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Lists_WhenTheyChange_AreTold()
    {
        using var client = await SseClient.InitializeAsync(_host);

        await _host.Manager.DeployServerAsync(Echo.Server("late"));

        Assert.Contains("notifications/tools/list_changed", await client.ReadAsync("the change of the tool list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Disconnect_CancelsWhatIsInFlightAndEndsTheSession()
    {
        Assert.True(_host.Manager.Fleet.TryGet("slow", out var cell));
        var client = await SseClient.InitializeAsync(_host, "/mcp/slow/sse");
        await client.SendAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait","arguments":{}}}""");
        var connection = cell.Current.Shared!;
        await UntilAsync(() => connection.Pending.CountOpen() == 1, "the call to be open");

        client.Dispose();

        await UntilAsync(() => connection.Pending.CountOpen() == 0, "the end of the call");
        Assert.True(await NotFound(client.Endpoint));
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", "\"id\":1,\"error\":{\"code\":-32600", "initialize")]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}]""", "-32600", "send each message by itself")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""", "-32600", "/mcp")]
    public async Task Message_WhenItCannotBeTakenHere_IsRefusedOnTheStream(string message, string expected, string mend)
    {
        using var client = await SseClient.OpenAsync(_host);

        var answer = await client.AskAsync(message);

        Assert.Contains(expected, answer, StringComparison.Ordinal);
        Assert.Contains(mend, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Initialize_WhenItComesTwice_IsRefused()
    {
        using var client = await SseClient.InitializeAsync(_host);

        Assert.Contains("already", await client.AskAsync("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"""), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST", "/sse", "{}", 405, "/mcp")]
    [InlineData("POST", "/mcp/echo/sse", "{}", 405, "/mcp/echo")]
    [InlineData("POST", "/mcp/nobody/sse", "{}", 404, "nobody")]
    [InlineData("GET", "/message?sessionId=1", "", 405, "POST")]
    [InlineData("POST", "/message", "{}", 404, "open another")]
    [InlineData("POST", "/message?sessionId=1", "{}", 404, "open another")]
    public async Task Request_WhenItIsWrong_SaysWhatToDo(string verb, string path, string body, int status, string mend)
    {
        using var request = new HttpRequestMessage(new HttpMethod(verb), path);
        request.Content = body.Length == 0 ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await Guard.WithinAsync(_host.Http.SendAsync(request), "the refusal");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(mend, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json", 400, "-32700")]
    [InlineData("""{"jsonrpc":"2.0","id":null,"method":"ping"}""", 400, "-32600")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}""", 400, "-32600")]
    public async Task Message_WhenItIsNone_Answers400(string body, int status, string code)
    {
        using var client = await SseClient.InitializeAsync(_host);

        var (answered, text, _) = await _host.PostAsync(client.Endpoint, body);

        Assert.Equal(status, (int)answered);
        Assert.Contains(code, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connection_AtAnotherEndpoint_IsUnknown()
    {
        using var client = await SseClient.InitializeAsync(_host);

        Assert.True(await NotFound(client.Endpoint.Replace("/message", "/mcp/echo/message", StringComparison.Ordinal)));
    }

    /// <summary>Asks again and again, one request in between, until it holds.</summary>
    private Task UntilAsync(Func<bool> holds, string what)
    {
        return Guard.WithinAsync(LoopAsync(), what);

        async Task LoopAsync()
        {
            while (!holds())
            {
                using var _ = await _host.Http.GetAsync(new Uri("/health", UriKind.Relative));
            }
        }
    }

    private async Task<bool> NotFound(string endpoint) =>
        (await _host.PostAsync(endpoint, """{"jsonrpc":"2.0","id":1,"method":"ping"}""")).Status == HttpStatusCode.NotFound;
}
