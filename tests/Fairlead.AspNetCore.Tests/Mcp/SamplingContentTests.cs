using Fairlead.Configuration;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Questions whose content an old client does not know (protocol.md 6): audio came with 2025-03-26, messages of several blocks with 2025-11-25.</summary>
public sealed class SamplingContentTests
{
    private const string Params = """{"messages":[{"role":"user","content":{"type":"text","text":"audio"}},{"role":"user","content":{"type":"audio","data":"AAAA","mimeType":"audio/wav","annotations":{"audience":["user"]}}},{"role":"assistant","content":[{"type":"audio","data":"AAA="},{"type":"text","text":"b"}],"_meta":{"a":1}},{"role":"user","content":[]}],"maxTokens":1e2}""";
    private const string OneBlockEach = """{"messages":[{"role":"user","content":{"type":"text","text":"audio"}},{"role":"user","content":{"type":"audio","data":"AAAA","mimeType":"audio/wav","annotations":{"audience":["user"]}}},{"role":"assistant","content":{"type":"audio","data":"AAA="},"_meta":{"a":1}},{"role":"assistant","content":{"type":"text","text":"b"},"_meta":{"a":1}},{"role":"user","content":{"type":"text","text":""}}],"maxTokens":1e2}""";
    private const string InWords = """{"messages":[{"role":"user","content":{"type":"text","text":"audio"}},{"role":"user","content":{"type":"text","text":"Audio (audio/wav, 3 bytes) that the client's revision of MCP cannot carry.","annotations":{"audience":["user"]}}},{"role":"assistant","content":{"type":"text","text":"Audio (of unknown type, 2 bytes) that the client's revision of MCP cannot carry."},"_meta":{"a":1}},{"role":"assistant","content":{"type":"text","text":"b"},"_meta":{"a":1}},{"role":"user","content":{"type":"text","text":""}}],"maxTokens":1e2}""";

    [Theory]
    [InlineData("2024-11-05", InWords)]
    [InlineData("2025-03-26", OneBlockEach)]
    [InlineData("2025-11-25", Params)]
    public async Task Question_OfALegacyServer_ReachesTheClientInWordsOfItsRevision(string version, string expected)
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", call =>
        {
            _ = server.SendAsync("""{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":""" + Params + "}");
            server.Answered = _ => server.SendAsync("{\"jsonrpc\":\"2.0\",\"id\":" + call.Id + ",\"result\":{\"content\":[]}}");
            return null;
        }));
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", runs));

        Assert.Equal("""{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":""" + expected + "}", await QuestionAsync(host, version));
    }

    [Theory]
    [InlineData("2024-11-05", InWords)]
    [InlineData("2025-03-26", OneBlockEach)]
    [InlineData("2025-11-25", Params)]
    public async Task Question_OfAModernServer_ReachesTheClientInWordsOfItsRevision(string version, string expected)
    {
        var runs = new ScriptedRuns(static server => server.SpeaksModern("""{"tools":{}}""")
            .On("tools/list", """ "result":{"resultType":"complete","tools":[{"name":"hello","inputSchema":{"type":"object"}}],"ttlMs":0,"cacheScope":"private"} """)
            .On("tools/call", """ "result":{"resultType":"input_required","inputRequests":{"m":{"method":"sampling/createMessage","params":""" + Params + "}}} "));
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", runs));

        Assert.Equal("""{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":""" + expected + "}", await QuestionAsync(host, version));
    }

    private static async Task<string> QuestionAsync(FrontHost host, string version)
    {
        var session = await host.InitializeAsync("/mcp/s", version, """{"sampling":{}}""");
        using var stream = await EventStream.OpenAsync(
            host,
            FrontHost.Compose("/mcp/s", """{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"hello","arguments":{}}}""", "Mcp-Session-Id: " + session));
        var question = await stream.DataAsync("the question");

        // Refused, so that the call ends: the legacy server hears it and answers, the modern one is not called again.
        await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}""", "Mcp-Session-Id: " + session);
        await stream.RestAsync("the end of the call");
        return question;
    }
}
