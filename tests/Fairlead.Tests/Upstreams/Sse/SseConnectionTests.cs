using System.Text;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.Tests.Upstreams.Sse;

/// <summary>Servers of HTTP+SSE (protocol.md 2.2), through the whole manager.</summary>
public sealed class SseConnectionTests
{
    [Theory]
    [InlineData(ServerTransport.Sse)]
    [InlineData(ServerTransport.Http)]
    public async Task Call_WhenTheServerSpeaksHttpSse_IsAnsweredFromTheStream(ServerTransport transport)
    {
        // Configured as Streamable HTTP, it is found out by its refusal.
        await using var upstream = await new SseScript().StartAsync();
        await using var manager = await DeployAsync(upstream, transport);
        await manager.ReachedAsync("s", ServerState.Healthy);

        var result = await manager.ExecuteToolAsync("s", "hello");

        Assert.Contains("hello", Encoding.UTF8.GetString(result.Raw.Span), StringComparison.Ordinal);
        Assert.DoesNotContain(upstream.Requests, request => request.RpcMethod == "server/discover" && transport == ServerTransport.Sse);
        var methods = upstream.Requests.Where(static request => request.Method == "POST").Select(static request => request.RpcMethod).ToList();
        Assert.True(methods.IndexOf("initialize") < methods.IndexOf("notifications/initialized") && methods.IndexOf("notifications/initialized") < methods.IndexOf("tools/list"));
    }

    [Fact]
    public async Task Post_WhenTheServerRefusesIt_FailsThatCallAlone()
    {
        await using var upstream = await new SseScript
        {
            Call = static (script, context, request) => request.Body.Contains("\"bad\"", StringComparison.Ordinal)
                ? context.AnswerAsync(500, "text/plain", "no room")
                : AnswerAsync(script, context, request),
        }.StartAsync();
        await using var manager = await DeployAsync(upstream);
        await manager.ReachedAsync("s", ServerState.Healthy);

        var failure = await Assert.ThrowsAsync<ConnectionFailed>(async () => await manager.ExecuteToolAsync("s", "hello", new { x = "bad" }));

        Assert.Contains("HTTP 500: no room", failure.Message, StringComparison.Ordinal);
        Assert.False((await manager.ExecuteToolAsync("s", "hello")).IsError);
    }

    [Fact]
    public async Task Stream_WhenItEnds_CallsFailAndTheServerIsConnectedAgain()
    {
        await using var upstream = await new SseScript
        {
            Call = static async (script, context, _) =>
            {
                await context.AnswerAsync(202, "", "Accepted");
                script.Cut();
            },
        }.StartAsync();
        await using var manager = await DeployAsync(upstream);
        await manager.ReachedAsync("s", ServerState.Healthy);

        var failure = await Assert.ThrowsAsync<ConnectionFailed>(async () => await manager.ExecuteToolAsync("s", "hello"));

        Assert.Contains("its event stream ended", failure.Message, StringComparison.Ordinal);
        await manager.ReachedAsync("s", static snapshot => snapshot.Restarts > 0, "the next connection");
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/message")]
    [InlineData("https://evil.example/message?sessionId=7")]
    [InlineData("//evil.example/message")]
    public async Task Endpoint_WhenItIsOfAnotherOrigin_IsRefused(string endpoint)
    {
        await using var upstream = await new SseScript { Endpoint = endpoint }.StartAsync();
        await using var manager = await DeployAsync(upstream);

        var down = await manager.ReachedAsync("s", static snapshot => snapshot.LastFailure is not null, "the refusal");

        Assert.Contains("another origin", down.LastFailure, StringComparison.Ordinal);
        Assert.DoesNotContain(upstream.Requests, static request => request.Method == "POST");
    }

    [Theory]
    [InlineData("message?sessionId=7")]
    [InlineData("./message?sessionId=7")]
    public async Task Endpoint_WhenItIsRelative_IsResolvedAgainstTheStream(string endpoint)
    {
        await using var upstream = await new SseScript { Endpoint = endpoint }.StartAsync();
        await using var manager = await DeployAsync(upstream);

        await manager.ReachedAsync("s", ServerState.Healthy);
    }

    [Fact]
    public async Task Open_WhenCredentialsAreRefused_SaysSo()
    {
        await using var upstream = await new SseScript { Get = static context => context.AnswerAsync(401, "text/plain", "who are you") }.StartAsync();
        await using var manager = await DeployAsync(upstream);

        var down = await manager.ReachedAsync("s", ServerState.AuthRequired);

        Assert.Contains("HTTP 401: who are you", down.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_WhenNothingIsThere_NamesBothTransports()
    {
        await using var upstream = await RawUpstream.StartAsync(static (_, context, _) => context.AnswerAsync(404, "text/html", "<p>nothing</p>"));
        await using var manager = await DeployAsync(upstream, ServerTransport.Http);

        var down = await manager.ReachedAsync("s", static snapshot => snapshot.LastFailure is not null, "the failure");

        Assert.Contains("neither Streamable HTTP nor HTTP+SSE", down.LastFailure, StringComparison.Ordinal);
        Assert.Contains("Check its path", down.LastFailure, StringComparison.Ordinal);
    }

    private static async Task AnswerAsync(SseScript script, Microsoft.AspNetCore.Http.HttpContext context, RawRequest request)
    {
        await context.AnswerAsync(202, "", "Accepted");
        script.Say("{\"result\":{\"content\":[]},\"jsonrpc\":\"2.0\",\"id\":" + request.Id + "}");
    }

    private static async Task<McpManager> DeployAsync(RawUpstream upstream, ServerTransport transport = ServerTransport.Sse)
    {
        var manager = new McpManager();
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Url = upstream.Url, Transport = transport });
        return manager;
    }
}
