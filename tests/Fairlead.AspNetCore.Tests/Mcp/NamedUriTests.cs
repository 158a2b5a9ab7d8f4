using System.Text.Json;
using Fairlead.Catalog;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Resources that a server names in results and lists nowhere: whoever was told of one can read it at the aggregate (protocol.md 7).</summary>
public sealed class NamedUriTests : IAsyncLifetime
{
    private ScriptedFleet _fleet = null!;

    public async Task InitializeAsync() => _fleet = await ScriptedFleet.StartAsync(("one", static server => Offer(server, "one")), ("two", static server => Offer(server, "two")));

    public Task DisposeAsync() => _fleet.DisposeAsync().AsTask();

    [Theory]
    [InlineData("tools/call", "two__t", "made://link")]
    [InlineData("tools/call", "two__t", "made://embedded/\u00e9")]
    [InlineData("prompts/get", "two__p", "made://prompt")]
    public async Task Read_OfAUriThatAResultNamed_GoesToTheServerThatNamedIt(string method, string name, string uri)
    {
        var session = await _fleet.Host.InitializeAsync("/mcp");
        var read = "{\"uri\":" + JsonSerializer.Serialize(uri) + "}";
        Assert.Equal(-32002, JsonDocument.Parse(await _fleet.LegacyAsync("/mcp", session, "resources/read", read)).RootElement.GetProperty("error").GetProperty("code").GetInt32());

        await _fleet.LegacyAsync("/mcp", session, method, $$"""{"name":"{{name}}"}""");

        Assert.Contains("\"text\":\"two\"", await _fleet.LegacyAsync("/mcp", session, "resources/read", read), StringComparison.Ordinal);
        Assert.Contains("\"result\":{}", await _fleet.LegacyAsync("/mcp", session, "resources/subscribe", read), StringComparison.Ordinal);
        Assert.DoesNotContain((await _fleet.ServerAsync("one")).Received, static request => request.Method.StartsWith("resources/read", StringComparison.Ordinal));

        // Where its server is not reached it stays unknown: at the endpoint of the other one, that one says so.
        var other = await _fleet.Host.InitializeAsync("/mcp/one");
        Assert.Contains("\"text\":\"one\"", await _fleet.LegacyAsync("/mcp/one", other, "resources/read", read), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_OfAUriThatATemplateMatchesToo_GoesToTheServerThatNamedIt()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp");
        Assert.Contains("\"text\":\"one\"", await _fleet.LegacyAsync("/mcp", session, "resources/read", """{"uri":"db://7"}"""), StringComparison.Ordinal);

        await _fleet.LegacyAsync("/mcp", session, "tools/call", """{"name":"two__t"}""");

        Assert.Contains("\"text\":\"two\"", await _fleet.LegacyAsync("/mcp", session, "resources/read", """{"uri":"db://9"}"""), StringComparison.Ordinal);
        Assert.Contains("\"text\":\"one\"", await _fleet.LegacyAsync("/mcp", session, "resources/read", """{"uri":"db://7"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public void Uris_BeyondTheBound_AreForgottenOldestFirst()
    {
        var uris = new NamedUris();
        for (var i = 0; i <= NamedUris.Max; i++)
        {
            uris.Add(System.Text.Encoding.UTF8.GetBytes($"made://{i}"));
            uris.Add(System.Text.Encoding.UTF8.GetBytes($"made://{i}"));
        }

        uris.Add(new byte[NamedUris.BytesMax + 1]);

        Assert.False(uris.Contains("made://0"u8));
        Assert.True(uris.Contains("made://1"u8));
        Assert.True(uris.Contains("made://1000"u8));
        Assert.False(uris.Contains(new byte[NamedUris.BytesMax + 1]));
    }

    private static void Offer(ScriptedServer server, string name) => server
        .SpeaksLegacy("""{"tools":{},"prompts":{},"resources":{"subscribe":true}}""")
        .On("tools/list", """ "result":{"tools":[{"name":"t","inputSchema":{"type":"object"}}]} """)
        .On("prompts/list", """ "result":{"prompts":[{"name":"p"}]} """)
        .On("resources/list", """ "result":{"resources":[]} """)
        .On("resources/templates/list", name == "one" ? """ "result":{"resourceTemplates":[{"uriTemplate":"db://{id}","name":"n"}]} """ : """ "result":{"resourceTemplates":[]} """)
        .On("tools/call", """ "result":{"content":[{"type":"resource_link","uri":"made:\/\/link","name":"n"},{"type":"resource_link","uri":"db://9","name":"n"},{"type":"resource","resource":{"uri":"made://embedded/\u00e9","text":"x"}}]} """)
        .On("prompts/get", """ "result":{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"made://prompt","text":"x"}}}]} """)
        .On("resources/subscribe", """ "result":{} """)
        .On("resources/read", request => "\"result\":{\"contents\":[{\"uri\":" + JsonSerializer.Serialize(request.Text("uri")) + ",\"text\":\"" + name + "\"}]}");
}
