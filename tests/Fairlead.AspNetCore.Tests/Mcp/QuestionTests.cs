using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Questions of a legacy server to a legacy client over raw HTTP (decision 8; 2025-11-25, client/elicitation, sampling, roots): on the stream of the call that caused them.</summary>
public sealed class QuestionTests
{
    private const string Everything = """{"elicitation":{"form":{}},"sampling":{},"roots":{"listChanged":true}}""";

    public static TheoryData<string, string, string> Answers()
    {
        const string Elicitation = """ "method":"elicitation/create","params":{"message":"Which colour?","requestedSchema":{"type":"object","properties":{"colour":{"type":"string"}},"required":["colour"]}}""";
        const string Sampling = """ "method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"Say something."}}],"maxTokens":100}""";
        const string Roots = """ "method":"roots/list" """;
        return new TheoryData<string, string, string>
        {
            { "ask_elicitation", Elicitation, """ "result":{"action":"accept", "content":{"colour":"\u00e9\/","n":1.50}}""" },
            { "ask_elicitation", Elicitation, """ "result":{"action":"decline"}""" },
            { "ask_elicitation", Elicitation, """ "error":{"code":-1,"message":"no \u00fcser", "data":{"n":1e2}}""" },
            { "ask_sampling", Sampling, """ "result":{"role":"assistant","content":{"type":"text","text":"\u0041 1"}, "model":"m","stopReason":"endTurn"}""" },
            { "ask_sampling", Sampling, """ "error":{"code":-1,"message":"User rejected sampling request"}""" },
            { "ask_roots", Roots, """ "result":{"roots":[{"uri":"file:\/\/\/tmp", "name":"t"}]}""" },
            { "ask_roots", Roots, """ "error":{"code":-32601,"message":"Roots not supported","data":{"reason":"none"}}""" },
        };
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Question_WhenTheClientAnswers_PassesByteForByteBothWays(string tool, string question, string answer)
    {
        await using var host = await AskingAsync();
        var session = await host.InitializeAsync("/mcp/asks", capabilities: Everything);
        using var stream = await EventStream.OpenAsync(host, Call(session, tool));

        Assert.Equal($$"""{{{question.Trim()}},"jsonrpc":"2.0","id":1}""", await stream.DataAsync("the question"));
        await AnswerAsync(host, session, "1", answer.Trim());

        // The server's answer to the call is the raw text of what it was told.
        var told = JsonDocument.Parse(await stream.DataAsync("the answer of the call")).RootElement;
        Assert.Equal("c", told.GetProperty("id").GetString());
        Assert.Equal(answer[(answer.IndexOf(':', StringComparison.Ordinal) + 1)..], told.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Null(await stream.NextAsync("the end of the stream"));
    }

    [Theory]
    [InlineData("ask_elicitation", "-32601")]
    [InlineData("ask_sampling", "-32601")]
    [InlineData("ask_roots", "{\"roots\":[]}")]
    public async Task Question_WhenTheClientDidNotDeclareTheCapability_IsAnsweredForItAndNeverShown(string tool, string told)
    {
        await using var host = await AskingAsync();
        var session = await host.InitializeAsync("/mcp/asks");

        using var response = await Guard.WithinAsync(host.Http.SendAsync(Call(session, tool)), "the answer");
        var body = await response.Content.ReadAsStringAsync();

        Assert.DoesNotContain("elicitation/create", body, StringComparison.Ordinal);
        Assert.DoesNotContain("sampling/createMessage", body, StringComparison.Ordinal);
        Assert.DoesNotContain("roots/list", body, StringComparison.Ordinal);
        var text = JsonDocument.Parse(EventStream.LastMessage(body)).RootElement.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString();
        Assert.Contains(told, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Question_WhenTheConnectionDrops_IsReadAgainOnResumptionAndCanBeAnswered()
    {
        await using var host = await AskingAsync();
        var session = await host.InitializeAsync("/mcp/asks", capabilities: Everything);
        string question;
        using (var stream = await EventStream.OpenAsync(host, Call(session, "ask_elicitation")))
        {
            question = await stream.DataAsync("the question");
        }

        // As a client that saw the beginning of the stream and nothing else.
        using var resumed = await EventStream.GetAsync(host, "/mcp/asks", session, "1-1");
        Assert.Equal(question, await resumed.DataAsync("the question again"));
        await AnswerAsync(host, session, "1", """ "result":{"action":"decline"}""");

        Assert.Contains("decline", await resumed.DataAsync("the answer of the call"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Question_WhenItsSessionEnds_IsDeclined()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static _ => null));
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var session = await host.InitializeAsync("/mcp/s", capabilities: Everything);
        var opening = EventStream.OpenAsync(host, FrontHost.Compose(
            "/mcp/s", """{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"hello","arguments":{}}}""", "Mcp-Session-Id: " + session));
        await server.WhenReceivedAsync("tools/call");
        await server.SendAsync("""{"jsonrpc":"2.0","id":"q\u00e9","method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
        using (var stream = await opening)
        {
            Assert.Contains("elicitation/create", await stream.DataAsync("the question"), StringComparison.Ordinal);
        }

        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/mcp/s");
        delete.Headers.Add("Mcp-Session-Id", session);
        Assert.Equal(HttpStatusCode.OK, (await Guard.WithinAsync(host.Http.SendAsync(delete), "the end of the session")).StatusCode);

        await server.WhenReceivedAsync(
            received => received.Any(static message => message.Line == """{"jsonrpc":"2.0","id":"q\u00e9","result":{"action":"cancel"}}"""), "the question to be declined");
    }

    [Fact]
    public async Task Answer_WhenItIsAnotherSessionsOrCameAlready_IsAcceptedAndForgotten()
    {
        await using var host = await AskingAsync();
        var session = await host.InitializeAsync("/mcp/asks", capabilities: Everything);
        var stranger = await host.InitializeAsync("/mcp/asks", capabilities: Everything);
        using var stream = await EventStream.OpenAsync(host, Call(session, "ask_elicitation"));
        await stream.DataAsync("the question");

        await AnswerAsync(host, stranger, "1", """ "result":{"action":"accept","content":{"colour":"stranger"}}""");
        await AnswerAsync(host, session, "7", """ "result":{"action":"accept","content":{"colour":"unasked"}}""");
        await AnswerAsync(host, session, "1", """ "result":{"action":"accept","content":{"colour":"mine"}}""");
        await AnswerAsync(host, session, "1", """ "result":{"action":"accept","content":{"colour":"late"}}""");

        var answer = await stream.DataAsync("the answer of the call");
        Assert.Contains("mine", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("stranger", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Question_WhenTwoClientsAreAskedAtOnce_NeitherSeesTheOthers()
    {
        await using var host = await AskingAsync();

        // The first question shows that the server asks; clients that come afterwards have instances of their own.
        var first = await host.InitializeAsync("/mcp/asks", capabilities: Everything);
        using (var stream = await EventStream.OpenAsync(host, Call(first, "ask_elicitation")))
        {
            await stream.DataAsync("the first question");
            await AnswerAsync(host, first, "1", """ "result":{"action":"cancel"}""");
            await stream.RestAsync("the end of the first call");
        }

        var seen = new ConcurrentQueue<(string Owner, string Message)>();
        var clients = new[] { "alpha", "omega" }.Select(owner => OwnerAsync(host, owner, seen));
        await Guard.WithinAsync(Task.WhenAll(clients), "calls of two clients");

        Assert.Equal(40, seen.Count);
        Assert.All(seen, static one => Assert.Contains(one.Owner, one.Message, StringComparison.Ordinal));
        Assert.All(seen, static one => Assert.DoesNotContain(one.Owner == "alpha" ? "omega" : "alpha", one.Message, StringComparison.Ordinal));
    }

    /// <summary>Ten calls at once by one client, each of which asks once.</summary>
    private static async Task OwnerAsync(FrontHost host, string owner, ConcurrentQueue<(string Owner, string Message)> seen)
    {
        var session = await host.InitializeAsync("/mcp/asks", capabilities: Everything);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => CallAsync()));

        async Task CallAsync()
        {
            // The server cannot say which call its question is about: it is asked on the client's newest one, and this one's answer may come alone.
            using var stream = await EventStream.OpenAsync(host, Call(session, "ask_elicitation", $$""" "message":"{{owner}}" """), orJson: true);
            while (await stream.NextAsync($"a message for {owner}") is { } message)
            {
                seen.Enqueue((owner, message));
                var root = JsonDocument.Parse(message).RootElement;
                if (root.TryGetProperty("method", out _))
                {
                    await AnswerAsync(host, session, root.GetProperty("id").GetRawText(), $$$""" "result":{"action":"accept","content":{"colour":"{{{owner}}}"}}""");
                }
            }
        }
    }

    private static Task<FrontHost> AskingAsync() => FrontHost.StartAsync(new FairleadOptions { Servers = { Echo.Misbehaving("asks", "asks") } });

    private static HttpRequestMessage Call(string session, string tool, string arguments = "\"force\":true") => FrontHost.Compose(
        "/mcp/asks", $$$$"""{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"{{{{tool}}}}","arguments":{ {{{{arguments}}}} } } }""", "Mcp-Session-Id: " + session);

    private static async Task AnswerAsync(FrontHost host, string session, string id, string members)
    {
        var (status, body, _) = await host.PostAsync("/mcp/asks", $$"""{"jsonrpc":"2.0","id":{{id}},{{members}}}""", "Mcp-Session-Id: " + session);
        Assert.Equal((HttpStatusCode.Accepted, ""), (status, body));
    }
}
