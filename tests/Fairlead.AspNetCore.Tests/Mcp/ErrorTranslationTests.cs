using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Errors of servers whose codes mean another thing on the client's hop (protocol.md 2.4, error code space; 6).</summary>
public sealed class ErrorTranslationTests : IAsyncLifetime
{
    private ScriptedFleet _fleet = null!;

    /// <summary>Both servers answer calls and reads with the error that the client names: <c>arguments.error</c>, or what stands behind <c>x:</c> in the URI.</summary>
    /// <remarks>An answer can have a status of its own only while no stream has begun: the grace before that never ends here, on the slowest machine.</remarks>
    public async Task InitializeAsync() => _fleet = await ScriptedFleet.StartAsync(
        new FairleadOptions(), new FakeTimeProvider(),
        ("modern", static server => server
            .SpeaksModern("""{"tools":{},"resources":{}}""")
            .On("tools/list", """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"t","inputSchema":{"type":"object"}}]} """)
            .On("tools/call", Answer).On("resources/read", Answer)),
        ("legacy", static server => server
            .SpeaksLegacy("""{"tools":{},"resources":{}}""")
            .On("tools/list", """ "result":{"tools":[{"name":"t","inputSchema":{"type":"object"}}]} """)
            .On("tools/call", Answer).On("resources/read", Answer)));

    public Task DisposeAsync() => _fleet.DisposeAsync().AsTask();

    [Theory]
    [InlineData("modern", """{"code":-32602,"message":"No n\u00e4me","data":{"uri":"x:1","n":1.50}}""", """{"code":-32002,"message":"No näme","data":{"uri":"x:1","n":1.50}}""")]
    [InlineData("modern", """{"code":-32602,"message":"bad","data":{"n":1}}""", """{"code":-32602,"message":"bad","data":{"n":1}}""")]
    [InlineData("modern", """{"code":-32602,"message":"bad"}""", """{"code":-32602,"message":"bad"}""")]
    [InlineData("legacy", """{"code":-32602,"message":"bad","data":{"uri":"x:1"}}""", """{"code":-32602,"message":"bad","data":{"uri":"x:1"}}""")]
    [InlineData("legacy", """{"code":-32002,"message":"gone"}""", """{"code":-32002,"message":"gone"}""")]
    public async Task MissingResource_ForALegacyClient_IsMinus32002(string server, string said, string heard)
    {
        var session = await _fleet.Host.InitializeAsync("/mcp/" + server);
        var answer = await _fleet.LegacyAsync("/mcp/" + server, session, "resources/read", "{\"uri\":" + JsonSerializer.Serialize("x:" + said) + "}");

        Assert.Equal(heard, Error(answer).GetRawText());
    }

    [Theory]
    [InlineData("legacy", """{"code":-32002,"message":"gone","data":{"uri":"x:1"}}""", """{"code":-32602,"message":"gone","data":{"uri":"x:1"}}""")]
    [InlineData("modern", """{"code":-32602,"message":"gone","data":{"uri":"x:1"}}""", """{"code":-32602,"message":"gone","data":{"uri":"x:1"}}""")]
    public async Task MissingResource_ForAModernClient_IsMinus32602(string server, string said, string heard) =>
        Assert.Equal(heard, Error(await ReadAsync(server, said)).GetRawText());

    [Fact]
    public async Task MissingResource_WhenTheServerGaveNoData_NamesTheUri()
    {
        const string Said = """{"code":-32002,"message":"gone"}""";
        var error = Error(await ReadAsync("legacy", Said));

        Assert.Equal(-32602, error.GetProperty("code").GetInt32());
        Assert.Equal("x:" + Said, error.GetProperty("data").GetProperty("uri").GetString());
    }

    [Theory]
    [InlineData("modern", -32020)]
    [InlineData("modern", -32022)]
    [InlineData("legacy", -32020)]
    [InlineData("legacy", -32021)]
    [InlineData("legacy", -32022)]
    public async Task ErrorAboutFairleadsOwnRequest_IsNeverRelayed(string server, int code)
    {
        var said = "{\"code\":" + code + ",\"message\":\"mine\",\"data\":{\"supported\":[\"x\"]}}";
        var session = await _fleet.Host.InitializeAsync("/mcp/" + server);
        string[] answers =
        [
            await ReadAsync(server, said),
            await _fleet.LegacyAsync("/mcp/" + server, session, "resources/read", "{\"uri\":" + JsonSerializer.Serialize("x:" + said) + "}"),
            .. code == -32021 ? Array.Empty<string>() :
            [
                await CallAsync(server, said),
                await _fleet.LegacyAsync("/mcp/" + server, session, "tools/call", "{\"name\":\"t\",\"arguments\":{\"error\":" + JsonSerializer.Serialize(said) + "}}"),
            ],
        ];
        foreach (var answer in answers)
        {
            var error = Error(answer);
            Assert.Equal(-32603, error.GetProperty("code").GetInt32());
            Assert.Contains($"'{server}'", error.GetProperty("message").GetString(), StringComparison.Ordinal);
            Assert.Equal(said, error.GetProperty("data").GetProperty("upstream").GetRawText());
        }
    }

    [Theory]
    [InlineData("""{"roots":{}}""", """{"elicitation":{"url":{}},"roots":{}}""", """{"elicitation":{"url":{}}}""")]
    [InlineData("""{"elicitation":{"form":{}}}""", """{"elicitation":{"url":{},"form":{}}}""", """{"elicitation":{"url":{}}}""")]
    [InlineData("""{"elicitation":{"url":{}}}""", """{"elicitation":{"form":{}}}""", """{"elicitation":{"form":{}}}""")]
    [InlineData("""{"sampling":{}}""", """{"sampling":{"tools":{}}}""", """{"sampling":{"tools":{}}}""")]
    [InlineData("""{"extensions":{"a/b":{}}}""", """{"extensions":{"a/b":{"x":1},"c/d":{"y":[1]}}}""", """{"extensions":{"c/d":{"y":[1]}}}""")]
    public async Task MissingCapability_WhenTheClientDidNotDeclareIt_IsOurOwnRefusalOfExactlyThat(string declared, string required, string named)
    {
        var (status, body) = await CallWithAsync(declared, required);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        var error = Error(body);
        Assert.Equal(-32021, error.GetProperty("code").GetInt32());
        Assert.Equal("{\"requiredCapabilities\":" + named + "}", error.GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData("""{"elicitation":{}}""", """{"elicitation":{}}""")]
    [InlineData("""{"elicitation":{}}""", """{"elicitation":{"form":{}}}""")]
    [InlineData("""{"elicitation":{"form":{"x":1},"url":{}},"roots":{}}""", """{"elicitation":{"url":{"deep":1}},"roots":{}}""")]
    [InlineData("{}", "{}")]
    public async Task MissingCapability_WhenTheClientDeclaredIt_IsAFailureOfTheTool(string declared, string required)
    {
        var (status, body) = await CallWithAsync(declared, required);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.True(JsonDocument.Parse(body).RootElement.GetProperty("result").GetProperty("isError").GetBoolean(), body);
    }

    [Fact]
    public async Task MissingCapability_ForALegacyClient_IsAFailureOfTheTool()
    {
        const string Said = """{"code":-32021,"message":"ask","data":{"requiredCapabilities":{"elicitation":{}}}}""";
        var session = await _fleet.Host.InitializeAsync("/mcp/modern");
        var call = await _fleet.LegacyAsync("/mcp/modern", session, "tools/call", "{\"name\":\"t\",\"arguments\":{\"error\":" + JsonSerializer.Serialize(Said) + "}}");
        var read = await _fleet.LegacyAsync("/mcp/modern", session, "resources/read", "{\"uri\":" + JsonSerializer.Serialize("x:" + Said) + "}");

        Assert.True(JsonDocument.Parse(call).RootElement.GetProperty("result").GetProperty("isError").GetBoolean(), call);
        Assert.Equal(-32603, Error(read).GetProperty("code").GetInt32());
    }

    private static string Answer(ScriptedRequest request)
    {
        using var document = JsonDocument.Parse(request.Params);
        return "\"error\":" + (request.Text("uri")?[2..] ?? document.RootElement.GetProperty("arguments").GetProperty("error").GetString());
    }

    private static JsonElement Error(string answer) => JsonDocument.Parse(answer).RootElement.GetProperty("error");

    private Task<string> ReadAsync(string server, string error)
    {
        var uri = JsonSerializer.Serialize("x:" + error);
        return _fleet.ModernAsync("/mcp/" + server, "resources/read", "\"uri\":" + uri, "x:" + error);
    }

    private Task<string> CallAsync(string server, string error) =>
        _fleet.ModernAsync("/mcp/" + server, "tools/call", "\"name\":\"t\",\"arguments\":{\"error\":" + JsonSerializer.Serialize(error) + "}", "t");

    private async Task<(HttpStatusCode Status, string Body)> CallWithAsync(string declared, string required)
    {
        var said = "{\"code\":-32021,\"message\":\"ask\",\"data\":{\"requiredCapabilities\":" + required + "}}";
        var (status, body, _) = await _fleet.Host.PostAsync(
            "/mcp/modern",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"t\",\"arguments\":{\"error\":" + JsonSerializer.Serialize(said)
            + "},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":" + declared + "}}}",
            "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: t");
        return (status, EventStream.LastMessage(body));
    }
}
