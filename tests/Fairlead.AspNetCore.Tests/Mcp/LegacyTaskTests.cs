using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Tasks of 2025-11-25 between clients and servers of that revision, in raw HTTP (basic/utilities/tasks): ids of Fairlead's own, and everything that speaks of them.</summary>
public sealed class LegacyTaskTests : IDisposable
{
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("fairlead-tasks-");

    public void Dispose() => _state.Delete(recursive: true);

    [Theory]
    [InlineData("/mcp", "one__work")]
    [InlineData("/mcp/p/p", "one__work")]
    [InlineData("/mcp/one", "work")]
    public async Task Task_OnEveryEndpoint_IsKnownByAnIdOfFairleadsAndLeadsToItsServer(string path, string tool)
    {
        var (one, two) = (TaskScript.Legacy(), TaskScript.Legacy());
        await using var host = await TaskScript.StartAsync(null, null, ("one", one), ("two", two));
        var session = await host.InitializeAsync(path);

        var (_, created, _) = await PostAsync(host, path, session, Call(tool));
        var id = TaskScript.Result(created, "task", "taskId").GetString()!;
        Assert.NotEqual("t-1", id);
        Assert.All(id, static c => Assert.InRange(c, '!', '~'));
        Assert.Equal("1.50", TaskScript.Result(created, "x").GetRawText());

        var (_, got, _) = await PostAsync(host, path, session, About("tasks/get", id));
        Assert.Equal(id, TaskScript.Result(got, "taskId").GetString());
        var (_, cancelled, _) = await PostAsync(host, path, session, About("tasks/cancel", id));
        Assert.Equal((id, "cancelled"), (TaskScript.Result(cancelled, "taskId").GetString(), TaskScript.Result(cancelled, "status").GetString()));

        var server = (await one.WhenRunAsync(1)).Server;
        Assert.Equal(["t-1", "t-1"], server.Received.Where(static request => request.Method.StartsWith("tasks/", StringComparison.Ordinal)).Select(static request => request.Text("taskId")));
        Assert.DoesNotContain((await two.WhenRunAsync(1)).Server.Received, static request => request.Method.StartsWith("tasks/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Result_OfATask_WaitsAndCarriesQuestionsWithTheIdOfEachSide()
    {
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var session = await host.InitializeAsync("/mcp", capabilities: """{"elicitation":{"form":{}}}""");
        var id = await CreateAsync(host, "/mcp", session, "s__work");
        var opening = EventStream.OpenAsync(host, FrontHost.Compose("/mcp", About("tasks/result", id, "\"r\\u00e9\""), "Mcp-Session-Id: " + session));
        await server.WhenReceivedAsync("tasks/result");
        var waiting = server.Received.Single(static request => request.Method == "tasks/result");
        Assert.Equal("t-1", waiting.Text("taskId"));

        await server.SendAsync(
            """{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"\u00e9","requestedSchema":{"type":"object","properties":{}},"_meta":{"a":1.0,"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}}""");
        using var stream = await opening;
        var question = await stream.DataAsync("the question");
        Assert.Equal(
            """{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"\u00e9","requestedSchema":{"type":"object","properties":{}},"_meta":{"a":1.0,"io.modelcontextprotocol/related-task":{"taskId":"ID"}}}}"""
                .Replace("ID", id, StringComparison.Ordinal),
            question);
        await PostAsync(host, "/mcp", session, """{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{},"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"ID"}}}}""".Replace("ID", id, StringComparison.Ordinal));
        await server.WhenReceivedAsync(
            static received => received.Any(static message => message.Line == """{"jsonrpc":"2.0","id":"q","result":{"action":"accept","content":{},"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}}"""),
            "the answer with the server's own id");

        await server.SendAsync(
            """{"jsonrpc":"2.0","id":UP,"result":{"content":[],"taskId":"the tool's own","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}}""".Replace("UP", waiting.Id, StringComparison.Ordinal));
        Assert.Equal(
            """{"jsonrpc":"2.0","id":"r\u00e9","result":{"content":[],"taskId":"the tool's own","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"ID"}}}}""".Replace("ID", id, StringComparison.Ordinal),
            await stream.DataAsync("the result"));
    }

    [Fact]
    public async Task Question_AboutATask_ReachesTheSessionThatWaitsForItWhoeverElseHasCallsInFlight()
    {
        var runs = TaskScript.Legacy(static server => server.On("tools/call", static request => request.Params.Contains("\"task\":", StringComparison.Ordinal)
            ? """ "result":{"task":{"taskId":"t-1","status":"working","createdAt":"x","lastUpdatedAt":"x","ttl":null}} """ : null));
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        const string Asked = """{"elicitation":{"form":{}}}""";
        var (mine, others) = (await host.InitializeAsync("/mcp", capabilities: Asked), await host.InitializeAsync("/mcp", capabilities: Asked));
        var id = await CreateAsync(host, "/mcp", mine, "s__work");
        var waiting = EventStream.OpenAsync(host, FrontHost.Compose("/mcp", About("tasks/result", id), "Mcp-Session-Id: " + mine));
        await server.WhenReceivedAsync("tasks/result");
        var foreign = PostAsync(host, "/mcp", others, """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s__plain","arguments":{}}}""");
        await server.WhenReceivedAsync("tools/call", 2);

        await server.SendAsync("""{"jsonrpc":"2.0","id":"unclear","method":"elicitation/create","params":{"message":"?","requestedSchema":{}}}""");
        await server.SendAsync("""{"jsonrpc":"2.0","id":"clear","method":"elicitation/create","params":{"message":"mine","requestedSchema":{},"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"\u0074-1"}}}}""");

        using var stream = await waiting;
        Assert.Contains("\"mine\"", await stream.DataAsync("the question about the task"), StringComparison.Ordinal);
        await server.WhenReceivedAsync(
            static received => received.Any(static message => message.Line == """{"jsonrpc":"2.0","id":"unclear","result":{"action":"cancel"}}"""), "the other question to be declined");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.Last(static request => request.Method == "tools/call").Id}}},"result":{"content":[]}}""");
        Assert.DoesNotContain("elicitation", (await foreign).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Result_OfATaskThatTakesLong_OutlivesTheDeadlineOfCalls()
    {
        var clock = new FakeTimeProvider();
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, clock, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var session = await host.InitializeAsync("/mcp");
        var id = await CreateAsync(host, "/mcp", session, "s__work");
        var result = PostAsync(host, "/mcp", session, About("tasks/result", id));
        await server.WhenReceivedAsync("tasks/result");

        clock.Advance(TimeSpan.FromMinutes(30));
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.Last(static request => request.Method == "tasks/result").Id}}},"result":{"content":[]}}""");

        Assert.Equal("[]", TaskScript.Result((await result).Body, "content").GetRawText());
    }

    [Fact]
    public async Task Status_OfATask_ReachesTheSessionThatCreatedItAndNoOther()
    {
        var runs = TaskScript.Legacy();
        await using var host = await TaskScript.StartAsync(null, null, ("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var session = await host.InitializeAsync("/mcp");
        var stranger = await host.InitializeAsync("/mcp");
        using var mine = await EventStream.GetAsync(host, "/mcp", session);
        using var others = await EventStream.GetAsync(host, "/mcp", stranger);
        var id = await CreateAsync(host, "/mcp", session, "s__work", """ "_meta":{"progressToken":"p\u00e9"},""");
        var token = server.Received.Single(static request => request.Method == "tools/call").Id;

        await server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":TOKEN,"progress":1.0,"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}}""".Replace("TOKEN", token, StringComparison.Ordinal));
        await server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t-2","status":"working"}}""");
        await server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t-1","status":"completed","x":1.0}}""");
        await server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
        server.On("tools/list", """ "result":{"tools":[]} """);

        Assert.Equal(
            """{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p\u00e9","progress":1.0,"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"ID"}}}}""".Replace("ID", id, StringComparison.Ordinal),
            await mine.DataAsync("the progress"));
        Assert.Equal(
            """{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"ID","status":"completed","x":1.0}}""".Replace("ID", id, StringComparison.Ordinal),
            await mine.DataAsync("the status"));
        Assert.Contains("notifications/tools/list_changed", await others.DataAsync("what the other session is told first"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_OfTasksOfOneIdAtTwoInstances_ReachesTheSessionOfEach()
    {
        var runs = TaskScript.Legacy();
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Session } } }, manager => manager.AddServer("s", runs));
        var one = await host.InitializeAsync("/mcp/s");
        using var first = await EventStream.GetAsync(host, "/mcp/s", one);
        await CreateAsync(host, "/mcp/s", one, "work");
        var two = await host.InitializeAsync("/mcp/s");
        using var second = await EventStream.GetAsync(host, "/mcp/s", two);
        await CreateAsync(host, "/mcp/s", two, "work");

        const string Status = """{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t-1","status":"completed","of":N}}""";
        await (await runs.WhenRunAsync(2)).Server.SendAsync(Status.Replace("N", "1", StringComparison.Ordinal));
        Assert.Contains("\"of\":1", await first.DataAsync("the status of the first session's task"), StringComparison.Ordinal);
        await (await runs.WhenRunAsync(3)).Server.SendAsync(Status.Replace("N", "2", StringComparison.Ordinal));
        Assert.Contains("\"of\":2", await second.DataAsync("the status of the second session's task"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Result_ThatNamesAResourceOfAnotherServersUri_NamesItAsTheListDoes()
    {
        static void Same(ScriptedServer server) => server
            .SpeaksLegacy("""{"tools":{},"resources":{},"tasks":{"requests":{"tools":{"call":{}}}}}""")
            .On("resources/list", """ "result":{"resources":[{"uri":"file:///same","name":"n"}]} """)
            .On("resources/templates/list", """ "result":{"resourceTemplates":[]} """)
            .On("tasks/result", """ "result":{"content":[{"type":"resource_link","uri":"file:///same","name":"n"}]} """);
        await using var host = await TaskScript.StartAsync(null, null, ("one", TaskScript.Legacy(Same)), ("two", TaskScript.Legacy(Same)));
        var session = await host.InitializeAsync("/mcp");
        foreach (var (server, uri) in new[] { ("one", "file:///same"), ("two", "fairlead://two/file:///same") })
        {
            var id = await CreateAsync(host, "/mcp", session, server + "__work");
            var (_, body, _) = await PostAsync(host, "/mcp", session, About("tasks/result", id));
            Assert.Equal(uri, TaskScript.Result(body, "content")[0].GetProperty("uri").GetString());
        }

        // At the server's own endpoint nothing collides.
        var own = await host.InitializeAsync("/mcp/two");
        var (_, direct, _) = await PostAsync(host, "/mcp/two", own, About("tasks/result", await CreateAsync(host, "/mcp/two", own, "work")));
        Assert.Equal("file:///same", TaskScript.Result(direct, "content")[0].GetProperty("uri").GetString());
    }

    [Fact]
    public async Task List_OverSeveralServers_IsOneWithIdsThatStayTheSame()
    {
        var one = TaskScript.Legacy(static server => server.On("tasks/list", static request => request.Text("cursor") switch
        {
            null => "\"result\":{\"tasks\":[" + string.Join(',', Enumerable.Range(0, 200).Select(static n => $$"""{"taskId":"a{{n}}"}""")) + "],\"nextCursor\":\"c\\u00e9\"}",
            "c\u00e9" => """ "result":{"tasks":[{"taskId":"t-1","x":1.0}]} """,
            _ => """ "error":{"code":-32602,"message":"bad cursor"} """,
        }));
        var broken = TaskScript.Legacy(static server => server.On("tasks/list", """ "error":{"code":-32603,"message":"broken"} """));
        await using var host = await TaskScript.StartAsync(null, null, ("one", one), ("broken", broken), ("two", TaskScript.Legacy()));
        var session = await host.InitializeAsync("/mcp");
        var id = await CreateAsync(host, "/mcp", session, "one__work");

        var (_, first, _) = await PostAsync(host, "/mcp", session, """{"jsonrpc":"2.0","id":1,"method":"tasks/list"}""");
        Assert.Equal(200, TaskScript.Result(first, "tasks").GetArrayLength());
        var cursor = TaskScript.Result(first, "nextCursor").GetString()!;
        var (_, second, _) = await PostAsync(host, "/mcp", session, $$$"""{"jsonrpc":"2.0","id":2,"method":"tasks/list","params":{"cursor":"{{{cursor}}}"}}""");

        var rest = TaskScript.Result(second, "tasks");
        Assert.Equal(2, rest.GetArrayLength());
        Assert.Equal((id, "1.0"), (rest[0].GetProperty("taskId").GetString(), rest[0].GetProperty("x").GetRawText()));
        Assert.NotEqual(id, rest[1].GetProperty("taskId").GetString());
        Assert.False(TaskScript.Result(second).TryGetProperty("nextCursor", out _));
        foreach (var bad in new[] { "c\u00e9", cursor[..^1] + (cursor[^1] == 'A' ? 'Q' : 'A'), id, "" })
        {
            var (_, refused, _) = await PostAsync(host, "/mcp", session, $$$"""{"jsonrpc":"2.0","id":3,"method":"tasks/list","params":{"cursor":"{{{bad}}}"}}""");
            Assert.Equal(-32602, TaskScript.ErrorCode(refused));
        }
    }

    [Fact]
    public async Task Task_WithAnIdThatIsForeignOrChanged_IsUnknownAndNoServerIsAsked()
    {
        var (one, two) = (TaskScript.Legacy(), TaskScript.Legacy());
        await using var host = await TaskScript.StartAsync(null, null, ("one", one), ("two", two));
        await using var elsewhere = await TaskScript.StartAsync(null, null, ("one", TaskScript.Legacy()));
        var session = await host.InitializeAsync("/mcp");
        var atTwo = await host.InitializeAsync("/mcp/two");
        var id = await CreateAsync(host, "/mcp", session, "one__work");
        var foreign = await CreateAsync(elsewhere, "/mcp", await elsewhere.InitializeAsync("/mcp"), "one__work");

        var changed = Enumerable.Range(0, id.Length).Select(at => id[..at] + (id[at] == 'A' ? 'B' : 'A') + id[(at + 1)..]);
        foreach (var bad in changed.Concat([foreign, "t-1", "", id + "A", id + "=", id[..^4], new string('A', 5_000)]))
        {
            foreach (var method in new[] { "tasks/get", "tasks/result", "tasks/cancel" })
            {
                var (status, refused, _) = await PostAsync(host, "/mcp", session, About(method, bad));
                Assert.Equal((HttpStatusCode.OK, -32602), (status, TaskScript.ErrorCode(refused)));
            }
        }

        var (_, notHere, _) = await PostAsync(host, "/mcp/two", atTwo, About("tasks/get", id));
        Assert.Equal(-32602, TaskScript.ErrorCode(notHere));
        var (_, nameless, _) = await PostAsync(host, "/mcp", session, """{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{}}""");
        Assert.Equal(-32602, TaskScript.ErrorCode(nameless));
        foreach (var runs in new[] { one, two })
        {
            Assert.DoesNotContain((await runs.WhenRunAsync(1)).Server.Received, static request => request.Method.StartsWith("tasks/", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Task_AfterARestart_IsKnownByTheSameIdToTheSameSession()
    {
        string session, id;
        await using (var before = await TaskScript.StartAsync(_state.FullName, null, ("s", TaskScript.Legacy())))
        {
            session = await before.InitializeAsync("/mcp");
            id = await CreateAsync(before, "/mcp", session, "s__work");
        }

        var runs = TaskScript.Legacy();
        await using var after = await TaskScript.StartAsync(_state.FullName, null, ("s", runs));
        var (_, got, _) = await PostAsync(after, "/mcp", session, About("tasks/get", id));
        Assert.Equal(id, TaskScript.Result(got, "taskId").GetString());

        // Whoever asks for a task is told of it from then on.
        using var stream = await EventStream.GetAsync(after, "/mcp", session);
        await (await runs.WhenRunAsync(1)).Server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t-1","status":"failed"}}""");
        string told;
        do
        {
            told = await stream.DataAsync("the status");
        }
        while (!told.Contains("notifications/tasks/status", StringComparison.Ordinal));

        Assert.Contains($"\"taskId\":\"{id}\"", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Capabilities_OfTheAggregate_AreTheUnionAndOlderClientsSeeNoTasks()
    {
        var plain = ScriptedRuns.Legacy();
        var unlisted = TaskScript.Legacy(static server => server.SpeaksLegacy("""{"tools":{},"tasks":{"cancel":{},"requests":{"tools":{"call":{}}}}}"""));
        await using var host = await TaskScript.StartAsync(null, null, ("plain", plain), ("unlisted", unlisted), ("full", TaskScript.Legacy()));

        Assert.Equal("""{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}""", (await InitializeAsync(host, "/mcp")).GetProperty("tasks").GetRawText());
        Assert.Equal("""{"cancel":{},"requests":{"tools":{"call":{}}}}""", (await InitializeAsync(host, "/mcp/unlisted")).GetProperty("tasks").GetRawText());
        Assert.False((await InitializeAsync(host, "/mcp/plain")).TryGetProperty("tasks", out _));

        var here = await host.InitializeAsync("/mcp");
        var (_, list, _) = await PostAsync(host, "/mcp", here, """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""");
        Assert.Contains("\"full__work\"", list, StringComparison.Ordinal);
        var older = await host.InitializeAsync("/mcp", "2025-06-18");
        var (_, shorter, _) = await PostAsync(host, "/mcp", older, """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""");
        Assert.DoesNotContain("__work\"", shorter, StringComparison.Ordinal);
        Assert.Contains("\"full__maybe\"", shorter, StringComparison.Ordinal);

        foreach (var (path, session, method) in new[]
        {
            ("/mcp", older, "tasks/get"), ("/mcp", older, "tasks/list"), ("/mcp/plain", await host.InitializeAsync("/mcp/plain"), "tasks/get"),
            ("/mcp/unlisted", await host.InitializeAsync("/mcp/unlisted"), "tasks/list"), ("/mcp", here, "tasks/update"),
        })
        {
            var (_, refused, _) = await PostAsync(host, path, session, About(method, "x"));
            Assert.Equal(-32601, TaskScript.ErrorCode(refused));
        }

        // Without tasks in its revision a client cannot ask for one: the server runs the tool as if it had not.
        var (_, atOnce, _) = await PostAsync(host, "/mcp", older, Call("full__maybe"));
        Assert.Equal("at once", TaskScript.Result(atOnce, "content")[0].GetProperty("text").GetString());
    }

    private static async Task<JsonElement> InitializeAsync(FrontHost host, string path)
    {
        var (_, body, _) = await host.PostAsync(
            path, """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""");
        return TaskScript.Result(body, "capabilities");
    }

    private static async Task<string> CreateAsync(FrontHost host, string path, string session, string tool, string more = "") =>
        TaskScript.Result((await PostAsync(host, path, session, Call(tool, more))).Body, "task", "taskId").GetString()!;

    private static Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> PostAsync(FrontHost host, string path, string session, string body) =>
        host.PostAsync(path, body, "Mcp-Session-Id: " + session);

    private static string Call(string tool, string more = "") =>
        $$$$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{{{more}}}}"name":"{{{{tool}}}}","arguments":{},"task":{"ttl":60000}}}""";

    private static string About(string method, string id, string requestId = "2") =>
        $$$"""{"jsonrpc":"2.0","id":{{{requestId}}},"method":"{{{method}}}","params":{"taskId":"{{{id}}}"}}""";
}
