using System.Net;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>What passes between any client and any server without a change of meaning (protocol.md 6): trace context, pages, completions, batches, caching hints. Raw bytes in all four cells.</summary>
public sealed class AcrossErasTests : IAsyncLifetime
{
    private const string Trace =
        """ "traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate":"a=\u0062","baggage":"k=v,\/"  """;

    private ScriptedFleet _fleet = null!;

    public async Task InitializeAsync() => _fleet = await ScriptedFleet.StartAsync(
        ("legacy", static server => Offer(server.SpeaksLegacy("""{"tools":{},"prompts":{},"resources":{},"completions":{}}"""), "", "")),
        ("modern", static server => Offer(
            server.SpeaksModern("""{"tools":{},"prompts":{},"resources":{},"completions":{}}""").On(
                "server/discover",
                """ "result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"prompts":{},"resources":{},"completions":{}},"ttlMs":90000,"cacheScope":"public"} """),
            "\"resultType\":\"complete\",", "\"ttlMs\":60000,\"cacheScope\":\"public\",")));

    public Task DisposeAsync() => _fleet.DisposeAsync().AsTask();

    [Theory]
    [InlineData("legacy")]
    [InlineData("modern")]
    public async Task TraceContext_OfAModernClient_ReachesTheServerByteForByte(string server)
    {
        foreach (var (method, members, name) in Calls())
        {
            await _fleet.ModernAsync("/mcp/" + server, method, members, name, Trace);
            Assert.Contains(Trace.Trim(), (await LastAsync(server, method)).Line, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("legacy", "2024-11-05")]
    [InlineData("legacy", "2025-11-25")]
    [InlineData("modern", "2024-11-05")]
    [InlineData("modern", "2025-11-25")]
    public async Task TraceContext_OfALegacyClient_ReachesTheServerByteForByte(string server, string version)
    {
        var session = await _fleet.Host.InitializeAsync("/mcp/" + server, version);
        foreach (var (method, members, _) in Calls())
        {
            await _fleet.LegacyAsync("/mcp/" + server, session, method, "{" + members + ",\"_meta\":{" + Trace + "}}");
            Assert.Contains(Trace.Trim(), (await LastAsync(server, method)).Line, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("legacy", true)]
    [InlineData("legacy", false)]
    [InlineData("modern", true)]
    [InlineData("modern", false)]
    public async Task Pages_OfALongList_AreFairleadsOwnWhateverTheServersWere(string server, bool isModernClient)
    {
        var path = "/mcp/" + server;
        var session = await _fleet.Host.InitializeAsync(path);
        Task<string> ListAsync(string cursor) => isModernClient
            ? _fleet.ModernAsync(path, "tools/list", cursor)
            : _fleet.LegacyAsync(path, session, "tools/list", "{" + cursor + "}");

        var names = new List<string>();
        var cursors = new List<string>();
        for (var cursor = "\"cursor\":\"\""; ; cursor = "\"cursor\":" + cursors[^1])
        {
            var result = JsonDocument.Parse(await ListAsync(cursor)).RootElement.GetProperty("result");
            names.AddRange(result.GetProperty("tools").EnumerateArray().Select(static tool => tool.GetProperty("name").GetString()!));
            if (!result.TryGetProperty("nextCursor", out var next))
            {
                break;
            }

            cursors.Add(next.GetRawText());
        }

        Assert.Equal(["t", .. Enumerable.Range(0, 1200).Select(static number => $"t{number}")], names);
        Assert.DoesNotContain("\"mine\"", Assert.Single(cursors), StringComparison.Ordinal);

        // Neither the server's own cursor means anything here, nor what is none.
        foreach (var foreign in new[] { "\"mine\"", "7", "[]" })
        {
            Assert.Equal(-32602, JsonDocument.Parse(await ListAsync("\"cursor\":" + foreign)).RootElement.GetProperty("error").GetProperty("code").GetInt32());
        }
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("modern")]
    public async Task Completion_OfAPromptOfTheAggregate_AsksTheServerByItsOwnName(string server)
    {
        var session = await _fleet.Host.InitializeAsync("/mcp");
        var members = """ "ref":{"type":"ref/prompt", "name":"SERVER__p"},"argument":{"name":"a","value":"\u00fc"},"context":{"arguments":{"b":"1.0"}} """.Replace("SERVER", server, StringComparison.Ordinal);
        var modern = await _fleet.ModernAsync("/mcp", "completion/complete", members);
        var first = await LastAsync(server, "completion/complete");
        var legacy = await _fleet.LegacyAsync("/mcp", session, "completion/complete", "{" + members + "}");
        var second = await LastAsync(server, "completion/complete");

        Assert.NotEqual(first.Id, second.Id);
        foreach (var asked in new[] { first, second })
        {
            Assert.Contains(""" "ref":{"type":"ref/prompt", "name":"p"},"argument":{"name":"a","value":"\u00fc"},"context":{"arguments":{"b":"1.0"}}""", asked.Line, StringComparison.Ordinal);
        }

        const string Completion = """ "completion":{"values":["\u0061"],"total":1.0,"hasMore":false} """;
        Assert.Contains(Completion.Trim(), modern, StringComparison.Ordinal);
        Assert.Contains("\"resultType\":\"complete\"", modern, StringComparison.Ordinal);
        Assert.Contains(Completion.Trim(), legacy, StringComparison.Ordinal);
        Assert.DoesNotContain("resultType", legacy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_OfWhatNobodyHas_IsRefusedInBothEras()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp");
        const string Members = """ "ref":{"type":"ref/prompt","name":"nobodys"},"argument":{"name":"a","value":""} """;
        foreach (var answer in new[] { await _fleet.ModernAsync("/mcp", "completion/complete", Members), await _fleet.LegacyAsync("/mcp", session, "completion/complete", "{" + Members + "}") })
        {
            Assert.Equal(-32602, JsonDocument.Parse(answer).RootElement.GetProperty("error").GetProperty("code").GetInt32());
        }
    }

    [Fact]
    public async Task Batch_ToServersOfBothEras_IsSplitAndAnsweredInTheClientsRevision()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp", "2025-03-26");
        var (status, body, _) = await _fleet.Host.PostAsync(
            "/mcp",
            """[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"modern__t"}},{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"legacy__t"}},{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"x:gone"}},{"jsonrpc":"2.0","id":3,"method":"prompts/list"}]""",
            "Mcp-Session-Id: " + session);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.DoesNotContain("resultType", body, StringComparison.Ordinal);
        Assert.DoesNotContain("cacheScope", body, StringComparison.Ordinal);
        var answers = JsonDocument.Parse(body).RootElement.EnumerateArray().ToDictionary(static answer => answer.GetProperty("id").GetRawText());
        Assert.Equal("""{"content":[],"structuredContent":{"result":[1]}}""", answers["1"].GetProperty("result").GetRawText());
        Assert.Equal("""{"content":[],"structuredContent":[1]}""", answers["\"1\""].GetProperty("result").GetRawText());
        Assert.Equal(-32002, answers["2"].GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(2, answers["3"].GetProperty("result").GetProperty("prompts").GetArrayLength());
    }

    [Theory]
    [InlineData("/mcp/modern", "90000", "60000", "public")]
    [InlineData("/mcp/legacy", "0", "0", "private")]
    [InlineData("/mcp", "0", "0", "private")]
    public async Task Hints_OfAnEndpoint_AreThoseOfItsServers(string path, string discover, string list, string scope)
    {
        Assert.Contains($"\"ttlMs\":{discover},\"cacheScope\":\"{scope}\"", await _fleet.ModernAsync(path, "server/discover", ""), StringComparison.Ordinal);
        foreach (var method in new[] { "tools/list", "prompts/list", "resources/list", "resources/templates/list" })
        {
            Assert.Contains($"\"ttlMs\":{list},\"cacheScope\":\"{scope}\"", await _fleet.ModernAsync(path, method, ""), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Hints_OfAResource_AreItsServersOrTheSafest()
    {
        Assert.Contains("\"ttlMs\":60000,\"cacheScope\":\"public\"", await _fleet.ModernAsync("/mcp/modern", "resources/read", "\"uri\":\"x:1\"", "x:1"), StringComparison.Ordinal);
        var legacy = await _fleet.ModernAsync("/mcp/legacy", "resources/read", "\"uri\":\"x:1\"", "x:1");
        Assert.Contains("\"ttlMs\":0", legacy, StringComparison.Ordinal);
        Assert.Contains("\"cacheScope\":\"private\"", legacy, StringComparison.Ordinal);
    }

    private static IEnumerable<(string Method, string Members, string? Name)> Calls()
    {
        yield return ("tools/call", "\"name\":\"t\"", "t");
        yield return ("prompts/get", "\"name\":\"p\"", "p");
        yield return ("resources/read", "\"uri\":\"x:1\"", "x:1");
        yield return ("completion/complete", """ "ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""} """, null);
    }

    private static void Offer(ScriptedServer server, string more, string hints)
    {
        string Result(string members) => "\"result\":{" + more + members + "}";
        string Cacheable(string members) => "\"result\":{" + more + hints + members + "}";

        server
            .On("tools/list", request => Cacheable(request.Text("cursor") is null
                ? """ "tools":[{"name":"t","inputSchema":{"type":"object"}}],"nextCursor":"mine" """
                : "\"tools\":[" + string.Join(',', Enumerable.Range(0, 1200).Select(static number => "{\"name\":\"t" + number + "\",\"inputSchema\":{}}")) + "]"))
            .On("prompts/list", Cacheable(""" "prompts":[{"name":"p"}] """))
            .On("resources/list", Cacheable(""" "resources":[] """))
            .On("resources/templates/list", Cacheable(""" "resourceTemplates":[] """))
            .On("tools/call", Result(""" "content":[],"structuredContent":[1] """.Trim()))
            .On("prompts/get", Result(""" "messages":[] """))
            .On("resources/read", Cacheable(""" "contents":[{"uri":"x:1","text":"1"}] """))
            .On("completion/complete", Result(""" "completion":{"values":["\u0061"],"total":1.0,"hasMore":false} """));
    }

    private async Task<ScriptedRequest> LastAsync(string server, string method) => (await _fleet.ServerAsync(server)).Received.Last(request => request.Method == method);
}
