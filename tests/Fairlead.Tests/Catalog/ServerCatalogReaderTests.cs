using System.Text;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.Tests.Catalog;

public sealed class ServerCatalogReaderTests
{
    private const string AllLists = """{"tools":{},"prompts":{},"resources":{}}""";

    [Fact]
    public async Task Read_WhenDefinitionsAreOdd_KeepsThemByteForByte()
    {
        const string Tool = """{ "x-later":[12345678901234567890, 1.0,1e2],"name" : "caf\u00e9\/x", "inputSchema":{"type":"object","$defs":{"a":{}}} ,"_meta":{"z":null}}""";
        await using var world = await ConnectedServer.OpenAsync(new ScriptedServer().SpeaksLegacy("""{"tools":{}}""").On("tools/list", $"\"result\":{{\"tools\":[ {Tool} ]}}"));

        var reading = await world.ReadAsync();

        var entry = Assert.Single(reading.Catalog.Tools);
        Assert.Equal(Tool, Encoding.UTF8.GetString(entry.Raw));
        Assert.Equal("café/x", entry.Name);
        Assert.Equal("\"caf\\u00e9\\/x\"", Encoding.UTF8.GetString(entry.NameToken.Of(entry.Raw)));
        Assert.True(reading.IsComplete);
        Assert.Empty(reading.Notes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Read_WhenThereAreManyPages_WalksThemWithTheServersCursors(bool modern)
    {
        var server = new ScriptedServer().On("tools/list", request => request.Text("cursor") switch
        {
            null => """ "result":{"tools":[{"name":"a"}],"nextCursor":"\u0070\"2"} """.Trim(),
            "p\"2" => """ "result":{"tools":[{"name":"b"}],"nextCursor":""} """.Trim(),
            "" => """ "result":{"tools":[{"name":"c"}]} """.Trim(),
            _ => """ "error":{"code":-32602,"message":"bad cursor"} """.Trim(),
        });
        await using var world = await ConnectedServer.OpenAsync(modern ? server.SpeaksModern("""{"tools":{}}""") : server.SpeaksLegacy("""{"tools":{}}"""));

        var reading = await world.ReadAsync();

        Assert.Equal(["a", "b", "c"], reading.Catalog.Tools.Select(tool => tool.Name));
        Assert.Equal(modern, server.Received[^1].Params.Contains("io.modelcontextprotocol/protocolVersion", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Read_WhenACursorComesAgain_StopsAndSaysSo()
    {
        var server = new ScriptedServer().SpeaksLegacy("""{"tools":{}}""").On("tools/list", "\"result\":{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"same\"}");
        await using var world = await ConnectedServer.OpenAsync(server);

        var reading = await world.ReadAsync();

        Assert.Equal(["a"], reading.Catalog.Tools.Select(tool => tool.Name));
        Assert.Equal(2, server.Received.Count(request => request.Method == "tools/list"));
        Assert.Contains("led back", Assert.Single(reading.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_WhenACapabilityIsNotDeclared_DoesNotAsk()
    {
        var server = new ScriptedServer().SpeaksLegacy("""{"prompts":{}}""").On("prompts/list", "\"result\":{\"prompts\":[{\"name\":\"p\"}]}");
        await using var world = await ConnectedServer.OpenAsync(server);

        var reading = await world.ReadAsync();

        Assert.Equal(["p"], reading.Catalog.Prompts.Select(prompt => prompt.Name));
        Assert.DoesNotContain(server.Received, request => request.Method is "tools/list" or "resources/list" or "resources/templates/list");
    }

    [Fact]
    public async Task Read_WhenTheServerLiesAboutACapability_TakesThatListAsEmpty()
    {
        var server = new ScriptedServer().SpeaksLegacy(AllLists)
            .On("tools/list", "\"result\":{\"tools\":[{\"name\":\"a\"}]}")
            .On("prompts/list", "\"error\":{\"code\":-32601,\"message\":\"what is that\"}")
            .On("resources/list", "\"result\":{\"resources\":[{\"uri\":\"file:///a\",\"name\":\"a\"}]}");
        await using var world = await ConnectedServer.OpenAsync(server);

        var reading = await world.ReadAsync();

        Assert.Single(reading.Catalog.Tools);
        Assert.Empty(reading.Catalog.Prompts);
        Assert.Equal("file:///a", Assert.Single(reading.Catalog.Resources).Name);
        Assert.Empty(reading.Catalog.Templates);
        Assert.True(reading.IsComplete);
        Assert.Equal(2, reading.Notes.Count);
        Assert.Contains(reading.Notes, note => note.Contains("prompts/list", StringComparison.Ordinal) && note.Contains("-32601", StringComparison.Ordinal));
        Assert.Contains(reading.Notes, note => note.Contains("resources/templates/list", StringComparison.Ordinal) && note.Contains("-32601", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Read_WhenAListFailsAtTheServer_KeepsWhatWasKnownAndSaysSo()
    {
        var server = new ScriptedServer().SpeaksLegacy(AllLists)
            .On("tools/list", "\"result\":{\"tools\":[{\"name\":\"a\"}]}")
            .On("prompts/list", "\"error\":{\"code\":-32603,\"message\":\"database is down\"}")
            .On("resources/list", "\"result\":{\"resources\":[]}")
            .On("resources/templates/list", "\"result\":{\"resourceTemplates\":[]}");
        await using var world = await ConnectedServer.OpenAsync(server);

        var reading = await world.ReadAsync();

        Assert.Single(reading.Catalog.Tools);
        Assert.False(reading.IsComplete);
        Assert.Contains(reading.Notes, static note => note.Contains("database is down", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"result\":{}")]
    [InlineData("\"result\":{\"tools\":{\"a\":1}}")]
    [InlineData("\"result\":{\"tools\":null}")]
    public async Task Read_WhenTheAnswerHoldsNoList_TakesItAsEmpty(string answer)
    {
        await using var world = await ConnectedServer.OpenAsync(new ScriptedServer().SpeaksLegacy("""{"tools":{}}""").On("tools/list", answer));

        var reading = await world.ReadAsync();

        Assert.Empty(reading.Catalog.Tools);
        Assert.Contains("holds no list", Assert.Single(reading.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_WhenEntriesCannotBeUsed_DropsThemAndSaysWhy()
    {
        const string Tools = """[{"title":"nameless"},{"name":""},{"name":7},"text",{"name":"twice","n\u0061me":"other"},{"name":"same","a":1},{"name":"same","a":2},{"name":"good"}]""";
        await using var world = await ConnectedServer.OpenAsync(new ScriptedServer().SpeaksLegacy("""{"tools":{}}""").On("tools/list", $"\"result\":{{\"tools\":{Tools}}}"));

        var reading = await world.ReadAsync();

        Assert.Equal(["same", "good"], reading.Catalog.Tools.Select(tool => tool.Name));
        Assert.Contains("\"a\":1", Encoding.UTF8.GetString(reading.Catalog.Tools[0].Raw), StringComparison.Ordinal);
        Assert.Equal(6, reading.Notes.Count);
    }

    [Fact]
    public async Task Read_WhenListsAreTooLong_KeepsWhatTheLimitsAllowAndNamesThem()
    {
        var server = new ScriptedServer().SpeaksLegacy(AllLists)
            .On("tools/list", request => $"\"result\":{{\"tools\":[{{\"name\":\"t{request.Id}\"}}],\"nextCursor\":\"c{request.Id}\"}}")
            .On("prompts/list", "\"result\":{\"prompts\":[{\"name\":\"p1\"},{\"name\":\"p2\"},{\"name\":\"p3\"},{\"name\":\"p4\"}]}")
            .On("resources/list", $"\"result\":{{\"resources\":[{{\"uri\":\"a:1\",\"description\":\"{new string('x', 900)}\"}},{{\"uri\":\"a:2\",\"description\":\"{new string('x', 900)}\"}}]}}")
            .On("resources/templates/list", "\"result\":{\"resourceTemplates\":[{\"uriTemplate\":\"a:{x}\"}]}");
        await using var world = await ConnectedServer.OpenAsync(server);

        var reading = await world.ReadAsync(new LimitsOptions { ListPagesMax = 2, ToolsPerServerMax = 3, ListBytesMax = 1200 });

        Assert.Equal(2, reading.Catalog.Tools.Length);
        Assert.Equal(["p1", "p2", "p3"], reading.Catalog.Prompts.Select(prompt => prompt.Name));
        Assert.Equal("a:1", Assert.Single(reading.Catalog.Resources).Name);
        Assert.Single(reading.Catalog.Templates);
        foreach (var limit in new[] { "listPagesMax", "toolsPerServerMax", "listBytesMax" })
        {
            Assert.Contains(reading.Notes, note => note.Contains(limit, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Read_WhenAllListsTogetherAreTooLong_ToolsComeFirst()
    {
        var server = new ScriptedServer().SpeaksLegacy(AllLists)
            .On("tools/list", $"\"result\":{{\"tools\":[{{\"name\":\"t\",\"description\":\"{new string('x', 900)}\"}}]}}")
            .On("prompts/list", $"\"result\":{{\"prompts\":[{{\"name\":\"p\",\"description\":\"{new string('x', 900)}\"}}]}}");
        await using var world = await ConnectedServer.OpenAsync(server);

        var reading = await world.ReadAsync(new LimitsOptions { ListBytesMax = 1200 });

        Assert.Single(reading.Catalog.Tools);
        Assert.Empty(reading.Catalog.Prompts);
        Assert.Contains(reading.Notes, note => note.Contains("in all", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Read_WhenAListTimesOut_KeepsWhatWasKnownAndIsNotComplete()
    {
        var clock = new FakeTimeProvider();
        var server = new ScriptedServer().SpeaksLegacy("""{"tools":{}}""").On("tools/list", _ => null);
        await using var world = await ConnectedServer.OpenAsync(server, clock);

        var reading = world.ReadAsync(known: CatalogWorld.Tools("before"), timeout: TimeSpan.FromSeconds(5));
        await server.WhenReceivedAsync("tools/list");
        await clock.WhenTimerArmedAsync();
        clock.Advance(TimeSpan.FromSeconds(6));
        var result = await reading;

        Assert.False(result.IsComplete);
        Assert.Equal(["before"], result.Catalog.Tools.Select(tool => tool.Name));
        Assert.Contains("kept", Assert.Single(result.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_WhenTheServerHangsUp_KeepsWhatWasKnown()
    {
        var server = new ScriptedServer().SpeaksLegacy("""{"tools":{}}""").On("tools/list", _ => null);
        await using var world = await ConnectedServer.OpenAsync(server);

        var reading = world.ReadAsync(known: CatalogWorld.Tools("before"));
        await server.WhenReceivedAsync("tools/list");
        await server.HangUpAsync();

        Assert.Equal(["before"], (await reading).Catalog.Tools.Select(tool => tool.Name));
        Assert.False((await reading).IsComplete);
    }

    [Fact]
    public async Task Read_WhenOnlyPromptsChanged_AsksForPromptsAlone()
    {
        var server = new ScriptedServer().SpeaksLegacy(AllLists).On("prompts/list", "\"result\":{\"prompts\":[{\"name\":\"new\"}]}");
        await using var world = await ConnectedServer.OpenAsync(server);

        var reading = await world.ReadAsync(known: CatalogWorld.Tools("kept"), which: CatalogChanges.Prompts);

        Assert.Equal(["kept"], reading.Catalog.Tools.Select(tool => tool.Name));
        Assert.Equal(["new"], reading.Catalog.Prompts.Select(prompt => prompt.Name));
        Assert.DoesNotContain(server.Received, request => request.Method is "tools/list" or "resources/list");
    }

    [Theory]
    [InlineData(ServerTransport.Http, true, 0)]
    [InlineData(ServerTransport.Http, false, 1)]
    [InlineData(ServerTransport.Stdio, true, 1)]
    public async Task Read_WhenAHeaderAnnotationIsBad_DropsTheToolOnlyWhereItIsRead(ServerTransport transport, bool modern, int tools)
    {
        var server = new ScriptedServer().On("tools/list", """ "result":{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}}]} """.Trim());
        await using var world = await ConnectedServer.OpenAsync(modern ? server.SpeaksModern("""{"tools":{}}""") : server.SpeaksLegacy("""{"tools":{}}"""));

        var reading = await world.ReadAsync(transport: transport);

        Assert.Equal(tools, reading.Catalog.Tools.Length);
        Assert.All(reading.Catalog.Tools, tool => Assert.Empty(tool.Headers));
        Assert.Contains("no string, integer or boolean", Assert.Single(reading.Notes), StringComparison.Ordinal);
    }
}
