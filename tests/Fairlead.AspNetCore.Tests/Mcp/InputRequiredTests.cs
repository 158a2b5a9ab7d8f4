using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Multi round-trip requests between a client and a server of 2026-07-28 (basic/utilities/mrtr): Fairlead carries them and changes nothing but ids.</summary>
public sealed class InputRequiredTests
{
    // Spacing, number texts and escapes that nobody who reads and writes JSON would keep.
    private const string InputRequired =
        """{"resultType":"input_required", "inputRequests":{"name":{"method":"elicitation/create","params":{"message":"Wer? \u00e9\/","requestedSchema":{"type":"object","properties":{"n":{"type":"number","minimum":1.50}}}}},"model":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1e2}},"where":{"method":"roots/list" }},"requestState":"s\u00e9al\/==","x":1.0}""";

    private const string Meta =
        """ "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}},"sampling":{},"roots":{}}}""";

    private const string FirstParams = """{"name":"ask","arguments":{"n":1.50, "t":"\u00fc"},""" + Meta + "}";

    private const string RetryParams =
        """{"name":"ask","arguments":{"n":1.50, "t":"\u00fc"},"inputResponses":{"name":{"action":"accept", "content":{"n":2.50,"o":"\/"}},"model":{"role":"assistant","content":{"type":"text","text":"hi"},"model":"m"},"where":{"roots":[{"uri":"file:\/\/\/tmp"}]}},"requestState":"s\u00e9al\/==",""" + Meta + "}";

    [Fact]
    public async Task Call_WhenAStdioServerNeedsInput_QuestionsAndAnswersPassByteForByte()
    {
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { Echo.Misbehaving("m", "input-required") } });

        await AssertRoundTripAsync(host);
    }

    [Theory]
    [InlineData("json")]
    [InlineData("events")]
    public async Task Call_WhenAnHttpServerNeedsInput_QuestionsAndAnswersPassByteForByte(string shape)
    {
        await using var upstream = await ModernScript.StartAsync(async (_, context, request) =>
        {
            var result = request.RpcMethod switch
            {
                "tools/list" => """{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"ask","inputSchema":{"type":"object"}}]}""",
                "tools/call" when !request.Body.Contains("inputResponses", StringComparison.Ordinal) => InputRequired,
                "tools/call" => "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":" + JsonSerializer.Serialize(ParamsOf(request.Body)) + "}]}",
                _ => null,
            };
            if (result is null)
            {
                await context.ErrorAsync(request, """{"code":-32601,"message":"Method not found"}""", 404);
            }
            else if (shape == "events" && request.RpcMethod == "tools/call")
            {
                await context.StartEventsAsync();
                await context.EventAsync($$"""{"result":{{result}},"jsonrpc":"2.0","id":{{request.Id}}}""");
            }
            else
            {
                await context.ResultAsync(request, result);
            }
        });
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "m", Url = upstream.Url } } });

        await AssertRoundTripAsync(host);

        Assert.Equal([FirstParams, RetryParams], upstream.Requests.Where(request => request.RpcMethod == "tools/call").Select(request => ParamsOf(request.Body)));
    }

    [Fact]
    public async Task Call_WhenALegacyClientMeetsAServerThatNeedsInput_IsToldThatNobodyCanBeAsked()
    {
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { Echo.Misbehaving("m", "input-required") } });
        var session = await host.InitializeAsync("/mcp/m", capabilities: """{"elicitation":{}}""");

        var (_, body, _) = await host.PostAsync(
            "/mcp/m", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{}}}""", "Mcp-Session-Id: " + session);

        var result = JsonDocument.Parse(EventStream.LastMessage(body)).RootElement.GetProperty("result");
        Assert.True(result.GetProperty("isError").GetBoolean());
        Assert.Contains("'m'", result.GetProperty("content")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("resultType", body, StringComparison.Ordinal);
    }

    private static async Task AssertRoundTripAsync(FrontHost host)
    {
        string[] headers = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: ask"];
        var (status, first, _) = await host.PostAsync("/mcp/m", """{"jsonrpc":"2.0","id":"c-\u00e9","method":"tools/call","params":""" + FirstParams + "}", headers);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal($$"""{"result":{{InputRequired}},"jsonrpc":"2.0","id":"c-\u00e9"}""", EventStream.LastMessage(first));

        var (_, second, _) = await host.PostAsync("/mcp/m", """{"jsonrpc":"2.0","id":2.0,"method":"tools/call","params":""" + RetryParams + "}", headers);
        var answer = JsonDocument.Parse(EventStream.LastMessage(second)).RootElement;
        Assert.Equal("2.0", answer.GetProperty("id").GetRawText());
        Assert.Equal(RetryParams, answer.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString());
    }

    private static string ParamsOf(string body) => JsonDocument.Parse(body).RootElement.GetProperty("params").GetRawText();
}
