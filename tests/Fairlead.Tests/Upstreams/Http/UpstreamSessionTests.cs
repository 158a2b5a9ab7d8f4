using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Tests.Upstreams.Http;

/// <summary>Sessions that a legacy server forgets.</summary>
public sealed class UpstreamSessionTests
{
    private const string NoSession = """{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}""";

    [Theory]
    [InlineData(404, "application/json", NoSession)]
    [InlineData(404, "text/plain", "gone")]
    [InlineData(400, "application/json", """{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}""")]
    public async Task List_WhenTheSessionIsGone_IsRepeatedInAnother(int status, string contentType, string body)
    {
        var script = new LegacyScript { Call = (_, context, request) => AnswerAsync(context, request, () => context.AnswerAsync(status, contentType, body)) };
        await using var upstream = await script.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        UpstreamConnection? renewed = null;
        rig.Connection.SessionRenewed = connection => renewed = connection;

        var end = await rig.CallAsync(McpMethod.ToolsList, "");

        Assert.Equal(ForwardError.None, end.Error);
        Assert.Equal(2, script.Sessions);
        Assert.Same(rig.Connection, renewed);
        Assert.Equal(["s1", "s2"], upstream.Requests.Where(request => request.RpcMethod == "tools/list").Select(request => request["Mcp-Session-Id"]));
        var second = upstream.Requests.Where(request => request.RpcMethod == "initialize").Last();
        Assert.Contains("\"capabilities\":{\"elicitation\":{}}", second.Body, StringComparison.Ordinal);
        Assert.Null(second["Mcp-Session-Id"]);
    }

    [Fact]
    public async Task Call_WhenTheSessionIsGone_FailsOnceAndTheNextWorks()
    {
        var script = new LegacyScript { Call = (_, context, request) => AnswerAsync(context, request, () => context.JsonAsync(NoSession, 404)) };
        await using var upstream = await script.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        var first = await rig.CallAsync();
        var second = await rig.CallAsync();

        Assert.Equal(ForwardError.SendFailed, first.Error);
        Assert.Contains("call again", first.Detail, StringComparison.Ordinal);
        Assert.Equal(ForwardError.None, second.Error);
        Assert.Equal(2, script.Sessions);
    }

    [Fact]
    public async Task Lists_WhenManyMeetTheEndAtOnce_ShareOneRenewal()
    {
        var script = new LegacyScript { Call = (_, context, request) => AnswerAsync(context, request, () => context.JsonAsync(NoSession, 404)) };
        await using var upstream = await script.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        var ends = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => rig.CallAsync(McpMethod.ToolsList, "")));

        Assert.All(ends, end => Assert.Equal(ForwardError.None, end.Error));
        Assert.Equal(2, script.Sessions);
    }

    [Fact]
    public async Task Renewal_WhenRefused_LosesTheConnectionWithTheReason()
    {
        var initializes = 0;
        await using var upstream = await RawUpstream.StartAsync((_, context, request) => request.RpcMethod switch
        {
            "initialize" when Interlocked.Increment(ref initializes) == 1 => InitializeAsync(context, request),
            "initialize" => context.AnswerAsync(503, "text/plain", "full"),
            "notifications/initialized" => context.StatusAsync(202),
            _ => context.StatusAsync(404),
        });
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync(McpMethod.ToolsList, "");

        Assert.Equal(ForwardError.ServerLost, end.Error);
        Assert.Contains("its session ended and it opened no other: HTTP 503: full", await Guard.WithinAsync(rig.Connection.Lost, "the end of the connection"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Renewal_WhenTheNewSessionIsForgottenToo_LosesTheConnection()
    {
        var script = new LegacyScript { Call = (_, context, _) => context.StatusAsync(404) };
        await using var upstream = await script.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        await rig.CallAsync(McpMethod.ToolsList, "");

        Assert.Contains("forgets each session", await Guard.WithinAsync(rig.Connection.Lost, "the end of the connection"), StringComparison.Ordinal);
        Assert.Equal(2, script.Sessions);
    }

    [Fact]
    public async Task NotFound_WhenTheErrorNamesTheCall_IsItsAnswer()
    {
        var script = new LegacyScript { Call = (_, context, request) => context.ErrorAsync(request, """{"code":-32601,"message":"unknown method"}""", 404) };
        await using var upstream = await script.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync(McpMethod.PromptsList, "");

        Assert.Equal(ForwardError.None, end.Error);
        Assert.Equal(1, script.Sessions);
    }

    [Fact]
    public async Task NotFound_WhenTheServerHasNoSessions_IsNoExpiry()
    {
        var script = new LegacyScript { HasSessions = false, Call = (_, context, _) => context.StatusAsync(404) };
        await using var upstream = await script.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync(McpMethod.ToolsList, "");

        Assert.Equal(ForwardError.SendFailed, end.Error);
        Assert.Equal(1, script.Sessions);
        Assert.Null(upstream.Requests[^1]["Mcp-Session-Id"]);
    }

    private static Task AnswerAsync(HttpContext context, RawRequest request, Func<Task> ended) =>
        request["Mcp-Session-Id"] == "s1" ? ended() : context.ResultAsync(request, "{}");

    private static Task InitializeAsync(HttpContext context, RawRequest request)
    {
        context.Response.Headers["Mcp-Session-Id"] = "s1";
        return context.ResultAsync(request, """{"protocolVersion":"2025-03-26","capabilities":{},"serverInfo":{"name":"raw","version":"1"}}""");
    }
}
