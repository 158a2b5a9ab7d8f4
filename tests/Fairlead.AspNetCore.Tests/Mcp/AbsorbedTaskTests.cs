using System.Net;
using System.Text;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Tools that a server of 2025-11-25 runs only as tasks, called by clients of 2026-07-28 (protocol.md 6, tasks 25-11-25): Fairlead asks for the task and waits for its end.</summary>
public sealed class AbsorbedTaskTests
{
    [Fact]
    public async Task Call_OfAToolThatNeedsATask_GivesTheResultOfTheTaskAsItsOwn()
    {
        var runs = TaskScript.Legacy(id: "t\\u00e9");
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var (_, list, _) = await host.ModernAsync("/mcp", "tools/list", "");
        Assert.Contains("\"s__work\"", list, StringComparison.Ordinal);
        Assert.DoesNotContain("execution", list, StringComparison.Ordinal);

        var call = host.ModernAsync("/mcp", "tools/call", "\"name\":\"s__work\",\"arguments\":{\"n\":1.50}", "s__work", "\"c\\u00e9\"", "\"progressToken\":\"p\\u00e9\"");
        await server.WhenReceivedAsync("tasks/result");
        var asked = server.Received.Single(static request => request.Method == "tools/call");
        var parameters = JsonDocument.Parse(asked.Params).RootElement;
        Assert.Equal(("{}", "{\"n\":1.50}"), (parameters.GetProperty("task").GetRawText(), parameters.GetProperty("arguments").GetRawText()));
        var waiting = server.Received.Single(static request => request.Method == "tasks/result");
        Assert.Equal("""{"taskId":"t\u00e9"}""", waiting.Params);

        // The token of the first request goes on to be used while the task runs.
        await server.SendAsync(
            """{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":TOKEN,"progress":1.0,"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t\u00e9"}}}}"""
                .Replace("TOKEN", asked.Id, StringComparison.Ordinal));
        await server.SendAsync(
            """{"jsonrpc":"2.0","id":UP,"result":{"content":[{"type":"text","text":"\/done"}],"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t\u00e9"},"x":1.0}}}"""
                .Replace("UP", waiting.Id, StringComparison.Ordinal));
        var (status, body, _) = await call;

        Assert.Equal(HttpStatusCode.OK, status);
        var messages = body.Split('\n').Where(static line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(static line => line["data: ".Length..]).ToArray();
        Assert.Equal(
            [
                """{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p\u00e9","progress":1.0,"_meta":{}}}""",
                """{"jsonrpc":"2.0","id":"c\u00e9","result":{"resultType":"complete","content":[{"type":"text","text":"\/done"}],"_meta":{"x":1.0}}}""",
            ],
            messages);
    }

    [Theory]
    [InlineData(""" "error":{"code":-32603,"message":"it failed","data":1.0}""", """ "error":{"code":-32603,"message":"it failed","data":1.0}""")]
    [InlineData(""" "result":{"content":[],"isError":true}""", """ "result":{"resultType":"complete","content":[],"isError":true}""")]
    public async Task Call_OfATaskThatFails_GivesTheFailure(string answer, string expected)
    {
        await using var host = await TaskScript.StartAsync(null, null, ("s", TaskScript.Legacy(server => server.On("tasks/result", answer))));

        var (_, body, _) = await host.ModernAsync("/mcp/s", "tools/call", "\"name\":\"work\",\"arguments\":{}", "work");

        Assert.Equal("{\"jsonrpc\":\"2.0\"," + expected + ",\"id\":1}", EventStream.LastMessage(body));
    }

    [Theory]
    [InlineData(""" "error":{"code":-32000,"message":"busy"}""", "busy")]
    [InlineData(""" "result":{"content":[{"type":"text","text":"at once"}]}""", "at once")]
    public async Task Call_OfAServerThatMakesNoTask_GivesWhatItAnswered(string answer, string expected)
    {
        var runs = TaskScript.Legacy(server => server.On("tools/call", answer));
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));

        var (_, body, _) = await host.ModernAsync("/mcp/s", "tools/call", "\"name\":\"work\",\"arguments\":{}", "work");

        Assert.Contains(expected, body, StringComparison.Ordinal);
        Assert.DoesNotContain((await runs.WhenRunAsync(1)).Server.Received, static request => request.Method == "tasks/result");
    }

    [Fact]
    public async Task Call_WhoseClientLeaves_CancelsTheTaskAtTheServer()
    {
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        using var client = new CancellationTokenSource();
        var body = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"work","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""";
        using var request = FrontHost.Compose("/mcp/s", body, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: work");
        var call = host.Http.SendAsync(request, client.Token);
        await server.WhenReceivedAsync("tasks/result");

        await client.CancelAsync();
        await server.WhenReceivedAsync("tasks/cancel");

        Assert.Equal("t-1", server.Received.Single(static message => message.Method == "tasks/cancel").Text("taskId"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);

        // Answers come in order: after this one the cancellation has been answered too.
        await host.ModernAsync("/mcp/s", "tools/call", "\"name\":\"plain\",\"arguments\":{}", "plain");
        Assert.True(host.Manager.Fleet.TryGet("s", out var cell));
        Assert.Equal(0, cell.Current.Shared!.Pending.CountOpen());
    }

    [Fact]
    public async Task Call_OfAToolThatNeedsATask_AtAnHttpServer_WaitsOnAStreamOfItsOwn()
    {
        var script = new LegacyScript
        {
            Capabilities = TaskScript.LegacyCapabilities,
            Call = static async (upstream, context, request) =>
            {
                switch (request.RpcMethod)
                {
                    case "tools/list":
                        await context.ResultAsync(request, """{"tools":[{"name":"work","inputSchema":{"type":"object"},"execution":{"taskSupport":"required"}}]}""");
                        break;
                    case "tools/call":
                        await context.ResultAsync(request, """{"task":{"taskId":"t-1","status":"working","createdAt":"x","lastUpdatedAt":"x","ttl":null}}""");
                        break;
                    case "tasks/result":
                        await context.StartEventsAsync();
                        var first = upstream.Requests.Last(static one => one.RpcMethod == "tools/call").Id;
                        await context.EventAsync("""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":TOKEN,"progress":1}}""".Replace("TOKEN", first, StringComparison.Ordinal));
                        if (upstream.Requests.Count(static one => one.RpcMethod == "tools/call") == 1)
                        {
                            await context.EventAsync($$$"""{"jsonrpc":"2.0","id":{{{request.Id}}},"result":{"content":[{"type":"text","text":"done"}]}}""");
                        }
                        else
                        {
                            await context.HangAsync(upstream);
                        }

                        break;
                    case "tasks/cancel":
                        await context.ResultAsync(request, """{"taskId":"t-1","status":"cancelled","createdAt":"x","lastUpdatedAt":"x","ttl":null}""");
                        break;
                    default:
                        await context.StatusAsync(202);
                        break;
                }
            },
        };
        await using var upstream = await script.StartAsync();
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s", Url = upstream.Url } } });

        var (_, body, _) = await host.ModernAsync("/mcp", "tools/call", "\"name\":\"s__work\",\"arguments\":{}", "s__work", meta: "\"progressToken\":\"p\"");
        Assert.Contains("""{"progressToken":"p","progress":1}""", body, StringComparison.Ordinal);
        Assert.Equal("done", TaskScript.Result(body, "content")[0].GetProperty("text").GetString());

        using var client = new CancellationTokenSource();
        using var request = FrontHost.Compose(
            "/mcp/s", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"work","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""",
            "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: work");
        var call = host.Http.SendAsync(request, client.Token);
        await upstream.NextAsync(one => one.RpcMethod == "tasks/result" && upstream.Requests.Count(static other => other.RpcMethod == "tools/call") == 2, "the second wait");
        await client.CancelAsync();
        Assert.Contains("\"taskId\":\"t-1\"", (await upstream.NextAsync("tasks/cancel")).Body, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task Call_WhoseTaskAsks_IsParkedAndGoesOnWithTheAnswer()
    {
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var call = AskableAsync(host, "");
        await server.WhenReceivedAsync("tasks/result");

        await server.SendAsync("""{"jsonrpc":"2.0","id":"who-1","method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}},"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}}""");
        var (_, asked, _) = await call;
        Assert.Equal("input_required", TaskScript.Result(asked, "resultType").GetString());
        Assert.Equal("elicitation/create", TaskScript.Result(asked, "inputRequests", "who", "method").GetString());
        Assert.DoesNotContain("related-task", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("t-1", asked, StringComparison.Ordinal);

        var retry = AskableAsync(host, ",\"inputResponses\":{\"who\":{\"action\":\"accept\",\"content\":{}}},\"requestState\":" + TaskScript.Result(asked, "requestState").GetRawText());
        await server.WhenReceivedAsync(
            static received => received.Any(static message => message.Line == """{"jsonrpc":"2.0","id":"who-1","result":{"action":"accept","content":{}}}"""), "the answer");
        var id = server.Received.Single(static request => request.Method == "tasks/result").Id;
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{"content":[{"type":"text","text":"done"}]}}""");

        Assert.Equal("done", TaskScript.Result((await retry).Body, "content")[0].GetProperty("text").GetString());
        Assert.Single(server.Received, static request => request.Method == "tools/call");
    }

    [Fact]
    public async Task Progress_WhileTheCallIsParked_TakesNoRoomAndIsNotToldToARetryWithoutAToken()
    {
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var call = AskableAsync(host, "", ",\"progressToken\":\"p\"");
        await server.WhenReceivedAsync("tasks/result");
        const string Question = """{"jsonrpc":"2.0","id":"ID-1","method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}},"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}}""";
        await server.SendAsync(Question.Replace("ID", "who", StringComparison.Ordinal));
        var (_, asked, _) = await call;

        // More than exchangeQueue, then a question that must not be lost among them.
        var token = server.Received.Single(static request => request.Method == "tools/call").Id;
        for (var i = 0; i < 70; i++)
        {
            await server.SendAsync($$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{{{token}}},"progress":{{{i}}}}}""");
        }

        await server.SendAsync(Question.Replace("ID", "when", StringComparison.Ordinal));
        var (_, body, _) = await AskableAsync(
            host, ",\"inputResponses\":{\"who\":{\"action\":\"decline\"}},\"requestState\":" + TaskScript.Result(asked, "requestState").GetRawText());

        Assert.DoesNotContain("notifications/progress", body, StringComparison.Ordinal);
        Assert.Equal("elicitation/create", TaskScript.Result(body, "inputRequests", "when", "method").GetString());
    }

    [Fact]
    public async Task Call_OfATaskThatTakesLong_OutlivesTheDeadlineOfCalls()
    {
        var clock = new FakeTimeProvider();
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, clock, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var call = host.ModernAsync("/mcp/s", "tools/call", "\"name\":\"work\",\"arguments\":{}", "work");
        await server.WhenReceivedAsync("tasks/result");

        clock.Advance(TimeSpan.FromMinutes(30));
        var id = server.Received.Single(static request => request.Method == "tasks/result").Id;
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{"content":[]}}""");

        Assert.Equal("[]", TaskScript.Result((await call).Body, "content").GetRawText());
    }

    [Fact]
    public async Task Call_OfAServerThatIsLostMeanwhile_Fails()
    {
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var run = await runs.WhenRunAsync(1);
        var call = host.ModernAsync("/mcp/s", "tools/call", "\"name\":\"work\",\"arguments\":{}", "work");
        await run.Server.WhenReceivedAsync("tasks/result");

        run.Crash("over");

        Assert.Equal(-32603, TaskScript.ErrorCode((await call).Body));
    }

    [Fact]
    public async Task Call_ThatAsksForATask_GetsNoneWhereThereIsNone()
    {
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));

        // 2026-07-28 has no such member, and clients may send it all the same (io.modelcontextprotocol/tasks, Backward Compatibility).
        var (_, body, _) = await host.ModernAsync("/mcp/s", "tools/call", "\"task\":{\"ttl\":1},\"name\":\"maybe\",\"arguments\":{}", "maybe");
        Assert.Equal("at once", TaskScript.Result(body, "content")[0].GetProperty("text").GetString());

        var call = host.ModernAsync("/mcp/s", "tools/call", "\"task\":{\"ttl\":1},\"name\":\"work\",\"arguments\":{}", "work");
        var server = (await runs.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("tasks/result");
        Assert.Equal("{}", JsonDocument.Parse(server.Received.Last(static request => request.Method == "tools/call").Params).RootElement.GetProperty("task").GetRawText());
        var id = server.Received.Single(static request => request.Method == "tasks/result").Id;
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{"content":[]}}""");
        await call;
    }

    [Fact]
    public async Task Call_ByACallerInThisProcess_WaitsForTheTaskAndCancelsItWhenItGivesUp()
    {
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var call = host.Manager.ExecuteToolAsync("s", "work", new { n = 1 }).AsTask();
        await server.WhenReceivedAsync("tasks/result");
        Assert.Equal("{}", JsonDocument.Parse(server.Received.Single(static request => request.Method == "tools/call").Params).RootElement.GetProperty("task").GetRawText());
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.Single(static request => request.Method == "tasks/result").Id}}},"result":{"content":[{"type":"text","text":"done"}]}}""");
        Assert.Contains("done", Encoding.UTF8.GetString((await Guard.WithinAsync(call, "the result of the task")).Raw.Span), StringComparison.Ordinal);

        using var giveUp = new CancellationTokenSource();
        var second = host.Manager.ExecuteToolAsync("s", "work", cancellationToken: giveUp.Token).AsTask();
        await server.WhenReceivedAsync("tasks/result", 2);
        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Guard.WithinAsync(second, "the end of the call"));
        await server.WhenReceivedAsync("tasks/cancel");
    }

    private static Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> AskableAsync(FrontHost host, string members, string meta = "") => host.PostAsync(
        "/mcp/s",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"work\",\"arguments\":{}" + members
        + ",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{\"form\":{}}}" + meta + "}}}",
        "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: work");
}
