using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary><c>resources/subscribe</c> of a legacy client at a server of 2026-07-28: it stands when the server's <c>subscriptions/listen</c> does (protocol.md 6).</summary>
public sealed class ModernSubscriptionTests : IAsyncLifetime
{
    private const string Uri = "file:///a";
    private ScriptedRuns _runs = null!;
    private FrontHost _host = null!;
    private string _session = null!;

    public async Task InitializeAsync()
    {
        _runs = new ScriptedRuns(static server => server
            .SpeaksModern("""{"resources":{"subscribe":true}}""")
            .On("resources/list", $$""" "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","resources":[{"name":"a","uri":"{{Uri}}"}]} """)
            .On("resources/templates/list", """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","resourceTemplates":[]} """)
            .On("subscriptions/listen", static _ => null));
        _host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "one" } } }, manager => manager.AddServer("one", _runs));
        _session = await _host.InitializeAsync("/mcp/one");
    }

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Fact]
    public async Task Subscribe_WhenTheServerAcknowledges_Succeeds()
    {
        var (server, listen, answer) = await SubscribeAsync();

        await AcknowledgeAsync(server, listen, """{"resourceSubscriptions":["file:\/\/\/a"]}""");

        Assert.Equal("""{"jsonrpc":"2.0","id":"s","result":{}}""", await answer);
    }

    [Fact]
    public async Task Subscribe_WhenTheAcknowledgementLeavesTheResourceOut_IsRefused()
    {
        var (server, listen, answer) = await SubscribeAsync();

        await AcknowledgeAsync(server, listen, "{}");

        var refusal = await answer;
        Assert.Contains("\"code\":-32602", refusal, StringComparison.Ordinal);
        Assert.Contains("does not tell about this resource", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Subscribe_WhenTheServerRefusesToBeListenedTo_IsRefusedAndMayBeTriedAgain()
    {
        var (server, listen, answer) = await SubscribeAsync();
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{listen.Id}}},"error":{"code":-32603,"message":"Subscription limit reached"}}""");
        var refusal = await answer;
        Assert.Contains("\"code\":-32602", refusal, StringComparison.Ordinal);
        Assert.Contains("it answered listen with error -32603", refusal, StringComparison.Ordinal);

        (_, listen, answer) = await SubscribeAsync(listens: 2);
        await AcknowledgeAsync(server, listen, $$"""{"resourceSubscriptions":["{{Uri}}"]}""");

        Assert.Contains("\"result\":{}", await answer, StringComparison.Ordinal);
    }

    private static Task AcknowledgeAsync(ScriptedServer server, ScriptedRequest listen, string honoured) => server.SendAsync(
        $$$$"""{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{{{{honoured}}}},"_meta":{"io.modelcontextprotocol/subscriptionId":{{{{listen.Id}}}}}}}""");

    private async Task<(ScriptedServer Server, ScriptedRequest Listen, Task<string> Answer)> SubscribeAsync(int listens = 1)
    {
        var answer = PostAsync();
        async Task<string> PostAsync() => EventStream.LastMessage(
            (await _host.PostAsync("/mcp/one", $$$"""{"jsonrpc":"2.0","id":"s","method":"resources/subscribe","params":{"uri":"{{{Uri}}}"}}""", "Mcp-Session-Id: " + _session)).Body);

        var server = (await _runs.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("subscriptions/listen", listens);
        return (server, server.Received.Where(static request => request.Method == "subscriptions/listen").ElementAt(listens - 1), Guard.WithinAsync(answer, "the answer to resources/subscribe"));
    }
}
