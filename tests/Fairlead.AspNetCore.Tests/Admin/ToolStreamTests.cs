using System.Net;
using System.Text;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Admin;

public sealed class ToolStreamTests
{
    private const string Tools = """ "result":{"tools":[{"name":"work","inputSchema":{"type":"object"}}]} """;

    private static Task<ScriptedFleet> StartAsync() =>
        ScriptedFleet.StartAsync(("s", static server => server.SpeaksLegacy("""{"tools":{}}""").On("tools/list", Tools).On("tools/call", static _ => null)));

    private static HttpRequestMessage Call(string accept)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/servers/s/tools/work/call") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        request.Headers.Accept.ParseAdd(accept);
        return request;
    }

    private static async Task<(ScriptedServer Server, ScriptedRequest Call)> CalledAsync(ScriptedFleet fleet)
    {
        var server = await fleet.ServerAsync("s");
        await server.WhenReceivedAsync("tools/call");
        return (server, server.Received.Single(static request => request.Method == "tools/call"));
    }

    private static Task ProgressAsync(ScriptedServer server, ScriptedRequest call, int progress)
    {
        using var given = JsonDocument.Parse(call.Params);
        var token = given.RootElement.GetProperty("_meta").GetProperty("progressToken").GetRawText();
        return server.SendAsync($$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{{{token}}},"progress":{{{progress}}},"total":2,"message":"step {{{progress}}}"}}""");
    }

    [Fact]
    public async Task Call_WhenProgressComes_IsStreamedWithTheResultAtItsEnd()
    {
        await using var fleet = await StartAsync();
        var opening = EventStream.OpenAsync(fleet.Host, Call("application/json, text/event-stream"));
        var (server, call) = await CalledAsync(fleet);

        await ProgressAsync(server, call, 1);
        using var stream = await opening;
        Assert.Equal("""{"progress":{"progress":1,"total":2,"message":"step 1"}}""", await stream.NextAsync("the first step"));
        await ProgressAsync(server, call, 2);
        Assert.Equal("""{"progress":{"progress":2,"total":2,"message":"step 2"}}""", await stream.NextAsync("the second step"));
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"result":{"content":[],"n":1.50}}""");
        Assert.Equal("""{"result":{"content":[],"n":1.50}}""", await stream.NextAsync("the result"));
        Assert.Null(await stream.NextAsync("the end"));
    }

    [Fact]
    public async Task Call_WhenItFailsAfterProgress_EndsWithTheProblem()
    {
        await using var fleet = await StartAsync();
        var opening = EventStream.OpenAsync(fleet.Host, Call("text/event-stream"));
        var (server, call) = await CalledAsync(fleet);

        await ProgressAsync(server, call, 1);
        using var stream = await opening;
        await stream.NextAsync("the step");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"error":{"code":-32001,"message":"not today"}}""");

        using var last = JsonDocument.Parse((await stream.NextAsync("the error"))!);
        var problem = last.RootElement.GetProperty("error");
        Assert.Equal(("ToolFailed", 502, -32001), (problem.GetProperty("title").GetString(), problem.GetProperty("status").GetInt32(), problem.GetProperty("code").GetInt32()));
    }

    [Theory]
    [InlineData("application/json, text/event-stream", false)]
    [InlineData("application/json", true)]
    [InlineData("*/*", true)]
    [InlineData("application/json, text/event-stream;q=0", true)]
    public async Task Call_WhenNothingIsStreamed_IsAnsweredAsJson(string accept, bool withProgress)
    {
        await using var fleet = await StartAsync();
        var answering = fleet.Host.Http.SendAsync(Call(accept));
        var (server, call) = await CalledAsync(fleet);
        if (withProgress)
        {
            await ProgressAsync(server, call, 1);
        }

        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"result":{"content":[]}}""");

        using var answer = await Guard.WithinAsync(answering, "the answer");
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("""{"content":[]}""", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Call_WhenItFailsBeforeProgress_IsAProblemWithItsStatus()
    {
        await using var fleet = await StartAsync();
        var answering = fleet.Host.Http.SendAsync(Call("text/event-stream"));
        var (server, call) = await CalledAsync(fleet);
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"error":{"code":-32001,"message":"not today"}}""");

        using var answer = await Guard.WithinAsync(answering, "the answer");
        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Call_WhenTheClientLeavesTheStream_IsCancelledAtTheServer()
    {
        await using var fleet = await StartAsync();
        var opening = EventStream.OpenAsync(fleet.Host, Call("text/event-stream"));
        var (server, call) = await CalledAsync(fleet);
        await ProgressAsync(server, call, 1);

        (await opening).Dispose();

        await server.WhenReceivedAsync("notifications/cancelled");
        Assert.Contains($"\"requestId\":{call.Id}", server.Received.Single(static request => request.Method == "notifications/cancelled").Params, StringComparison.Ordinal);
    }
}
