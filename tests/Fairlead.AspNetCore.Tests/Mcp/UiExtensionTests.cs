using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Servers that have more to offer when they are told of an extension, and clients with and without it (docs/adr/0004).</summary>
public sealed class UiExtensionTests
{
    private const string Ui = """{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}""";
    private const string UiMeta = "\"_meta\":" + """{"ui":{"resourceUri":"ui://s/clock","visibility":["model","app"]},"com.example/more":[1,{"a":null}]}""";
    private const string PlainTool = """{"name":"hello","inputSchema":{"type":"object"}}""";
    private const string UiTool = """{"name":"clock","inputSchema":{"type":"object"},""" + UiMeta + "}";

    private static string ToolsFor(string told) => told.Contains("io.modelcontextprotocol/ui", StringComparison.Ordinal)
        ? """{"tools":[""" + PlainTool + "," + UiTool + "]}"
        : """{"tools":[""" + PlainTool + "]}";

    /// <summary>A server on a pipe that shows its tool with a page only where the extension was declared.</summary>
    private static ScriptedRuns PipeServer() => ScriptedRuns.Legacy(static server => server.On(
        "tools/list", _ => "\"result\":" + ToolsFor(server.Received.Single(static request => request.Method == "initialize").Params)));

    private static LegacyScript HttpServer() => new()
    {
        Capabilities = """{"tools":{"listChanged":true}}""",
        Call = async (upstream, context, request) =>
        {
            var session = request["Mcp-Session-Id"]!;
            if (request.RpcMethod == "tools/list")
            {
                // Sessions are numbered in the order of their handshakes.
                var handshakes = upstream.Requests.Where(static one => one.RpcMethod == "initialize").ToArray();
                await context.ResultAsync(request, ToolsFor(handshakes[session[1] - '1'].Body));
                return;
            }

            if (request.RpcMethod != "tools/call")
            {
                await context.StatusAsync(202);
                return;
            }

            await context.StartEventsAsync();
            await context.EventAsync("""{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
            await context.EventAsync($$$"""{"jsonrpc":"2.0","id":{{{request.Id}}},"result":{"content":[]}}""");
        },
    };

    private static async Task<string> ListAsync(FrontHost host, string session)
    {
        var (_, body, _) = await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", "Mcp-Session-Id: " + session);
        return body;
    }

    private static Task CallAsync(FrontHost host, string session) => host.PostAsync(
        "/mcp/s", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello","arguments":{}}}""", "Mcp-Session-Id: " + session);

    private static string Told(string handshake)
    {
        using var document = JsonDocument.Parse(handshake);
        return (document.RootElement.TryGetProperty("params", out var parameters) ? parameters : document.RootElement).GetProperty("capabilities").GetRawText();
    }

    private static async Task AskingAsync(FrontHost host)
    {
        Assert.True(host.Manager.Fleet.TryGet("s", out var cell));
        for (var changed = cell.Changed; !cell.Current.IsAsking; changed = cell.Changed)
        {
            await Guard.WithinAsync(changed, "the mark of asking");
        }
    }

    [Fact]
    public async Task Lists_OfAServerOnAPipe_HaveToolsWithPagesAndTheirMetaWholeForEveryClient()
    {
        var runs = PipeServer();
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", runs));

        var with = await ListAsync(host, await host.InitializeAsync("/mcp/s", capabilities: "{\"extensions\":" + Ui + "}"));
        var without = await ListAsync(host, await host.InitializeAsync("/mcp/s"));
        var (_, modern, _) = await host.ModernAsync("/mcp", "tools/list", "");

        Assert.All([with, without, modern], static list => Assert.Contains(UiMeta, list, StringComparison.Ordinal));
        Assert.Equal(1, runs.Count);
    }

    [Fact]
    public async Task Lists_OfAModernServer_AreReadWithTheExtensionDeclared()
    {
        var runs = new ScriptedRuns(static server => server.SpeaksModern("""{"tools":{}}""").On("tools/list", static request =>
            "\"result\":{\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"," + ToolsFor(request.Params)[1..]));
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", runs));

        var (_, list, _) = await host.ModernAsync("/mcp/s", "tools/list", "");

        Assert.Contains(UiMeta, list, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OwnInstance_OnAPipe_IsToldTheClientsExtensionsAndItsSessionSeesWhatThatInstanceHas()
    {
        var runs = PipeServer();
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", runs));
        await (await runs.WhenRunAsync(1)).Server.SendAsync("""{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}}""");
        await AskingAsync(host);

        var with = await host.InitializeAsync(
            "/mcp/s", capabilities: """{"elicitation":{},"experimental":{},"extensions":{"io.modelcontextprotocol/tasks":{},"com.example/x":{"n":1},""" + Ui[1..] + "}");
        await CallAsync(host, with);
        var without = await host.InitializeAsync("/mcp/s", capabilities: """{"elicitation":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}""");
        using var stream = await EventStream.GetAsync(host, "/mcp/s", without);
        await CallAsync(host, without);
        Assert.Contains("notifications/tools/list_changed", await stream.DataAsync("word of the smaller list"), StringComparison.Ordinal);

        Assert.Equal("""{"elicitation":{},"extensions":{"com.example/x":{"n":1},""" + Ui[1..] + "}", Told((await runs.WhenRunAsync(2)).Server.Received.First(static one => one.Method == "initialize").Params));
        Assert.Equal("""{"elicitation":{}}""", Told((await runs.WhenRunAsync(3)).Server.Received.First(static one => one.Method == "initialize").Params));
        Assert.Contains(UiMeta, await ListAsync(host, with), StringComparison.Ordinal);
        Assert.DoesNotContain("clock", await ListAsync(host, without), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OwnInstance_OnAPipe_OfClientsThatCannotBeAsked_IsOneForEachSetOfExtensions()
    {
        var runs = PipeServer();
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", runs));
        await (await runs.WhenRunAsync(1)).Server.SendAsync("""{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}}""");
        await AskingAsync(host);

        foreach (var capabilities in (string[])["{}", "{\"extensions\":" + Ui + "}", """{"extensions":{}}""", "{\"extensions\":" + Ui + "}"])
        {
            await CallAsync(host, await host.InitializeAsync("/mcp/s", capabilities: capabilities));
        }

        Assert.Equal(3, runs.Count);
        Assert.Equal("{}", Told((await runs.WhenRunAsync(2)).Server.Received.First(static one => one.Method == "initialize").Params));
        Assert.Equal("{\"extensions\":" + Ui + "}", Told((await runs.WhenRunAsync(3)).Server.Received.First(static one => one.Method == "initialize").Params));
    }

    [Fact]
    public async Task Sessions_AtAnHttpServerThatAsks_AreOneForEachSetOfExtensionsAndBounded()
    {
        await using var upstream = await HttpServer().StartAsync();
        var options = new FairleadOptions { Servers = { new ServerConfig { Name = "s", Url = upstream.Url } } };
        options.Limits.InstancesPerServerMax = 3;
        await using var host = await FrontHost.StartAsync(options);
        Assert.Contains(UiMeta, await ListAsync(host, await host.InitializeAsync("/mcp/s")), StringComparison.Ordinal);
        await new ModernClient(host, "/mcp/s").CallAsync("hello");
        await AskingAsync(host);

        // What the shared session was told is enough for the first two; the others have sessions of their own, as long as there may be more.
        var ui = "\"extensions\":" + Ui + "}";
        await new ModernClient(host, "/mcp/s", ModernClient.Everything[..^1] + "," + ui).CallAsync("hello");
        await new ModernClient(host, "/mcp/s", name: "other").CallAsync("hello");
        for (var i = 0; i < 2; i++)
        {
            await new ModernClient(host, "/mcp/s", """{"sampling":{},""" + ui, $"ui-{i}").CallAsync("hello");
            await new ModernClient(host, "/mcp/s", """{"sampling":{}}""", $"plain-{i}").CallAsync("hello");
            await new ModernClient(host, "/mcp/s", ModernClient.Everything[..^1] + ""","extensions":{"com.example/x":{}}}""", $"x-{i}").CallAsync("hello");
        }

        for (var i = 0; i < 20; i++)
        {
            await new ModernClient(host, "/mcp/s", """{"extensions":{"com.example/N":{}}}""".Replace("N", $"{i}", StringComparison.Ordinal), $"many-{i}").CallAsync("hello");
        }

        Assert.Equal(
            ["""{"sampling":{},""" + ui, """{"sampling":{}}""", ModernClient.Everything[..^1] + ""","extensions":{"com.example/x":{}}}"""],
            upstream.Requests.Where(static one => one.RpcMethod == "initialize").Skip(1).Select(static one => Told(one.Body)));
        var calls = upstream.Requests.Where(static one => one.RpcMethod == "tools/call").Select(static one => one["Mcp-Session-Id"]).ToArray();
        Assert.Equal(["s1", "s1", "s1", "s2", "s3", "s4", "s2", "s3", "s4"], calls.Take(9));
        Assert.All(calls.Skip(9), static session => Assert.Equal("s1", session));
    }
}
