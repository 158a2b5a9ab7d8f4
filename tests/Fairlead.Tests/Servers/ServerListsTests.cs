using System.Text;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Servers;
using Fairlead.TestKit;

namespace Fairlead.Tests.Servers;

public sealed class ServerListsTests
{
    private static ScriptedRuns Modern(Action<ScriptedServer> more) => new(server =>
    {
        server.SpeaksModern("""{"tools":{"listChanged":true},"prompts":{},"resources":{"listChanged":true}}""")
            .On("tools/list", """ "result":{"resultType":"complete","tools":[{"name":"hello","inputSchema":{"type":"object"}}],"ttlMs":0,"cacheScope":"private"} """)
            .On("tools/call", """ "result":{"resultType":"complete","content":[{"type":"text","text":"modern hello"}]} """);
        more(server);
    });

    [Fact]
    public async Task Changed_WhenALegacyServerSaysSo_ItsListsAreReadAgainAndToldOn()
    {
        var tools = """[{"name":"hello","inputSchema":{"type":"object"}}]""";
        var runs = ScriptedRuns.Legacy(server => server.On("tools/list", _ => $"\"result\":{{\"tools\":{Volatile.Read(ref tools)}}}"));
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);
        var told = new TaskCompletionSource<CatalogChanges>(TaskCreationOptions.RunContinuationsAsynchronously);
        manager.Fleet.CatalogChanged += (cell, changes) =>
        {
            if (cell?.Name == "s")
            {
                told.TrySetResult(changes);
            }
        };

        Volatile.Write(ref tools, """[{"name":"hello","inputSchema":{"type":"object"}},{"name":"more","inputSchema":{"type":"object"}}]""");
        await (await runs.WhenRunAsync(1)).Server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");

        Assert.Equal(CatalogChanges.Tools, await Guard.WithinAsync(told.Task, "the news"));
        await manager.ReachedAsync("s", static snapshot => snapshot.Catalog.Tools.Length == 2, "two tools");
        Assert.Equal("hello", (await manager.CallAsync("s", "more")).Text);
    }

    [Fact]
    public async Task Changed_WhenAModernServerSaysSoOnTheListen_ItsListsAreReadAgain()
    {
        var tools = """[{"name":"hello","inputSchema":{"type":"object"}}]""";
        var runs = Modern(server => server
            .On("tools/list", _ => $"\"result\":{{\"resultType\":\"complete\",\"tools\":{Volatile.Read(ref tools)},\"ttlMs\":0,\"cacheScope\":\"private\"}}")
            .On("subscriptions/listen", static _ => null));
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);
        var server = (await runs.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("subscriptions/listen");
        var listen = server.Received.Single(static request => request.Method == "subscriptions/listen");
        Assert.Contains("""
            "notifications":{"toolsListChanged":true,"resourcesListChanged":true}
            """.Trim(), listen.Params, StringComparison.Ordinal);

        Volatile.Write(ref tools, "[]");
        var meta = $$$"""{"io.modelcontextprotocol/subscriptionId":{{{listen.Id}}}}""";
        await server.SendAsync($$$"""{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{{{meta}}}}}""");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{{{meta}}}}}""");

        await manager.ReachedAsync("s", static snapshot => snapshot.Catalog.Tools.Length == 0, "no tools");
    }

    [Fact]
    public async Task Listen_WhenItIsOpen_IsNoCallInFlightAndNoShutdownWaitsForIt()
    {
        var runs = Modern(static server => server.On("subscriptions/listen", static _ => null));
        await using var manager = new McpManager(timeProvider: new FakeTimeProvider());
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);
        await (await runs.WhenRunAsync(1)).Server.WhenReceivedAsync("subscriptions/listen");

        Assert.Equal(0, (await manager.GetMetricsAsync("s")).Servers["s"].InFlight);
        await Guard.WithinAsync(manager.ShutdownAsync(), "the end, for which no time need pass");
    }

    [Fact]
    public async Task Listen_WhenTheServerRefusesIt_TheServerIsFine()
    {
        var runs = Modern(static server => server.On("subscriptions/listen", """ "error":{"code":-32603,"message":"Subscription limit reached"} """));
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });

        var result = await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the call");

        Assert.Equal("modern hello", result.Text);
        await (await runs.WhenRunAsync(1)).Server.WhenReceivedAsync("subscriptions/listen");
        Assert.Equal(ServerState.Healthy, manager.Cell("s").Current.State);
    }

    [Theory]
    [InlineData(60_000, 60)]
    [InlineData(120_000, 120)]
    [InlineData(0, 300)]
    [InlineData(3_600_000, 300)]
    public async Task Listen_WhenTheServerGrantsNothing_ItsListsAreReadAgainWhenTheyAreStale(int ttlMs, int seconds)
    {
        var tools = """[{"name":"hello","inputSchema":{"type":"object"}}]""";
        var clock = new FakeTimeProvider();
        var runs = Modern(server => server
            .On("tools/list", _ => $"\"result\":{{\"resultType\":\"complete\",\"tools\":{Volatile.Read(ref tools)},\"ttlMs\":{ttlMs},\"cacheScope\":\"private\"}}")
            .On("subscriptions/listen", request =>
            {
                _ = server.SendAsync(
                    """{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"_meta":{"io.modelcontextprotocol/subscriptionId":ID}}}""".Replace("ID", request.Id, StringComparison.Ordinal));
                return """ "result":{"resultType":"complete"} """;
            }));
        await using var manager = new McpManager(new FairleadOptions(), timeProvider: clock);
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);
        await clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(seconds));

        Volatile.Write(ref tools, "[]");
        clock.Advance(TimeSpan.FromSeconds(seconds));
        await clock.WhenTimerArmedAsync(ListChangeDebouncer.Quiet);
        clock.Advance(ListChangeDebouncer.Quiet);

        await manager.ReachedAsync("s", static snapshot => snapshot.Catalog.Tools.Length == 0, "no tools");
        Assert.Single((await runs.WhenRunAsync(1)).Server.Received, static request => request.Method == "subscriptions/listen");
    }

    [Theory]
    [InlineData("""{"tools":{"listChanged":true}}""", "\"notifications\":{\"toolsListChanged\":true}")]
    [InlineData("""{"tools":{},"prompts":{"listChanged":false}}""", "")]
    [InlineData("{}", "")]
    public void Filter_WhenKindsAreDeclared_HoldsThoseWhoseChangesAreTold(string capabilities, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(ModernListen.FilterOf(Encoding.UTF8.GetBytes(capabilities))));

    [Fact]
    public async Task Updated_WhenAServerTellsOfAResource_TheFleetTellsItOn()
    {
        var runs = ScriptedRuns.Legacy();
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);
        var told = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        manager.Fleet.ResourceUpdated += (cell, uri) => told.TrySetResult(cell.Name + " " + Encoding.UTF8.GetString(uri));

        await (await runs.WhenRunAsync(1)).Server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///a"}}""");

        Assert.Equal("s \"file:///a\"", await Guard.WithinAsync(told.Task, "the news of the resource"));
    }

    [Fact]
    public async Task Execute_WhenAModernServerAsksForInput_TheHandlerAnswersAndTheCallGoesOn()
    {
        var runs = Modern(static server => server.On("tools/call", static request => request.Params.Contains("inputResponses", StringComparison.Ordinal)
            ? """ "result":{"resultType":"complete","content":[{"type":"text","text":"thanks"}]} """
            : """ "result":{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{"message":"Who?"}}},"requestState":"s\u0031"} """));
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        manager.OnElicitation = static (question, _) => Task.FromResult<object>(new { action = "accept", content = new { name = question.Params.GetProperty("message").GetString() } });
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });

        var result = await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the call");

        Assert.Equal("thanks", result.Text);
        var calls = (await runs.WhenRunAsync(1)).Server.Received.Where(static request => request.Method == "tools/call").ToList();
        Assert.Contains("\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{\"form\":{},\"url\":{}}}", calls[0].Params, StringComparison.Ordinal);
        Assert.Contains("\"inputResponses\":{\"who\":{\"action\":\"accept\",\"content\":{\"name\":\"Who?\"}}},\"requestState\":\"s\\u0031\"", calls[1].Params, StringComparison.Ordinal);
        Assert.NotEqual(calls[0].Id, calls[1].Id);
    }

    [Fact]
    public async Task Execute_WhenAModernServerAsksForInputAndNobodyCanAnswer_TheCallFailsWithTheMend()
    {
        var runs = Modern(static server => server.On("tools/call", """ "result":{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{}}}} """));
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });

        var error = await Assert.ThrowsAsync<ToolFailed>(async () => await Guard.WithinAsync(manager.CallAsync("s", "hello"), "the refusal"));

        Assert.Contains("OnElicitation", error.Message, StringComparison.Ordinal);
    }
}
