using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Log lines of a server of 2026-07-28 on a shared pipe, which do not say whose call they belong to.</summary>
public sealed class ModernLogTests : IAsyncLifetime
{
    private const string Line = """{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"of the second"}}""";
    private ScriptedRuns _runs = null!;
    private FrontHost _host = null!;

    public async Task InitializeAsync()
    {
        _runs = new ScriptedRuns(static server => server
            .SpeaksModern("""{"tools":{},"logging":{}}""")
            .On("tools/list", """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"t","inputSchema":{"type":"object"}}]} """)
            .On("tools/call", static _ => null));
        _host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "one" } } }, manager => manager.AddServer("one", _runs));
    }

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Fact]
    public async Task Message_WhenTheServerHasReadTheCancellationOfAnothersCall_ReachesItsClient()
    {
        var server = (await _runs.WhenRunAsync(1)).Server;
        var first = await _host.InitializeAsync("/mcp/one");
        var second = await _host.InitializeAsync("/mcp/one");
        var cancelled = CallAsync(first, "1");
        await CallOfAsync(server, 1);
        await _host.PostAsync("/mcp/one", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}""", "Mcp-Session-Id: " + first);
        await server.WhenReceivedAsync("notifications/cancelled");
        await Assert.ThrowsAsync<HttpRequestException>(() => cancelled);

        // The answer to a later request shows that the cancellation was read; the first call is silent from there on.
        var plain = CallAsync(second, "2");
        await AnswerAsync(server, await CallOfAsync(server, 2));
        Assert.DoesNotContain(Line, await plain, StringComparison.Ordinal);
        var talking = CallAsync(second, "3");
        var call = await CallOfAsync(server, 3);
        await server.SendAsync(Line);
        await AnswerAsync(server, call);

        Assert.Contains(Line, await talking, StringComparison.Ordinal);
    }

    private static async Task<ScriptedRequest> CallOfAsync(ScriptedServer server, int number)
    {
        await server.WhenReceivedAsync("tools/call", number);
        return server.Received.Where(static request => request.Method == "tools/call").ElementAt(number - 1);
    }

    private static Task AnswerAsync(ScriptedServer server, ScriptedRequest call) =>
        server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"result":{"resultType":"complete","content":[]}}""");

    private async Task<string> CallAsync(string session, string id) => (await Guard.WithinAsync(
        _host.PostAsync("/mcp/one", $$$"""{"jsonrpc":"2.0","id":"{{{id}}}","method":"tools/call","params":{"name":"t"}}""", "Mcp-Session-Id: " + session), $"the answer to call {id}")).Body;
}
