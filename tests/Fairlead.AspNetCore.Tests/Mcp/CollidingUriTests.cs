using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Two servers with the same URIs at the aggregate: the second one's are wrapped on the way to clients and unwrapped on the way to the server, everywhere a URI stands (protocol.md 7).</summary>
public sealed class CollidingUriTests : IAsyncLifetime
{
    private const string Same = "file:///same";
    private const string Wrapped = "fairlead://two/file:///same";
    private const string Links =
        """[{"type":"resource_link","uri":"file:\/\/\/same","name":"n"},{"type":"resource_link","uri":"db://7","name":"n"},{"type":"resource_link","uri":"file:///own","name":"n"},{"type":"resource","resource":{"uri":"file:///same","text":"1.0"}},{"type":"resource","resource":7},{"type":"text","text":"file:///same"}]""";

    private const string WrappedLinks =
        """[{"type":"resource_link","uri":"fairlead://two/file:///same","name":"n"},{"type":"resource_link","uri":"fairlead://two/db://7","name":"n"},{"type":"resource_link","uri":"file:///own","name":"n"},{"type":"resource","resource":{"uri":"fairlead://two/file:///same","text":"1.0"}},{"type":"resource","resource":7},{"type":"text","text":"file:///same"}]""";

    private ScriptedFleet _fleet = null!;

    public async Task InitializeAsync() => _fleet = await ScriptedFleet.StartAsync(
        ("one", static server => Legacy(server, "one")), ("two", static server => Legacy(server, "two")), ("three", static server => Modern(server, "three")));

    public Task DisposeAsync() => _fleet.DisposeAsync().AsTask();

    [Theory]
    [InlineData("two")]
    [InlineData("three")]
    public async Task Read_OfAWrappedUri_AsksTheServerForItsOwnAndAnswersWithTheClients(string server)
    {
        var wrapped = $"fairlead://{server}/file:///same";
        var session = await _fleet.Host.InitializeAsync("/mcp");
        foreach (var answer in new[]
        {
            await _fleet.LegacyAsync("/mcp", session, "resources/read", $$"""{"uri":"{{wrapped}}"}"""),
            await _fleet.ModernAsync("/mcp", "resources/read", $"\"uri\":\"{wrapped}\"", wrapped),
        })
        {
            var contents = JsonDocument.Parse(answer).RootElement.GetProperty("result").GetProperty("contents");
            Assert.Equal($$"""[{"uri":"{{wrapped}}","text":"{{server}}"},{"uri":"file:///own","text":"x"}]""", contents.GetRawText());
        }

        Assert.All(await ReadsAsync(server), uri => Assert.Equal(Same, uri));
        Assert.Contains("\"text\":\"one\"", await _fleet.LegacyAsync("/mcp", session, "resources/read", $$"""{"uri":"{{Same}}"}"""), StringComparison.Ordinal);
        Assert.Contains($$"""{"uri":"{{Same}}","text":"{{server}}"}""", await _fleet.ModernAsync("/mcp/" + server, "resources/read", $"\"uri\":\"{Same}\"", Same), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_OfResourcesAndTemplates_HoldBothServersUris()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp");

        Assert.Equal([Same, Wrapped, "fairlead://three/file:///same"], Uris(await _fleet.LegacyAsync("/mcp", session, "resources/list", "{}"), "resources", "uri"));
        Assert.Equal(
            ["db://{id}", "fairlead://two/db://{id}", "fairlead://three/db://{id}"],
            Uris(await _fleet.ModernAsync("/mcp", "resources/templates/list", ""), "resourceTemplates", "uriTemplate"));
    }

    [Fact]
    public async Task Results_ThatNameWrappedResources_NameThemAsTheListsDo()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp");
        foreach (var server in new[] { "two", "three" })
        {
            var expected = WrappedLinks.Replace("//two/", $"//{server}/", StringComparison.Ordinal);
            Assert.Equal(expected, Result(await _fleet.LegacyAsync("/mcp", session, "tools/call", $$"""{"name":"{{server}}__t"}"""), "content"));
            Assert.Equal(expected, Result(await _fleet.ModernAsync("/mcp", "tools/call", $"\"name\":\"{server}__t\"", server + "__t"), "content"));
            var prompt = Result(await _fleet.ModernAsync("/mcp", "prompts/get", $"\"name\":\"{server}__p\"", server + "__p"), "messages");
            Assert.Equal("""[{"role":"user","content":{"type":"resource","resource":{"uri":"fairlead://SERVER/file:///same","text":"1.0"}}}]""".Replace("SERVER", server, StringComparison.Ordinal), prompt);
        }

        Assert.Equal(Links, Result(await _fleet.LegacyAsync("/mcp", session, "tools/call", """{"name":"one__t"}"""), "content"));
        Assert.Equal(Links, Result(await _fleet.ModernAsync("/mcp/two", "tools/call", "\"name\":\"t\"", "t"), "content"));
    }

    [Fact]
    public async Task Results_ForAClientThatKnowsNoLinks_SayTheWrappedUri()
    {
        var session = await _fleet.Host.InitializeAsync("/mcp", "2025-03-26");
        var content = JsonDocument.Parse(await _fleet.LegacyAsync("/mcp", session, "tools/call", """{"name":"two__t"}""")).RootElement.GetProperty("result").GetProperty("content");

        Assert.Equal("Resource: n\nURI: " + Wrapped, content[0].GetProperty("text").GetString());
        Assert.Equal(Wrapped, content[3].GetProperty("resource").GetProperty("uri").GetString());
    }

    [Theory]
    [InlineData("two")]
    [InlineData("three")]
    public async Task Error_AboutAWrappedUri_NamesTheClients(string server)
    {
        var wrapped = $"fairlead://{server}/db://missing";
        var session = await _fleet.Host.InitializeAsync("/mcp");
        var legacy = JsonDocument.Parse(await _fleet.LegacyAsync("/mcp", session, "resources/read", $$"""{"uri":"{{wrapped}}"}""")).RootElement.GetProperty("error");
        var modern = JsonDocument.Parse(await _fleet.ModernAsync("/mcp", "resources/read", $"\"uri\":\"{wrapped}\"", wrapped)).RootElement.GetProperty("error");

        Assert.Equal((-32002, -32602), (legacy.GetProperty("code").GetInt32(), modern.GetProperty("code").GetInt32()));
        Assert.Equal($$"""{"uri":"{{wrapped}}","n":1.0}""", legacy.GetProperty("data").GetRawText());
        Assert.Equal($$"""{"uri":"{{wrapped}}","n":1.0}""", modern.GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Completion_OfAWrappedTemplate_AsksForTheServersOwn()
    {
        const string Template = "fairlead://two/db://{id}";
        var session = await _fleet.Host.InitializeAsync("/mcp");
        await _fleet.LegacyAsync("/mcp", session, "completion/complete", $$$"""{"ref":{"type":"ref/resource","uri":"{{{Template}}}"},"argument":{"name":"id","value":"1"}}""");
        await _fleet.ModernAsync("/mcp", "completion/complete", $$$""" "ref":{"type":"ref/resource","uri":"{{{Template}}}"},"argument":{"name":"id","value":"2"} """);

        var asked = (await _fleet.ServerAsync("two")).Received.Where(static request => request.Method == "completion/complete").Select(static request => request.Params).ToArray();
        Assert.Equal(2, asked.Length);
        Assert.All(asked, static parameters => Assert.Contains("""{"type":"ref/resource","uri":"db://{id}"}""", parameters, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Subscription_ToAWrappedUri_IsTheServersOwnAndItsUpdatesAreTheClients()
    {
        var server = await _fleet.ServerAsync("two");
        var session = await _fleet.Host.InitializeAsync("/mcp");
        Assert.Contains("\"result\":{}", await _fleet.LegacyAsync("/mcp", session, "resources/subscribe", """{"uri":"fairlead:\/\/two/file:///same"}"""), StringComparison.Ordinal);
        using var standalone = await EventStream.GetAsync(_fleet.Host, "/mcp", session);
        using var listen = await ListenAsync(Wrapped);

        // Both want the same resource: the server is asked once.
        Assert.Equal([Same], server.Received.Where(static request => request.Method == "resources/subscribe").Select(static request => request.Text("uri")));

        await (await _fleet.ServerAsync("one")).SendAsync("""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///same"}}""");
        await server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:\/\/\/same"}}""");
        Assert.Equal($$$"""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"{{{Wrapped}}}"}}""", await standalone.DataAsync("the update"));
        Assert.Contains($"\"uri\":\"{Wrapped}\"", await listen.DataAsync("the update"), StringComparison.Ordinal);

        await _fleet.LegacyAsync("/mcp", session, "resources/unsubscribe", $$"""{"uri":"{{Wrapped}}"}""");
        Assert.DoesNotContain(server.Received, static request => request.Method == "resources/unsubscribe");
        listen.Dispose();
        await server.WhenReceivedAsync("resources/unsubscribe");
        Assert.Equal(Same, server.Received.Last(static request => request.Method == "resources/unsubscribe").Text("uri"));
    }

    [Theory]
    [InlineData("/mcp", "db://7", "one")]
    [InlineData("/mcp/two", "any://thing", "two")]
    public async Task Subscription_ToAUriOfATemplate_NamesTheUri(string path, string uri, string server)
    {
        var session = await _fleet.Host.InitializeAsync(path);
        Assert.Contains("\"result\":{}", await _fleet.LegacyAsync(path, session, "resources/subscribe", $$"""{"uri":"{{uri}}"}"""), StringComparison.Ordinal);

        Assert.Equal(uri, (await _fleet.ServerAsync(server)).Received.Single(static request => request.Method == "resources/subscribe").Text("uri"));
    }

    [Fact]
    public async Task Read_OverHttp_RepeatsTheServersOwnUriInTheHeader()
    {
        await using var upstream = await RawUpstream.StartAsync(static (_, context, request) => context.ResultAsync(request, "{\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"," + request.RpcMethod switch
        {
            "server/discover" => """ "supportedVersions":["2026-07-28"],"capabilities":{"resources":{}}} """,
            "resources/list" => """ "resources":[{"uri":"file:///same","name":"n"}]} """,
            "resources/read" => """ "contents":[{"uri":"file:///same","text":"http"}]} """,
            _ => """ "resourceTemplates":[]} """,
        }));
        await using var fleet = await ScriptedFleet.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "one" }, new ServerConfig { Name = "web", Url = upstream.Url } } }, ("one", static server => Legacy(server, "one")));

        var answer = await fleet.ModernAsync("/mcp", "resources/read", "\"uri\":\"fairlead://web/file:///same\"", "fairlead://web/file:///same");

        Assert.Contains("""{"uri":"fairlead://web/file:///same","text":"http"}""", answer, StringComparison.Ordinal);
        Assert.Equal(Same, upstream.Requests.Last(static request => request.RpcMethod == "resources/read")["Mcp-Name"]);
    }

    private static void Legacy(ScriptedServer server, string name) => Offer(
        server.SpeaksLegacy("""{"tools":{},"prompts":{},"resources":{"subscribe":true},"completions":{}}"""), name, more: "", missing: -32002);

    private static void Modern(ScriptedServer server, string name) => Offer(
        server.SpeaksModern("""{"tools":{},"prompts":{},"resources":{},"completions":{}}"""), name, "\"resultType\":\"complete\",", missing: -32602);

    private static void Offer(ScriptedServer server, string name, string more, int missing)
    {
        string Result(string members) => "\"result\":{" + more + members + "}";

        server
            .On("tools/list", Result(""" "tools":[{"name":"t","inputSchema":{"type":"object"}}] """))
            .On("prompts/list", Result(""" "prompts":[{"name":"p"}] """))
            .On("resources/list", Result(""" "resources":[{"uri":"file:///same","name":"n"}] """))
            .On("resources/templates/list", Result(""" "resourceTemplates":[{"uriTemplate":"db://{id}","name":"n"}] """))
            .On("tools/call", Result("\"content\":" + Links))
            .On("prompts/get", Result(""" "messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"file:///same","text":"1.0"}}}] """))
            .On("completion/complete", Result(""" "completion":{"values":[]} """))
            .On("resources/subscribe", """ "result":{} """).On("resources/unsubscribe", """ "result":{} """)
            .On("resources/read", request => request.Text("uri") == "db://missing"
                ? "\"error\":{\"code\":" + missing + ",\"message\":\"gone\",\"data\":{\"uri\":\"db:\\/\\/missing\",\"n\":1.0}}"
                : Result("\"contents\":[{\"uri\":\"" + request.Text("uri") + "\",\"text\":\"" + name + "\"},{\"uri\":\"file:///own\",\"text\":\"x\"}]"));
    }

    private static string[] Uris(string answer, string list, string member) =>
        [.. JsonDocument.Parse(answer).RootElement.GetProperty("result").GetProperty(list).EnumerateArray().Select(entry => entry.GetProperty(member).GetString()!)];

    private static string Result(string answer, string member) => JsonDocument.Parse(answer).RootElement.GetProperty("result").GetProperty(member).GetRawText();

    private async Task<string?[]> ReadsAsync(string server) =>
        [.. (await _fleet.ServerAsync(server)).Received.Where(static request => request.Method == "resources/read").Select(static request => request.Text("uri"))];

    private async Task<EventStream> ListenAsync(string uri)
    {
        var request = FrontHost.Compose(
            "/mcp",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"subscriptions/listen\",\"params\":{\"notifications\":{\"resourceSubscriptions\":[\"" + uri
            + "\"]},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
            "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen");
        var stream = await EventStream.OpenAsync(_fleet.Host, request);
        Assert.Contains($"\"resourceSubscriptions\":[\"{uri}\"]", await stream.DataAsync("the acknowledgement"), StringComparison.Ordinal);
        return stream;
    }
}
