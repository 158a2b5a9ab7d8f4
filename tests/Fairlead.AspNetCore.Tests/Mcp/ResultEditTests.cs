using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Results that a client's revision cannot carry as its server wrote them (protocol.md 6): what is changed, and that nothing else is.</summary>
public sealed class ResultEditTests : IAsyncLifetime
{
    private const string Link = """{"type":"resource_link","uri":"file:\/\/\/a b","name":"n","title":"T\u00e9","description":"d","mimeType":"text/plain","annotations":{"priority":1.0}}""";
    private const string Audio = """{"type":"audio","data":"AAECAw==","mimeType":"audio/wav"}""";
    private const string Kept = """{ "type":"text","text":"\u0061","x":1.50}""";

    private ScriptedFleet _fleet = null!;

    public async Task InitializeAsync() => _fleet = await ScriptedFleet.StartAsync(
        ("modern", static server => server
            .SpeaksModern("""{"tools":{},"prompts":{},"resources":{}}""")
            .On("tools/list", """"
                "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"list","inputSchema":{"type":"object"},"outputSchema":{"type":"array","items":{"$ref":"#/$defs/n"},"$defs":{"n":{}}}},{"name":"plain","inputSchema":{"type":"object"}},{"name":"object","inputSchema":{"type":"object"},"outputSchema":{"type":"object"}}]}
                """".Trim())
            .On("prompts/list", """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","prompts":[{"name":"p"}]} """)
            .On("tools/call", static request => "\"result\":{\"resultType\":\"complete\"," + Argument(request) + "}")
            .On("prompts/get", $$""" "result":{"resultType":"complete","messages":[{"role":"user","content":{{Link}}},{"role":"user","content":{{Kept}}}]} """)),
        ("legacy", static server => server
            .SpeaksLegacy("""{"tools":{}}""")
            .On("tools/list", """ "result":{"tools":[{"name":"plain","inputSchema":{"type":"object"}}]} """)
            .On("tools/call", static request => "\"result\":{" + Argument(request) + "}")));

    public Task DisposeAsync() => _fleet.DisposeAsync().AsTask();

    [Theory]
    [InlineData("list", "[1.50, 2]", "{\"result\":[1.50, 2]}")]
    [InlineData("list", "{\"a\":1.0}", "{\"result\":{\"a\":1.0}}")]
    [InlineData("list", "null", "{\"result\":null}")]
    [InlineData("plain", "7", "{\"result\":7}")]
    [InlineData("plain", "{\"a\":1}", "{\"a\":1}")]
    [InlineData("object", "{\"a\":1}", "{\"a\":1}")]
    public async Task StructuredContent_OfAModernServer_IsAnObjectForLegacyClientsExactlyAsTheirSchemaSays(string tool, string value, string seen)
    {
        foreach (var version in new[] { "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25" })
        {
            var session = await _fleet.Host.InitializeAsync("/mcp/modern", version);
            Assert.Equal(
                "{\"jsonrpc\":\"2.0\",\"result\":{\"content\":[],\"structuredContent\":" + seen + "},\"id\":\"c\"}",
                await CallAsync("/mcp/modern", session, tool, "\"content\":[],\"structuredContent\":" + value));
        }

        Assert.Equal(
            "{\"jsonrpc\":\"2.0\",\"result\":{\"resultType\":\"complete\",\"content\":[],\"structuredContent\":" + value + "},\"id\":\"c\"}",
            await ModernCallAsync("/mcp/modern", tool, "\"content\":[],\"structuredContent\":" + value));
    }

    [Fact]
    public async Task OutputSchema_OfAModernServer_IsOfObjectsForLegacyClients()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp");
        var list = await _fleet.LegacyAsync("/mcp", session, "tools/list", "{}");

        Assert.Contains(
            """{"name":"modern__list","inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"result":{"type":"array","items":{"$ref":"#/properties/result/$defs/n"},"$defs":{"n":{}}}},"required":["result"]}}""",
            list, StringComparison.Ordinal);
        Assert.Equal("{\"jsonrpc\":\"2.0\",\"result\":{\"structuredContent\":{\"result\":[]}},\"id\":\"c\"}", await CallAsync("/mcp", session, "modern__list", "\"structuredContent\":[]"));
    }

    [Fact]
    public async Task StructuredContent_WhenItComesAfterAQuestion_IsWrappedAsWithoutOne()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp", capabilities: """{"elicitation":{}}""");
        var server = await _fleet.ServerAsync("modern");
        server.On("tools/call", static request => "\"result\":" + (request.Params.Contains("inputResponses", StringComparison.Ordinal)
            ? """{"resultType":"complete","structuredContent":{"a":1.50}}"""
            : """{"resultType":"input_required","inputRequests":{"q":{"method":"elicitation/create","params":{"mode":"form","message":"?","requestedSchema":{"type":"object","properties":{}}}}}}"""));
        using var stream = await EventStream.OpenAsync(
            _fleet.Host, FrontHost.Compose("/mcp", """{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"modern__list"}}""", "Mcp-Session-Id: " + session));
        var question = JsonDocument.Parse(await stream.DataAsync("the question")).RootElement.GetProperty("id").GetRawText();
        await _fleet.Host.PostAsync("/mcp", "{\"jsonrpc\":\"2.0\",\"id\":" + question + ",\"result\":{\"action\":\"accept\",\"content\":{}}}", "Mcp-Session-Id: " + session);

        Assert.Contains("\"structuredContent\":{\"result\":{\"a\":1.50}}", await stream.DataAsync("the answer"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/mcp/modern", "2024-11-05", true, true)]
    [InlineData("/mcp/modern", "2025-03-26", true, false)]
    [InlineData("/mcp/modern", "2025-06-18", false, false)]
    [InlineData("/mcp/modern", "2025-11-25", false, false)]
    [InlineData("/mcp/legacy", "2024-11-05", true, true)]
    [InlineData("/mcp/legacy", "2025-03-26", true, false)]
    [InlineData("/mcp/legacy", "2025-11-25", false, false)]
    public async Task Content_ThatTheClientDoesNotKnow_BecomesText(string path, string version, bool linkIsText, bool audioIsText)
    {
        var session = await _fleet.Host.InitializeAsync(path, version);
        var link = linkIsText ? """{"type":"text","text":"Resource: Té\nURI: file:///a b\nDescription: d\nType: text/plain","annotations":{"priority":1.0}}""" : Link;
        var audio = audioIsText ? """{"type":"text","text":"Audio (audio/wav, 4 bytes) that the client's revision of MCP cannot carry."}""" : Audio;

        Assert.Equal(
            $$"""{"jsonrpc":"2.0","result":{"content":[{{Kept}},{{link}}, {{audio}}]},"id":"c"}""", await CallAsync(path, session, "plain", $"\"content\":[{Kept},{Link}, {Audio}]"));
    }

    [Fact]
    public async Task PromptContent_ThatTheClientDoesNotKnow_BecomesText()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp/modern", "2024-11-05");
        var messages = JsonDocument.Parse(await _fleet.LegacyAsync("/mcp/modern", session, "prompts/get", """{"name":"p"}""")).RootElement.GetProperty("result").GetProperty("messages");

        Assert.Equal("text", messages[0].GetProperty("content").GetProperty("type").GetString());
        Assert.Equal(Kept, messages[1].GetProperty("content").GetRawText());
        Assert.Contains("resource_link", await _fleet.ModernAsync("/mcp/modern", "prompts/get", "\"name\":\"p\"", "p"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Content_ThatIsNoneAtAll_PassesAsItIs()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp/modern", "2024-11-05");
        foreach (var odd in new[] { "\"content\":null", "\"content\":{\"type\":\"audio\"}", "\"content\":[1,null,[],{\"type\":7},{\"type\":\"audio_\"}]" })
        {
            Assert.Equal("{\"jsonrpc\":\"2.0\",\"result\":{" + odd + "},\"id\":\"c\"}", await CallAsync("/mcp/modern", session, "plain", odd));
        }
    }

    /// <summary>The members of the result, which the client gives as an argument.</summary>
    private static string Argument(ScriptedRequest request)
    {
        using var document = JsonDocument.Parse(request.Params);
        return document.RootElement.GetProperty("arguments").GetProperty("answer").GetString()!;
    }

    private Task<string> CallAsync(string path, string session, string tool, string answer) =>
        _fleet.LegacyAsync(path, session, "tools/call", "{\"name\":\"" + tool + "\",\"arguments\":{\"answer\":" + JsonSerializer.Serialize(answer) + "}}");

    private Task<string> ModernCallAsync(string path, string tool, string answer) =>
        _fleet.ModernAsync(path, "tools/call", "\"name\":\"" + tool + "\",\"arguments\":{\"answer\":" + JsonSerializer.Serialize(answer) + "}", tool);
}
