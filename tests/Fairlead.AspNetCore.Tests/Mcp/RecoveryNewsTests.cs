using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Clients that stay connected while a server is lost hear that its lists have changed when it is back (resilience.md).</summary>
public sealed class RecoveryNewsTests
{
    private const string Listen = """{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""";

    private static readonly string[] s_news = ["notifications/prompts/list_changed", "notifications/resources/list_changed", "notifications/tools/list_changed"];

    [Theory]
    [InlineData("/mcp", false)]
    [InlineData("/mcp/s", false)]
    [InlineData("/mcp", true)]
    [InlineData("/mcp/s", true)]
    public async Task Server_WhenItComesBackWithOtherLists_ClientsOfBothErasAreTold(string path, bool isModern)
    {
        var clock = new FakeTimeProvider();
        var run = 0;
        var runs = new ScriptedRuns(server => Script(server, isModern, Interlocked.Increment(ref run)));
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "s", HealthCheck = { Kind = HealthCheckKind.None } } } }, manager => manager.AddServer("s", runs), clock);
        var session = await host.InitializeAsync(path);
        using var legacy = await EventStream.GetAsync(host, path, session);
        using var modern = await EventStream.OpenAsync(host, FrontHost.Compose(path, Listen, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen"));
        Assert.Contains("acknowledged", await modern.DataAsync("the acknowledgement"), StringComparison.Ordinal);

        (await runs.WhenRunAsync(1)).Crash("out of luck");
        var down = await host.Manager.ReachedAsync("s", ServerState.Unhealthy);
        Assert.Contains("item1", await ListAsync(host, path, session), StringComparison.Ordinal);
        await clock.AdvanceToRetryAsync(down);

        Assert.Equal(s_news, await NewsAsync(legacy));
        Assert.Equal(s_news, await NewsAsync(modern));
        Assert.Contains("item2", await ListAsync(host, path, session), StringComparison.Ordinal);
        await host.Manager.ReachedAsync("s", ServerState.Healthy);
    }

    private static void Script(ScriptedServer server, bool isModern, int run)
    {
        const string Capabilities = """{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true}}""";
        var more = isModern ? "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"," : "";
        _ = isModern ? server.SpeaksModern(Capabilities) : server.SpeaksLegacy(Capabilities);
        string Answer(string members) => "\"result\":{" + more + members + "}";
        server
            .On("tools/list", Answer("\"tools\":[{\"name\":\"item" + run + "\",\"inputSchema\":{\"type\":\"object\"}}]"))
            .On("prompts/list", Answer("\"prompts\":[{\"name\":\"item" + run + "\"}]"))
            .On("resources/list", Answer("\"resources\":[{\"name\":\"item\",\"uri\":\"x://item" + run + "\"}]"))
            .On("resources/templates/list", Answer("\"resourceTemplates\":[]"))
            .On("subscriptions/listen", static _ => null);
    }

    /// <summary>The methods of the next three messages, in order of their names.</summary>
    private static async Task<string[]> NewsAsync(EventStream stream)
    {
        var news = new string[s_news.Length];
        for (var i = 0; i < news.Length; i++)
        {
            var message = await stream.DataAsync("word of the changed lists");
            news[i] = s_news.Single(method => message.Contains($"\"{method}\"", StringComparison.Ordinal));
        }

        Array.Sort(news, StringComparer.Ordinal);
        return news;
    }

    private static async Task<string> ListAsync(FrontHost host, string path, string session) =>
        (await host.PostAsync(path, """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", "Mcp-Session-Id: " + session)).Body;
}
