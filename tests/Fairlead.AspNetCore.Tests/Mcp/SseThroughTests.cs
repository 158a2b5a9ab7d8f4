using Fairlead.Configuration;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>HTTP+SSE on both sides of a gateway, each way in one: a client of HTTP+SSE, a gateway, its server of HTTP+SSE (which is another gateway), a child.</summary>
public sealed class SseThroughTests : IAsyncLifetime
{
    private FrontHost _far = null!;
    private FrontHost _near = null!;

    public async Task InitializeAsync()
    {
        var options = new FairleadOptions();
        options.Servers.Add(Echo.Misbehaving("asks", "asks"));
        _far = await FrontHost.StartAsync(options);
        var near = new FairleadOptions();
        near.Servers.Add(new ServerConfig { Name = "far", Url = new Uri(_far.Url, "/mcp/asks/sse") });
        _near = await FrontHost.StartAsync(near);
    }

    public async Task DisposeAsync()
    {
        await _near.DisposeAsync();
        await _far.DisposeAsync();
    }

    [Fact]
    public async Task Question_OfAServerTwoGatewaysAway_IsAskedAndItsAnswerGoesBack()
    {
        using var client = await SseClient.InitializeAsync(_near, "/mcp/far/sse", "2025-06-18", """{"elicitation":{}}""");

        await client.SendAsync("""{"jsonrpc":"2.0","id":"call","method":"tools/call","params":{"name":"ask_elicitation","arguments":{"message":"Which one?"}}}""");
        var question = await client.ReadAsync("the question");
        Assert.Contains("elicitation/create", question, StringComparison.Ordinal);
        Assert.Contains("Which one?", question, StringComparison.Ordinal);
        using var parsed = System.Text.Json.JsonDocument.Parse(question);
        await client.SendAsync("{\"jsonrpc\":\"2.0\",\"id\":" + parsed.RootElement.GetProperty("id").GetRawText() + ",\"result\":{\"action\":\"accept\",\"content\":{\"colour\":\"violet\"}}}");

        var answer = await client.ReadAsync("the answer");
        Assert.Contains("\"id\":\"call\"", answer, StringComparison.Ordinal);
        Assert.Contains("violet", answer, StringComparison.Ordinal);
    }
}
