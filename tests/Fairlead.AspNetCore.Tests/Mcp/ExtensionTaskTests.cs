using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>The extension io.modelcontextprotocol/tasks between clients and servers of 2026-07-28, in raw HTTP.</summary>
public sealed class ExtensionTaskTests
{
    private const string Declared = """{"extensions":{"io.modelcontextprotocol/tasks":{}}}""";

    [Theory]
    [InlineData("/mcp", "s__work")]
    [InlineData("/mcp/p/p", "s__work")]
    [InlineData("/mcp/s", "work")]
    public async Task Task_OnEveryEndpoint_PassesWithTheIdOfEachHopAndNothingElseChanged(string path, string tool)
    {
        var runs = TaskScript.Modern();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs), ("other", TaskScript.Modern()));

        var (status, created, _) = await RequestAsync(host, path, "tools/call", $$""" "name":"{{tool}}","arguments":{}""", tool);
        Assert.Equal((HttpStatusCode.OK, "task"), (status, TaskScript.Result(created, "resultType").GetString()));
        var id = TaskScript.Result(created, "taskId").GetString()!;
        Assert.NotEqual("t-1", id);
        Assert.Equal(60000, TaskScript.Result(created, "ttlMs").GetInt32());

        var (_, got, _) = await AboutAsync(host, path, "tasks/get", id);
        Assert.Equal(
            """{"resultType":"complete","taskId":"ID","status":"input_required","ttlMs":60000, "createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z" ,"inputRequests":{"k\u00e9":{"method":"elicitation/create","params":{"message":"\/?","requestedSchema":{"type":"object","properties":{} } } } } }"""
                .Replace("ID", id, StringComparison.Ordinal),
            TaskScript.Result(got).GetRawText());
        await AboutAsync(host, path, "tasks/update", id, """ ,"inputResponses":{"k\u00e9":{"action":"accept", "content":{"n":1.50}}}""");
        var (_, cancelled, _) = await AboutAsync(host, path, "tasks/cancel", id);
        Assert.Equal("""{"resultType":"complete"}""", TaskScript.Result(cancelled).GetRawText());

        var asked = (await runs.WhenRunAsync(1)).Server.Received.Where(static request => request.Method.StartsWith("tasks/", StringComparison.Ordinal)).ToList();
        Assert.Equal(["tasks/get", "tasks/update", "tasks/cancel"], asked.Select(static request => request.Method));
        Assert.All(asked, static request => Assert.Equal("t-1", request.Text("taskId")));
        Assert.Equal("""{"k\u00e9":{"action":"accept", "content":{"n":1.50}}}""", JsonDocument.Parse(asked[1].Params).RootElement.GetProperty("inputResponses").GetRawText());
        Assert.Equal(Declared, JsonDocument.Parse(asked[0].Params).RootElement.GetProperty("_meta").GetProperty("io.modelcontextprotocol/clientCapabilities").GetRawText());
    }

    [Fact]
    public async Task Task_ThatNamesAResourceOfAnotherServersUri_NamesItAsTheListDoes()
    {
        static void Same(ScriptedServer server) => server
            .SpeaksModern("""{"tools":{},"resources":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}""")
            .On("resources/list", """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","resources":[{"uri":"file:///same","name":"n"}]} """)
            .On("resources/templates/list", """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","resourceTemplates":[]} """)
            .On("tasks/get", """ "result":{"resultType":"complete","taskId":"t-1","status":"completed","ttlMs":1,"createdAt":"x","lastUpdatedAt":"x","result":{"content":[{"type":"resource_link","uri":"file:///same","name":"n"}]}} """);
        await using var host = await TaskScript.StartAsync(null, null, ("one", TaskScript.Modern(Same)), ("two", TaskScript.Modern(Same)));
        foreach (var (server, uri) in new[] { ("one", "file:///same"), ("two", "fairlead://two/file:///same") })
        {
            var (_, created, _) = await RequestAsync(host, "/mcp", "tools/call", $$""" "name":"{{server}}__work","arguments":{}""", server + "__work");
            var (_, got, _) = await AboutAsync(host, "/mcp", "tasks/get", TaskScript.Result(created, "taskId").GetString()!);
            Assert.Equal(uri, TaskScript.Result(got, "result", "content")[0].GetProperty("uri").GetString());
        }
    }

    [Fact]
    public async Task Task_AtAnHttpServer_IsNamedInTheHeaderByTheServersOwnId()
    {
        await using var upstream = await RawUpstream.StartAsync(async (_, context, request) =>
        {
            var result = request.RpcMethod switch
            {
                "server/discover" => $$"""{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{{TaskScript.ModernCapabilities}},"ttlMs":0,"cacheScope":"private"}""",
                "tools/list" => """{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"work","inputSchema":{"type":"object"}}]}""",
                "tools/call" => """{"resultType":"task","taskId":"t\u00e9 1","status":"working","ttlMs":null,"createdAt":"x","lastUpdatedAt":"x"}""",
                "tasks/get" => """{"resultType":"complete","taskId":"t\u00e9 1","status":"working","ttlMs":null,"createdAt":"x","lastUpdatedAt":"x"}""",
                _ => null,
            };
            await (result is null ? context.ErrorAsync(request, """{"code":-32601,"message":"Method not found"}""", 404) : context.ResultAsync(request, result));
        });
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s", Url = upstream.Url } } });

        var (_, created, _) = await RequestAsync(host, "/mcp", "tools/call", """ "name":"s__work","arguments":{}""", "s__work");
        var id = TaskScript.Result(created, "taskId").GetString()!;
        var (_, got, _) = await AboutAsync(host, "/mcp", "tasks/get", id);

        Assert.Equal(id, TaskScript.Result(got, "taskId").GetString());
        Assert.Equal("=?base64?dMOpIDE=?=", upstream.Requests.Single(static request => request.RpcMethod == "tasks/get")["Mcp-Name"]);
    }

    [Fact]
    public async Task Task_OfAClientThatDidNotDeclareTheExtension_IsRefusedAndToolsAnswerAtOnce()
    {
        var runs = TaskScript.Modern();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        foreach (var method in new[] { "tasks/get", "tasks/update", "tasks/cancel" })
        {
            var (status, refused, _) = await host.ModernAsync("/mcp", method, "\"taskId\":\"x\"", "x");
            Assert.Equal((HttpStatusCode.BadRequest, -32021), (status, TaskScript.ErrorCode(refused)));
            Assert.Equal(
                """{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}""",
                JsonDocument.Parse(refused).RootElement.GetProperty("error").GetProperty("data").GetRawText());
        }

        var (_, atOnce, _) = await host.ModernAsync("/mcp", "tools/call", "\"name\":\"s__work\",\"arguments\":{}", "s__work");
        Assert.Equal("complete", TaskScript.Result(atOnce, "resultType").GetString());
    }

    [Fact]
    public async Task Task_WithAnIdThatIsUnknownOrNotTheHeaders_IsRefusedAndNoServerIsAsked()
    {
        var (legacy, modern) = (TaskScript.Legacy(), TaskScript.Modern());
        await using var host = await TaskScript.StartAsync(null, null, ("old", legacy), ("new", modern));
        var (_, created, _) = await RequestAsync(host, "/mcp", "tools/call", """ "name":"new__work","arguments":{}""", "new__work");
        var id = TaskScript.Result(created, "taskId").GetString()!;
        var session = await host.InitializeAsync("/mcp");
        var (_, old, _) = await host.PostAsync(
            "/mcp", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"old__work","arguments":{},"task":{}}}""", "Mcp-Session-Id: " + session);
        var oldId = TaskScript.Result(old, "task", "taskId").GetString()!;

        foreach (var bad in new[] { "t-1", id + "A", oldId })
        {
            var (status, refused, _) = await AboutAsync(host, "/mcp", "tasks/get", bad);
            Assert.Equal((HttpStatusCode.OK, -32602), (status, TaskScript.ErrorCode(refused)));
        }

        // Nor does a legacy client know the task of the other form.
        var (_, unknown, _) = await host.PostAsync("/mcp", $$$"""{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"{{{id}}}"}}""", "Mcp-Session-Id: " + session);
        Assert.Equal(-32602, TaskScript.ErrorCode(unknown));

        var (mismatch, differs, _) = await RequestAsync(host, "/mcp", "tasks/get", $"\"taskId\":\"{id}\"", "t-1");
        Assert.Equal((HttpStatusCode.BadRequest, -32020), (mismatch, TaskScript.ErrorCode(differs)));
        Assert.DoesNotContain((await modern.WhenRunAsync(1)).Server.Received, static request => request.Method.StartsWith("tasks/", StringComparison.Ordinal));
        Assert.DoesNotContain((await legacy.WhenRunAsync(1)).Server.Received, static request => request.Method.StartsWith("tasks/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Extension_IsOfferedToModernClientsOfServersThatHaveIt()
    {
        await using var host = await TaskScript.StartAsync(null, null, ("old", TaskScript.Legacy()), ("new", TaskScript.Modern()));
        foreach (var (path, offered) in new[] { ("/mcp", true), ("/mcp/new", true), ("/mcp/old", false) })
        {
            var (_, body, _) = await host.ModernAsync(path, "server/discover", "");
            var capabilities = TaskScript.Result(body, "capabilities");
            Assert.Equal(offered, capabilities.TryGetProperty("extensions", out var extensions) && extensions.TryGetProperty("io.modelcontextprotocol/tasks", out _));
            Assert.False(capabilities.TryGetProperty("tasks", out _));
        }

        var (status, absent, _) = await RequestAsync(host, "/mcp/old", "tasks/get", "\"taskId\":\"x\"", "x");
        Assert.Equal((HttpStatusCode.NotFound, -32601), (status, TaskScript.ErrorCode(absent)));
        foreach (var gone in new[] { "tasks/result", "tasks/list" })
        {
            var (code, refused, _) = await RequestAsync(host, "/mcp", gone, "\"taskId\":\"x\"", null);
            Assert.Equal((HttpStatusCode.NotFound, -32601), (code, TaskScript.ErrorCode(refused)));
        }

        var (_, legacy, _) = await host.PostAsync(
            "/mcp", """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""");
        Assert.DoesNotContain("io.modelcontextprotocol/tasks", legacy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listen_ForTasks_TellsTheirChangesByTheIdsOfTheClient()
    {
        var runs = TaskScript.Modern(static server => server.On("subscriptions/listen", static _ => null));
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs), ("old", TaskScript.Legacy()));
        var server = (await runs.WhenRunAsync(1)).Server;
        var (_, created, _) = await RequestAsync(host, "/mcp", "tools/call", """ "name":"s__work","arguments":{}""", "s__work");
        var id = TaskScript.Result(created, "taskId").GetString()!;

        var opening = EventStream.OpenAsync(host, Compose("/mcp", "subscriptions/listen", $$$""" "notifications":{"taskIds":["{{{id}}}","t-1","t-2"]}""", null, "\"l\\u00e9\""));
        await server.WhenReceivedAsync(static received => received.Any(static request => request.Method == "subscriptions/listen"), "a listen for tasks");
        var listen = server.Received.Single(static request => request.Method == "subscriptions/listen");
        var asked = JsonDocument.Parse(listen.Params).RootElement;
        Assert.Equal("""{"taskIds":["t-1"]}""", asked.GetProperty("notifications").GetRawText());
        Assert.Equal(Declared, asked.GetProperty("_meta").GetProperty("io.modelcontextprotocol/clientCapabilities").GetRawText());
        string Tagged(string method, string members) =>
            "{\"jsonrpc\":\"2.0\",\"method\":\"" + method + "\",\"params\":{" + members + ",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":" + listen.Id + "}}}";
        await server.SendAsync(Tagged("notifications/subscriptions/acknowledged", """ "notifications":{"taskIds":["t-1"]}"""));

        using var stream = await opening;
        Assert.Equal(
            """{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"taskIds":["ID"]},"_meta":{"io.modelcontextprotocol/subscriptionId":"l\u00e9"}}}"""
                .Replace("ID", id, StringComparison.Ordinal),
            await stream.DataAsync("the acknowledgement"));
        await server.SendAsync(Tagged("notifications/tasks", """ "taskId":"t-2","status":"working" """));
        await server.SendAsync(Tagged("notifications/tasks", """ "taskId":"t-1","status":"completed","result":{"n":1.0}"""));
        Assert.Equal(
            """{"jsonrpc":"2.0","method":"notifications/tasks","params":{ "taskId":"ID","status":"completed","result":{"n":1.0},"_meta":{"io.modelcontextprotocol/subscriptionId":"l\u00e9"}}}"""
                .Replace("ID", id, StringComparison.Ordinal),
            await stream.DataAsync("the change"));

        stream.Dispose();
        await server.WhenReceivedAsync(
            received => received.Any(message => message.Method == "notifications/cancelled" && message.Params.Contains($"\"requestId\":{listen.Id}", StringComparison.Ordinal)),
            "the end of the listen");
    }

    [Fact]
    public async Task Listen_ForTasksOfAServerThatComesBack_IsOpenedThereAgain()
    {
        var runs = TaskScript.Modern(static server => server.On("subscriptions/listen", static _ => null));
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var first = await runs.WhenRunAsync(1);
        var (_, created, _) = await RequestAsync(host, "/mcp", "tools/call", """ "name":"s__work","arguments":{}""", "s__work");
        var id = TaskScript.Result(created, "taskId").GetString()!;
        var opening = EventStream.OpenAsync(host, Compose("/mcp", "subscriptions/listen", $$$""" "notifications":{"taskIds":["{{{id}}}"]}""", null));
        await first.Server.WhenReceivedAsync("subscriptions/listen");
        await AcknowledgeAsync(first.Server);
        using var stream = await opening;
        await stream.DataAsync("the acknowledgement");

        first.Crash("over");
        var second = (await runs.WhenRunAsync(2)).Server;
        await second.WhenReceivedAsync("subscriptions/listen");
        await AcknowledgeAsync(second);
        var listen = second.Received.Single(static request => request.Method == "subscriptions/listen");
        await second.SendAsync("""{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t-1","status":"failed","_meta":{"io.modelcontextprotocol/subscriptionId":UP}}}""".Replace("UP", listen.Id, StringComparison.Ordinal));

        Assert.Contains("\"failed\"", await stream.DataAsync("the change"), StringComparison.Ordinal);
    }

    private static Task AcknowledgeAsync(ScriptedServer server) => server.SendAsync(
        """{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"taskIds":["t-1"]},"_meta":{"io.modelcontextprotocol/subscriptionId":UP}}}"""
            .Replace("UP", server.Received.Single(static request => request.Method == "subscriptions/listen").Id, StringComparison.Ordinal));

    private static Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> AboutAsync(FrontHost host, string path, string method, string id, string more = "") =>
        RequestAsync(host, path, method, $"\"taskId\":\"{id}\"{more}", id);

    private static async Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> RequestAsync(FrontHost host, string path, string method, string members, string? name)
    {
        using var request = Compose(path, method, members, name);
        var response = await Guard.WithinAsync(host.Http.SendAsync(request), $"the answer to {method}");
        return (response.StatusCode, await response.Content.ReadAsStringAsync(), response);
    }

    private static HttpRequestMessage Compose(string path, string method, string members, string? name, string id = "1")
    {
        var body = "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":{" + members
            + ",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":" + Declared + "}}}";
        string[] headers = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: " + method];
        return FrontHost.Compose(path, body, name is null ? headers : [.. headers, "Mcp-Name: " + name]);
    }
}
