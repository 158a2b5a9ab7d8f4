using System.Collections.Concurrent;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Who is asked when a legacy server on a pipe asks (decision 8), for clients of both eras.</summary>
public sealed class OwnerTests
{
    private const string Accept = """{"action":"accept","content":{"colour":"NAME"}}""";

    [Fact]
    public async Task Question_WhenTwoModernClientsAreAskedAtOnce_NeitherSeesTheOthers()
    {
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { Echo.Misbehaving("asks", "asks") } });

        // The first question shows that the server asks.
        var first = new ModernClient(host, "/mcp/asks", name: "first");
        await EndAsync(first, "first", []);
        var seen = new ConcurrentQueue<(string Owner, string Message)>();
        await Guard.WithinAsync(
            Task.WhenAll(new[] { "alpha", "omega" }.Select(name =>
            {
                var client = new ModernClient(host, "/mcp/asks", name: name);
                return Task.WhenAll(Enumerable.Range(0, 10).Select(_ => EndAsync(client, name, seen)));
            })),
            "calls of two clients");

        // 10 calls of each: their answers and their questions, on whichever of an owner's calls those came.
        Assert.Equal(20, seen.Count(static one => one.Message.Contains("\"content\"", StringComparison.Ordinal)));
        Assert.Equal(20, seen.Count(static one => one.Message.Contains("elicitation/create", StringComparison.Ordinal)));
        Assert.All(seen, static one => Assert.Contains(one.Owner, one.Message, StringComparison.Ordinal));
        Assert.All(seen, static one => Assert.DoesNotContain(one.Owner == "alpha" ? "omega" : "alpha", one.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Question_WhenCallsOfSeveralOwnersAreInFlightAtTheSharedInstance_IsDeclinedAndNeverGuessed()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static _ => null));
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Shared } } }, manager => manager.AddServer("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var one = new ModernClient(host, "/mcp/s", name: "one").CallAsync("hello");
        var two = new ModernClient(host, "/mcp/s", name: "two").CallAsync("hello");
        await server.WhenReceivedAsync("tools/call", 2);

        await server.SendAsync("""{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
        await server.WhenReceivedAsync(static received => received.Any(static line => line.Line == """{"jsonrpc":"2.0","id":0,"result":{"action":"cancel"}}"""), "the question to be declined");
        foreach (var call in server.Received.Where(static request => request.Method == "tools/call"))
        {
            await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"result":{"content":[]}}""");
        }

        foreach (var (_, answer) in await Guard.WithinAsync(Task.WhenAll(one, two), "both calls"))
        {
            Assert.Equal("complete", answer.GetProperty("result").GetProperty("resultType").GetString());
        }
    }

    [Fact]
    public async Task Question_WhenAClientDoesNotSayWhoItIs_IsAskedWhileItIsAlone()
    {
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { Echo.Misbehaving("asks", "asks") } });
        var client = new ModernClient(host, "/mcp/asks", name: "");

        for (var i = 0; i < 2; i++)
        {
            var (questions, state) = await client.AskedAsync("ask_elicitation", arguments: """{"force":true}""");
            var (_, answer) = await client.CallAsync(
                "ask_elicitation", ModernClient.Round(state, "{\"" + questions.EnumerateObject().Single().Name + "\":{\"action\":\"decline\"}}"), """{"force":true}""");
            Assert.Contains("decline", answer.GetRawText(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Calls_WhenTheyRunInTurn_AreSentOneAfterTheOtherAndParkedOnesCount()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static _ => null));
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Shared, Interactive = InteractiveMode.Serial } } }, manager => manager.AddServer("s", runs));
        var server = (await runs.WhenRunAsync(1)).Server;
        var client = new ModernClient(host, "/mcp/s");
        var first = client.AskedAsync("hello");
        await server.WhenReceivedAsync("tools/call");
        await server.SendAsync("""{"jsonrpc":"2.0","id":0,"method":"roots/list"}""");
        var (_, state) = await first;

        // Another owner has a turn of its own; the same owner waits until the parked call has ended.
        var second = client.CallAsync("hello", arguments: """{"n":2}""");
        var other = new ModernClient(host, "/mcp/s", name: "other").CallAsync("hello", arguments: """{"n":3}""");
        await server.WhenReceivedAsync("tools/call", 2);
        Assert.Equal(["""{"n":1.50}""", """{"n":3}"""], Calls(server).Select(static call => call.Arguments));

        var retry = client.CallAsync("hello", ModernClient.Round(state, """{"q1":{"roots":[]}}"""));
        await server.WhenReceivedAsync(static received => received.Any(static line => line.Line.Contains("\"id\":0,\"result\"", StringComparison.Ordinal)), "the answer to the question");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{Calls(server)[0].Id}}},"result":{"content":[]}}""");
        await Guard.WithinAsync(retry, "the first call");
        await server.WhenReceivedAsync("tools/call", 3);
        Assert.Equal("""{"n":2}""", Calls(server)[2].Arguments);
        foreach (var call in Calls(server)[1..])
        {
            await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"result":{"content":[]}}""");
        }

        await Guard.WithinAsync(Task.WhenAll(second, other), "the other calls");
    }

    [Fact]
    public async Task Call_WhenItsClientCancelsItWhileItWaitsForItsTurn_IsNeverSent()
    {
        var clock = new FakeTimeProvider();
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static _ => null));
        var options = new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Shared, Interactive = InteractiveMode.Serial } } };
        options.Limits.RequestTimeoutMax = TimeSpan.FromMinutes(47);
        await using var host = await FrontHost.StartAsync(options, manager => manager.AddServer("s", runs), clock);
        var server = (await runs.WhenRunAsync(1)).Server;
        var session = await host.InitializeAsync("/mcp/s");
        var first = CallAsync(1);
        await server.WhenReceivedAsync("tools/call");
        var second = CallAsync(2);
        await clock.WhenTimerArmedAsync(TimeSpan.FromMinutes(47));

        await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}""", "Mcp-Session-Id: " + session);
        await EndedAsync(second, "the call that was cancelled");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{Calls(server)[0].Id}}},"result":{"content":[]}}""");
        await EndedAsync(first, "the call that was open");
        var third = CallAsync(3);
        await server.WhenReceivedAsync("tools/call", 2);

        Assert.Equal(["""{"n":1}""", """{"n":3}"""], Calls(server).Select(static call => call.Arguments));
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{Calls(server)[1].Id}}},"result":{"content":[]}}""");
        await EndedAsync(third, "the last call");

        Task CallAsync(int n) => host.PostAsync(
            "/mcp/s", """{"jsonrpc":"2.0","id":N,"method":"tools/call","params":{"name":"hello","arguments":{"n":N}}}""".Replace("N", $"{n}", StringComparison.Ordinal), "Mcp-Session-Id: " + session);

        // What a cancelled request is answered with is nobody's concern: its connection may end too.
        static async Task EndedAsync(Task call, string what) => await Guard.WithinAsync(Task.WhenAny(call), what);
    }

    [Fact]
    public async Task Instances_OfAModernServerThatIsIsolatedByHand_AreThoseOfItsClients()
    {
        var runs = TaskScript.Modern();
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Session } } }, manager => manager.AddServer("s", runs));
        await new ModernClient(host, "/mcp/s", name: "one").CallAsync("work");
        await new ModernClient(host, "/mcp/s", name: "two").CallAsync("work");

        Assert.Equal(3, runs.Count);
        Assert.DoesNotContain((await runs.WhenRunAsync(1)).Server.Received, static request => request.Method == "tools/call");
    }

    [Fact]
    public async Task Sessions_AtAnHttpServerThatAsks_AreOneForEachSetOfWhatClientsCanBeAskedFor()
    {
        var script = new LegacyScript
        {
            Capabilities = """{"tools":{}}""",
            Call = static async (_, context, request) =>
            {
                if (request.RpcMethod == "tools/list")
                {
                    await context.ResultAsync(request, """{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]}""");
                    return;
                }

                await context.StartEventsAsync();
                await context.EventAsync("""{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
                await context.EventAsync($$$"""{"jsonrpc":"2.0","id":{{{request.Id}}},"result":{"content":[]}}""");
            },
        };
        await using var upstream = await script.StartAsync();
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s", Url = upstream.Url } } });
        var first = await host.InitializeAsync("/mcp/s", capabilities: """{"elicitation":{}}""");
        await CallAsync(first);
        Assert.True(host.Manager.Fleet.TryGet("s", out var cell));
        for (var changed = cell.Changed; !cell.Current.IsAsking; changed = cell.Changed)
        {
            await Guard.WithinAsync(changed, "the mark of asking");
        }


        // Whoever can be asked for everything uses the shared session, and so does a session that has used it.
        await new ModernClient(host, "/mcp/s").CallAsync("hello");
        await CallAsync(first);
        Assert.Single(Declared());
        foreach (var name in new[] { "one", "two" })
        {
            await new ModernClient(host, "/mcp/s", """{"sampling":{}}""", name).CallAsync("hello");
        }

        await CallAsync(await host.InitializeAsync("/mcp/s", capabilities: """{"elicitation":{}}"""));
        await CallAsync(await host.InitializeAsync("/mcp/s"));

        Assert.Equal(["""{"sampling":{}}""", """{"elicitation":{}}""", "{}"], Declared().Skip(1));

        Task CallAsync(string session) => host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello"}}""", "Mcp-Session-Id: " + session);

        string[] Declared() =>
            [.. upstream.Requests.Where(static one => one.RpcMethod == "initialize").Select(static one => JsonDocument.Parse(one.Body).RootElement.GetProperty("params").GetProperty("capabilities").GetRawText())];
    }

    [Fact]
    public async Task Roots_WhenTheyChange_AreToldToTheInstanceThatCanHaveAskedForThem()
    {
        var runs = ScriptedRuns.Legacy();
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Session } } }, manager => manager.AddServer("s", runs));
        var session = await host.InitializeAsync("/mcp/s", capabilities: """{"roots":{"listChanged":true}}""");
        await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello"}}""", "Mcp-Session-Id: " + session);

        await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}""", "Mcp-Session-Id: " + session);

        await (await runs.WhenRunAsync(2)).Server.WhenReceivedAsync("notifications/roots/list_changed");
        Assert.DoesNotContain((await runs.WhenRunAsync(1)).Server.Received, static request => request.Method == "notifications/roots/list_changed");
    }

    [Fact]
    public async Task Question_OutsideOfAnyCall_IsDeclinedWhenTheClientSaysNothing()
    {
        var clock = new FakeTimeProvider();
        var runs = ScriptedRuns.Legacy();
        var options = new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Session } } };
        options.Limits.ParkedLifetime = TimeSpan.FromMinutes(2);
        await using var host = await FrontHost.StartAsync(options, manager => manager.AddServer("s", runs), clock);
        var session = await host.InitializeAsync("/mcp/s", capabilities: """{"elicitation":{}}""");
        await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello"}}""", "Mcp-Session-Id: " + session);
        var server = (await runs.WhenRunAsync(2)).Server;
        using var stream = await EventStream.GetAsync(host, "/mcp/s", session);
        await server.SendAsync("""{"jsonrpc":"2.0","id":"later","method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
        await stream.DataAsync("the question");

        clock.Advance(TimeSpan.FromMinutes(3));

        await server.WhenReceivedAsync(static received => received.Any(static line => line.Line == """{"jsonrpc":"2.0","id":"later","result":{"action":"cancel"}}"""), "the question to be declined");
    }

    [Fact]
    public async Task Question_OutsideOfAnyCall_ReachesTheOneSessionThatTheInstanceWorksFor()
    {
        var runs = ScriptedRuns.Legacy();
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Session } } }, manager => manager.AddServer("s", runs));
        var session = await host.InitializeAsync("/mcp/s", capabilities: """{"elicitation":{}}""");
        await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello"}}""", "Mcp-Session-Id: " + session);
        var server = (await runs.WhenRunAsync(2)).Server;
        using var stream = await EventStream.GetAsync(host, "/mcp/s", session);

        await server.SendAsync("""{"jsonrpc":"2.0","id":"later","method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
        var question = JsonDocument.Parse(await stream.DataAsync("the question on the session's own stream")).RootElement;
        await host.PostAsync("/mcp/s", $$$"""{"jsonrpc":"2.0","id":{{{question.GetProperty("id")}}},"result":{"action":"decline"}}""", "Mcp-Session-Id: " + session);

        await server.WhenReceivedAsync(static received => received.Any(static line => line.Line == """{"jsonrpc":"2.0","id":"later","result":{"action":"decline"}}"""), "its answer");
    }

    [Fact]
    public async Task Lists_WhenAnInstanceThatWasToldLessHasLess_AreThoseOfTheInstanceThatACallGoesTo()
    {
        // Shows the tool "ask" only to clients that declare elicitation, as server-everything does.
        var runs = new ScriptedRuns(static server =>
        {
            var declares = false;
            server.SpeaksLegacy("""{"tools":{"listChanged":true}}""");
            var initialized = """ "result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"scripted","version":"1"}} """;
            server.On("initialize", request =>
            {
                declares = request.Params.Contains("elicitation", StringComparison.Ordinal);
                return initialized;
            });
            server.On("tools/list", _ => """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}}""" + (declares ? ",{\"name\":\"ask\",\"inputSchema\":{\"type\":\"object\"}}" : "") + "]} ");
            server.On("tools/call", """ "result":{"content":[]} """);
        });
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "s", Isolation = ServerIsolation.Session } } }, manager => manager.AddServer("s", runs));
        var plain = await host.InitializeAsync("/mcp");
        var asked = await host.InitializeAsync("/mcp", capabilities: """{"elicitation":{}}""");
        using var stream = await EventStream.GetAsync(host, "/mcp", plain);
        Assert.Equal(["s__hello", "s__ask"], await NamesAsync(plain));

        // The first call starts the instance that was told nothing; what it does not have is not shown any more to whoever would be sent there.
        await host.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s__hello"}}""", "Mcp-Session-Id: " + plain);
        Assert.Contains("notifications/tools/list_changed", await stream.DataAsync("word of the change"), StringComparison.Ordinal);

        Assert.Equal(["s__hello"], await NamesAsync(plain));
        Assert.Equal(["s__hello", "s__ask"], await NamesAsync(asked));

        // What the shared instance gets later is no reason to show what is hidden, and is not hidden by what was read before.
        var shared = (await runs.WhenRunAsync(1)).Server;
        shared.On("tools/list", """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}},{"name":"ask","inputSchema":{"type":"object"}},{"name":"more","inputSchema":{"type":"object"}}]} """);
        await shared.SendAsync("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
        Assert.Contains("notifications/tools/list_changed", await stream.DataAsync("word of the shared instance's change"), StringComparison.Ordinal);
        Assert.Equal(["s__hello", "s__more"], await NamesAsync(plain));

        // Lists of 2026-07-28 do not differ as a side effect of requests.
        var (_, modern, _) = await host.ModernAsync("/mcp", "tools/list", "");
        Assert.Contains("s__ask", modern, StringComparison.Ordinal);

        async Task<string[]> NamesAsync(string session)
        {
            var (_, body, _) = await host.PostAsync("/mcp", """{"jsonrpc":"2.0","id":2,"method":"tools/list"}""", "Mcp-Session-Id: " + session);
            return [.. JsonDocument.Parse(body).RootElement.GetProperty("result").GetProperty("tools").EnumerateArray().Select(static tool => tool.GetProperty("name").GetString()!)];
        }
    }

    private static (string Id, string Arguments)[] Calls(ScriptedServer server) =>
        [.. server.Received.Where(static request => request.Method == "tools/call").Select(static request => (request.Id, JsonDocument.Parse(request.Params).RootElement.GetProperty("arguments").GetRawText()))];

    /// <summary>One call to its end, whatever is asked on it.</summary>
    private static async Task EndAsync(ModernClient client, string name, ConcurrentQueue<(string Owner, string Message)> seen)
    {
        var arguments = $$"""{"force":true,"message":"{{name}}"}""";
        var round = "";
        while (true)
        {
            var (_, answer) = await client.CallAsync("ask_elicitation", round, arguments);
            var result = answer.GetProperty("result");
            if (result.GetProperty("resultType").GetString() == "complete")
            {
                seen.Enqueue((name, result.GetRawText()));
                return;
            }

            var questions = result.GetProperty("inputRequests").EnumerateObject().ToArray();
            foreach (var question in questions)
            {
                seen.Enqueue((name, question.Value.GetRawText()));
            }

            var responses = string.Join(',', questions.Select(question => $"\"{question.Name}\":{Accept.Replace("NAME", name, StringComparison.Ordinal)}"));
            round = ModernClient.Round(result.GetProperty("requestState").GetRawText(), "{" + responses + "}");
        }
    }
}
