using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Questions that a legacy server takes back, or that outlive the call that they came with (cancellation and progress go both ways in every legacy revision).</summary>
public sealed class WithdrawnQuestionTests
{
    private const string Everything = """{"elicitation":{"form":{}},"sampling":{},"roots":{}}""";
    private const string Question = """{"jsonrpc":"2.0","id":"x\u00e9","method":"elicitation/create","params":{"_meta":{"progressToken":"p\/1"},"message":"?","requestedSchema":{"type":"object","properties":{}}}}""";

    [Fact]
    public async Task Question_WhenTheServerWithdrawsIt_IsCancelledAtTheClientUnderTheIdThatTheClientKnows()
    {
        var (host, server, session) = await StartAsync();
        await using var _ = host;
        var (stream, call) = await CallAsync(host, server, session, Question);
        using var __ = stream;
        var asked = JsonDocument.Parse(await stream.DataAsync("the question")).RootElement;
        Assert.Equal(1, asked.GetProperty("params").GetProperty("_meta").GetProperty("progressToken").GetInt32());

        await PostAsync(host, session, """{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":0.50,"message":"thinking\/"}}""");
        await ReceivedAsync(server, """{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p\/1","progress":0.50,"message":"thinking\/"}}""");

        await server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x\u00e9","reason":"late"}}""");
        var cancelled = JsonDocument.Parse(await stream.DataAsync("the cancellation")).RootElement;
        Assert.Equal("notifications/cancelled", cancelled.GetProperty("method").GetString());
        Assert.Equal(asked.GetProperty("id").GetInt32(), cancelled.GetProperty("params").GetProperty("requestId").GetInt32());

        // Whoever answered too late is not told off, and the server hears nothing of it.
        await PostAsync(host, session, """{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{}}}""");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call}}},"result":{"content":[]}}""");
        Assert.Contains("\"result\"", await stream.DataAsync("the answer of the call"), StringComparison.Ordinal);
        Assert.DoesNotContain(server.Received, static received => received.Method.Length == 0);
    }

    [Fact]
    public async Task Question_WhenTheServerEndsItsCallWithoutTheAnswer_IsCancelledAtTheClientBeforeTheAnswerOfTheCall()
    {
        var (host, server, session) = await StartAsync();
        await using var _ = host;
        var (stream, call) = await CallAsync(host, server, session, Question);
        using var __ = stream;
        await stream.DataAsync("the question");

        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call}}},"result":{"content":[]}}""");

        Assert.Contains("notifications/cancelled", await stream.DataAsync("the cancellation"), StringComparison.Ordinal);
        Assert.Contains("\"result\"", await stream.DataAsync("the answer of the call"), StringComparison.Ordinal);
        await ReceivedAsync(server, """{"jsonrpc":"2.0","id":"x\u00e9","result":{"action":"cancel"}}""");
    }

    [Fact]
    public async Task Question_WhenTheNewestCallEndsFirst_CanStillBeAnsweredForTheOtherOne()
    {
        var (host, server, session) = await StartAsync();
        await using var _ = host;
        var first = EventStream.OpenAsync(host, Call(session, "a"), orJson: true);
        await server.WhenReceivedAsync("tools/call");
        var (newest, call) = await CallAsync(host, server, session, Question);
        using var __ = newest;
        await newest.DataAsync("the question");

        // The server asked for the call that came first; on a pipe nobody can tell.
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call}}},"result":{"content":[]}}""");
        Assert.Contains("\"result\"", await newest.DataAsync("the answer of the newest call"), StringComparison.Ordinal);
        await PostAsync(host, session, """{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{}}}""");
        await ReceivedAsync(server, """{"jsonrpc":"2.0","id":"x\u00e9","result":{"action":"accept","content":{}}}""");

        await EndFirstAsync(server);
        using var answer = await first;
        Assert.Contains("\"result\"", await answer.NextAsync("the answer of the first call"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Question_WhenTheLastCallThatMayHaveAskedItEnds_IsDeclined()
    {
        var (host, server, session) = await StartAsync();
        await using var _ = host;
        var first = EventStream.OpenAsync(host, Call(session, "a"), orJson: true);
        await server.WhenReceivedAsync("tools/call");
        var (newest, call) = await CallAsync(host, server, session, Question);
        using var __ = newest;
        await newest.DataAsync("the question");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call}}},"result":{"content":[]}}""");
        await newest.DataAsync("the answer of the newest call");
        Assert.DoesNotContain(server.Received, static received => received.Method.Length == 0);

        await EndFirstAsync(server);
        using var answer = await first;

        await ReceivedAsync(server, """{"jsonrpc":"2.0","id":"x\u00e9","result":{"action":"cancel"}}""");
    }

    [Fact]
    public async Task Question_WhenItIsWithdrawnWhileAModernClientIsAway_TheAnswerIsForgottenAndTheCallGoesOn()
    {
        var (host, server, _) = await StartAsync();
        await using var __ = host;
        server.On("tools/call", static _ => null);
        var client = new ModernClient(host, "/mcp/s");
        var asking = client.AskedAsync("hello");
        await server.WhenReceivedAsync("tools/call");
        await server.SendAsync(Question);
        var (questions, state) = await asking;

        await server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x\u00e9"}}""");
        await server.SendAsync("""{"jsonrpc":"2.0","id":"after","method":"ping"}""");
        await ReceivedAsync(server, """{"jsonrpc":"2.0","id":"after","result":{}}""");
        var retry = client.CallAsync("hello", ModernClient.Round(state, $$$$"""{"{{{{questions.EnumerateObject().Single().Name}}}}":{"action":"accept","content":{}}}"""));
        await EndFirstAsync(server);

        Assert.True((await retry).Answer.TryGetProperty("result", out var _));
        Assert.DoesNotContain(server.Received, static received => received.Method.Length == 0 && received.Id != "\"after\"");
    }

    private static async Task<(FrontHost Host, ScriptedServer Server, string Session)> StartAsync()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static _ => null));
        var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Shared } } }, manager => manager.AddServer("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        return (host, server, await host.InitializeAsync("/mcp/s", capabilities: Everything));
    }

    /// <summary>A call whose server asks at once.</summary>
    private static async Task<(EventStream Stream, string UpstreamId)> CallAsync(FrontHost host, ScriptedServer server, string session, string question)
    {
        var before = server.Received.Count(static received => received.Method == "tools/call");
        var opening = EventStream.OpenAsync(host, Call(session, "b"));
        await server.WhenReceivedAsync("tools/call", before + 1);
        await server.SendAsync(question);
        return (await opening, server.Received.Last(static received => received.Method == "tools/call").Id);
    }

    private static Task EndFirstAsync(ScriptedServer server) =>
        server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.First(static received => received.Method == "tools/call").Id}}},"result":{"content":[]}}""");

    private static HttpRequestMessage Call(string session, string id) => FrontHost.Compose(
        "/mcp/s", $$$$"""{"jsonrpc":"2.0","id":"{{{{id}}}}","method":"tools/call","params":{"name":"hello","arguments":{}}}""", "Mcp-Session-Id: " + session);

    private static async Task PostAsync(FrontHost host, string session, string message)
    {
        var (status, _, _) = await host.PostAsync("/mcp/s", message, "Mcp-Session-Id: " + session);
        Assert.Equal(HttpStatusCode.Accepted, status);
    }

    private static Task ReceivedAsync(ScriptedServer server, string line) =>
        server.WhenReceivedAsync(received => received.Any(message => message.Line == line), $"the server to hear {line}");
}
