using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Exchanges;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>A server of 2026-07-28 that wants input, in front of a legacy client (protocol.md 6.2, shim): every byte of the server is the test's.</summary>
public sealed class ShimTests
{
    private const string Everything = """{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{"listChanged":true},"tasks":{"list":{}},"experimental":{"x":1.0},"extensions":{"a/b":{},"io.modelcontextprotocol/tasks":{}}}""";
    private const string Done = """ "result":{"resultType":"complete","content":[{"type":"text","text":"done"}]} """;
    private const string State = """ "s\u00e9al\/==" """;
    private const string AskName = """{"method":"elicitation/create","params":{"message":"Wer? \u00e9\/","mode":"form","requestedSchema":{"type":"object","properties":{"n":{"type":"number","minimum":1.50}}}}}""";

    [Fact]
    public async Task Input_WhenItIsWanted_IsAskedForOnTheStreamAndGoesBackWithTheStateByteForByte()
    {
        var server = new Wanting(
            """ "inputRequests":{"na\u006de":""" + AskName + ""","model":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1e2}},"where":{"method":"roots/list" }},"requestState": """ + State);
        await using var host = await server.StartAsync();
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);
        using var stream = await EventStream.OpenAsync(host, Call(session, """{"name":"hello","arguments":{"n":1.50},"_meta":{"progressToken":"p"}}"""));

        Assert.Equal("""{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"Wer? \u00e9\/","mode":"form","requestedSchema":{"type":"object","properties":{"n":{"type":"number","minimum":1.50}}}}}""", await stream.DataAsync("a form"));
        Assert.Equal("""{"jsonrpc":"2.0","id":2,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1e2}}""", await stream.DataAsync("a prompt"));
        Assert.Equal("""{"jsonrpc":"2.0","id":3,"method":"roots/list"}""", await stream.DataAsync("roots"));
        await AnswerAsync(host, session, 3, """ "result":{"roots":[{"uri":"file:\/\/\/tmp"}]}""");
        await AnswerAsync(host, session, 1, """ "result":{"action":"accept", "content":{"n":2.50}}""");
        await AnswerAsync(host, session, 2, """ "result":{"role":"assistant","content":{"type":"text","text":"hi"},"model":"m"}""");

        Assert.Equal("""{"jsonrpc":"2.0", "result":{"content":[{"type":"text","text":"done"}]} ,"id":"c"}""", await stream.DataAsync("the answer"));
        Assert.Null(await stream.NextAsync("the end of the stream"));
        var calls = server.Calls;
        Assert.Equal(2, calls.Count);
        Assert.NotEqual(calls[0].Id, calls[1].Id);
        Assert.Contains(
            $$$"""
            ,"inputResponses":{"na\u006de":{"action":"accept", "content":{"n":2.50}},"model":{"role":"assistant","content":{"type":"text","text":"hi"},"model":"m"},"where":{"roots":[{"uri":"file:\/\/\/tmp"}]}},"requestState":{{{State.Trim()}}}}
            """.Trim(),
            calls[1].Params,
            StringComparison.Ordinal);
        Assert.StartsWith("""{"name":"hello","arguments":{"n":1.50},"_meta":{"progressToken":""" + calls[1].Id + ",", calls[1].Params, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Input_WhenALegacyServerUsesTheWord_IsAnAnswerAsAnyOther()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", """ "result":{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}},"content":[]} """));
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", runs));
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);

        var (_, body, _) = await host.PostAsync("/mcp/s", CallBody("""{"name":"hello"}"""), "Mcp-Session-Id: " + session);

        Assert.Contains("\"inputRequests\":{\"a\"", EventStream.LastMessage(body), StringComparison.Ordinal);
        Assert.Single((await runs.WhenRunAsync(1)).Server.Received, static request => request.Method == "tools/call");
    }

    [Theory]
    [InlineData("2025-11-25", Everything, """{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{},"experimental":{"x":1.0},"extensions":{"a/b":{}}}""")]
    [InlineData("2025-06-18", Everything, """{"elicitation":{"form":{}},"sampling":{},"roots":{},"experimental":{"x":1.0},"extensions":{"a/b":{}}}""")]
    [InlineData("2025-03-26", Everything, """{"sampling":{},"roots":{},"experimental":{"x":1.0},"extensions":{"a/b":{}}}""")]
    [InlineData("2025-11-25", """{"elicitation":{}}""", """{"elicitation":{"form":{}}}""")]
    [InlineData("2025-11-25", """{"elicitation":{"url":{}},"tasks":{}}""", """{"elicitation":{"url":{}}}""")]
    [InlineData("2025-11-25", "{}", "{}")]
    public async Task Capabilities_OfTheSession_GoIntoEachRequestInTheWordsOfTheServersRevision(string version, string declared, string expected)
    {
        var server = new Wanting();
        await using var host = await server.StartAsync();
        var session = await host.InitializeAsync("/mcp/s", version, declared);

        await host.PostAsync("/mcp/s", CallBody("""{"name":"hello"}"""), "Mcp-Session-Id: " + session);

        using var sent = JsonDocument.Parse(Assert.Single(server.Calls).Params);
        Assert.Equal(expected, sent.RootElement.GetProperty("_meta").GetProperty("io.modelcontextprotocol/clientCapabilities").GetRawText());
    }

    [Fact]
    public async Task Page_WhenItIsToBeVisited_GetsTheIdThatTheClientsRevisionWants()
    {
        var server = new Wanting(""" "inputRequests":{"u":{"method":"elicitation/create","params":{"mode":"url","message":"m","url":"https://a.example"}}} """);
        await using var host = await server.StartAsync();
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);
        using var stream = await EventStream.OpenAsync(host, Call(session));

        var question = JsonDocument.Parse(await stream.DataAsync("the page")).RootElement.GetProperty("params");
        Assert.True(Guid.TryParse(question.GetProperty("elicitationId").GetString(), out _), question.GetRawText());
        await AnswerAsync(host, session, 1, """ "result":{"action":"accept"}""");
        await stream.DataAsync("the answer");

        // A result without a state gets none back.
        Assert.DoesNotContain("requestState", server.Calls[1].Params, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2025-06-18", """{"message":"Wer? \u00e9\/","requestedSchema":""")]
    [InlineData("2025-11-25", """{"message":"Wer? \u00e9\/","mode":"form","requestedSchema":""")]
    public async Task Form_GoesOutInTheClientsRevision(string version, string begins)
    {
        var server = new Wanting($$""" "inputRequests":{"n":{{AskName}}} """);
        await using var host = await server.StartAsync();
        var session = await host.InitializeAsync("/mcp/s", version, Everything);
        using var stream = await EventStream.OpenAsync(host, Call(session));

        Assert.StartsWith(begins, JsonDocument.Parse(await stream.DataAsync("the form")).RootElement.GetProperty("params").GetRawText(), StringComparison.Ordinal);
        await AnswerAsync(host, session, 1, """ "error":{"code":-1,"message":"no user"}""");
        await stream.DataAsync("the answer");

        // 2026-07-28 knows no errors of clients: an elicitation that failed was dismissed.
        Assert.Contains("""{"n":{"action":"cancel"}}""", server.Calls[1].Params, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tools/call", """ "inputRequests":{"m":{"method":"sampling/createMessage","params":{}}} """, """ "error":{"code":-1,"message":"User rejected it"}""", "User rejected it")]
    [InlineData("prompts/get", """ "inputRequests":{"m":{"method":"sampling/createMessage","params":{}}} """, """ "error":{"code":-1,"message":"User rejected it"}""", "User rejected it")]
    [InlineData("tools/call", """ "inputRequests":{"m":{"method":"tools/list"}} """, null, "none that a client can be asked")]
    [InlineData("tools/call", """ "x":1 """, null, "names none")]
    public async Task Input_WhenItCannotBeHad_FailsTheCallWithTheReason(string method, string wants, string? answer, string reason)
    {
        var server = new Wanting(wants);
        await using var host = await server.StartAsync();
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);
        using var stream = await EventStream.OpenAsync(host, Call(session, """{"name":"hello"}""", method), orJson: true);
        if (answer is not null)
        {
            await stream.DataAsync("the question");
            await AnswerAsync(host, session, 1, answer);
        }

        var end = JsonDocument.Parse(await stream.DataAsync("the answer")).RootElement;
        var text = method == "tools/call"
            ? end.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString()
            : end.GetProperty("error").GetProperty("message").GetString();
        Assert.Contains(reason, text, StringComparison.Ordinal);
        Assert.True(method == "tools/call" ? end.GetProperty("result").GetProperty("isError").GetBoolean() : end.GetProperty("error").GetProperty("code").GetInt32() == -32603);
        Assert.Single(server.Calls);
    }

    [Fact]
    public async Task Server_WhenItAsksForEver_IsCalledNoMoreAfterEightRounds()
    {
        var server = new Wanting([.. Enumerable.Repeat($$""" "inputRequests":{"n":{{AskName}}} """, 20)]);
        await using var host = await server.StartAsync();
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);
        using var stream = await EventStream.OpenAsync(host, Call(session));
        for (var i = 1; i <= ShimRounds.RoundsMax; i++)
        {
            await stream.DataAsync($"question {i}");
            await AnswerAsync(host, session, i, """ "result":{"action":"decline"}""");
        }

        Assert.Contains("more than 8 times", await stream.DataAsync("the answer"), StringComparison.Ordinal);
        Assert.Equal(ShimRounds.RoundsMax + 1, server.Calls.Count);
    }

    [Fact]
    public async Task Server_WhenItOnlyWantsTime_IsCalledAgainAfterAPause()
    {
        var clock = new FakeTimeProvider();
        var server = new Wanting($$""" "requestState":{{State}} """, """ "requestState":"2" """);
        await using var host = await server.StartAsync(clock);
        var session = await host.InitializeAsync("/mcp/s", capabilities: "{}");
        var call = host.PostAsync("/mcp/s", CallBody("""{"name":"hello"}"""), "Mcp-Session-Id: " + session);

        await clock.WhenTimerArmedAsync(ShimRounds.StatePause);
        Assert.Single(server.Calls);
        clock.Advance(ShimRounds.StatePause);
        await server.Server.WhenReceivedAsync("tools/call", 2);
        await clock.WhenTimerArmedAsync(ShimRounds.StatePause);
        clock.Advance(ShimRounds.StatePause);

        Assert.Contains("done", (await call).Body, StringComparison.Ordinal);
        Assert.Contains($"\"requestState\":{State.Trim()}", server.Calls[1].Params, StringComparison.Ordinal);
        Assert.DoesNotContain("inputResponses", server.Calls[1].Params, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_WhenItCancelsWhileItIsAsked_EndsTheCall()
    {
        var server = new Wanting($$""" "inputRequests":{"n":{{AskName}}} """);
        await using var host = await server.StartAsync();
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);
        using var stream = await EventStream.OpenAsync(host, Call(session));
        await stream.DataAsync("the question");

        await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c"}}""", "Mcp-Session-Id: " + session);

        Assert.Contains("notifications/cancelled", await stream.DataAsync("the word that nobody waits for the answer"), StringComparison.Ordinal);
        Assert.Null(await stream.NextAsync("the end of the stream without an answer"));
        Assert.Single(server.Calls);
    }

    [Fact]
    public async Task Client_WhenItNeverAnswers_IsWaitedForAsLongAsParkedCalls()
    {
        var clock = new FakeTimeProvider();
        var server = new Wanting($$""" "inputRequests":{"n":{{AskName}}} """);
        await using var host = await server.StartAsync(clock);
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);
        using var stream = await EventStream.OpenAsync(host, Call(session));
        await stream.DataAsync("the question");

        await clock.WhenTimerArmedAsync(TimeSpan.FromMinutes(10));
        clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Contains("notifications/cancelled", await stream.DataAsync("the word that nobody waits for the answer"), StringComparison.Ordinal);
        Assert.Contains("parkedLifetime (600 s)", await stream.DataAsync("the answer"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_WhenItTakesJsonOnly_IsNotDeclaredAskableAndIsToldWhy()
    {
        var server = new Wanting($$""" "inputRequests":{"n":{{AskName}}} """);
        await using var host = await server.StartAsync();
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);

        var (_, body, _) = await host.PostAsync("/mcp/s", CallBody("""{"name":"hello"}"""), "Mcp-Session-Id: " + session, "Accept: application/json");

        Assert.Contains("Accept: application/json, text/event-stream", body, StringComparison.Ordinal);
        Assert.StartsWith("{", body, StringComparison.Ordinal);
        using var sent = JsonDocument.Parse(Assert.Single(server.Calls).Params);
        Assert.Equal("""{"experimental":{"x":1.0},"extensions":{"a/b":{}}}""", sent.RootElement.GetProperty("_meta").GetProperty("io.modelcontextprotocol/clientCapabilities").GetRawText());
    }

    [Fact]
    public async Task Client_WhenItSendsAnswersOfItsOwnAccord_IsNotTakenForItsUser()
    {
        var server = new Wanting();
        await using var host = await server.StartAsync();
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);

        await host.PostAsync("/mcp/s", CallBody("""{"name":"hello","inputResponses":{"n":{"action":"accept"}},"requestState":"x"}"""), "Mcp-Session-Id: " + session);

        var sent = Assert.Single(server.Calls).Params;
        Assert.DoesNotContain("inputResponses", sent, StringComparison.Ordinal);
        Assert.DoesNotContain("requestState", sent, StringComparison.Ordinal);
    }

    private static string CallBody(string parameters, string method = "tools/call") => "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"" + method + "\",\"params\":" + parameters + "}";

    private static HttpRequestMessage Call(string session, string parameters = """{"name":"hello"}""", string method = "tools/call") =>
        FrontHost.Compose("/mcp/s", CallBody(parameters, method), "Mcp-Session-Id: " + session);

    private static async Task AnswerAsync(FrontHost host, string session, int id, string members)
    {
        var (status, body, _) = await host.PostAsync("/mcp/s", $$"""{"jsonrpc":"2.0","id":{{id}},{{members}}}""", "Mcp-Session-Id: " + session);
        Assert.Equal((System.Net.HttpStatusCode.Accepted, ""), (status, body));
    }

    /// <summary>A modern server whose tool and prompt <c>hello</c> want the given input, round by round, and then are done.</summary>
    private sealed class Wanting(params string[] rounds)
    {
        private readonly ScriptedRuns _runs = new(static server => server.SpeaksModern("""{"tools":{},"prompts":{}}""")
            .On("tools/list", """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"hello","inputSchema":{"type":"object"}}]} """)
            .On("prompts/list", """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","prompts":[{"name":"hello"}]} """));

        private int _round;

        public ScriptedServer Server { get; private set; } = null!;

        public IReadOnlyList<ScriptedRequest> Calls => [.. Server.Received.Where(static request => request.Method is "tools/call" or "prompts/get")];

        public async Task<FrontHost> StartAsync(TimeProvider? clock = null)
        {
            var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", _runs), clock);
            Server = (await _runs.WhenRunAsync(1)).Server;
            Server.On("tools/call", Answer).On("prompts/get", Answer);
            return host;

            string Answer(ScriptedRequest request) => _round < rounds.Length ? $$""" "result":{"resultType":"input_required",{{rounds[_round++]}}} """ : Done;
        }
    }
}
