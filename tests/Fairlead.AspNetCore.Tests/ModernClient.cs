using System.Net;
using System.Text.Json;

namespace Fairlead.AspNetCore.Tests;

/// <summary>A client of 2026-07-28 in raw bytes, with capabilities and a name.</summary>
internal sealed class ModernClient(FrontHost host, string path, string capabilities = ModernClient.Everything, string name = "t")
{
    /// <summary>Capabilities of a client that can be asked anything.</summary>
    public const string Everything = """{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}""";

    private int _id;

    /// <summary>The request as it goes out.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="round">Raw members that a retry carries; "" in the first round.</param>
    /// <param name="arguments">Raw arguments.</param>
    /// <param name="method">The method; anything with a name.</param>
    public HttpRequestMessage Compose(string tool, string round = "", string arguments = """{"n":1.50}""", string method = "tools/call") =>
        Compose(Interlocked.Increment(ref _id), tool, round, arguments, method);

    private HttpRequestMessage Compose(int id, string tool, string round, string arguments, string method)
    {
        var body = "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":{\"name\":\"" + tool + "\",\"arguments\":" + arguments + (round.Length == 0 ? "" : "," + round)
            + ",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":" + capabilities
            + (name.Length == 0 ? "" : ",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"" + name + "\",\"version\":\"1\"}") + "}}}";
        return FrontHost.Compose(path, body, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: " + method, "Mcp-Name: " + tool);
    }

    /// <summary>Calls a tool and reads the answer to its end.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Answer)> CallAsync(string tool, string round = "", string arguments = """{"n":1.50}""", string method = "tools/call")
    {
        var id = Interlocked.Increment(ref _id);
        using var request = Compose(id, tool, round, arguments, method);
        using var response = await TestKit.Guard.WithinAsync(host.Http.SendAsync(request), $"the answer to {tool}");
        var body = await response.Content.ReadAsStringAsync();
        var answer = JsonDocument.Parse(EventStream.LastMessage(body)).RootElement;
        Assert.Equal(id, answer.GetProperty("id").GetInt32());
        return (response.StatusCode, answer);
    }

    /// <summary>Calls a tool that must ask: the questions and the raw token of the state.</summary>
    public async Task<(JsonElement Questions, string State)> AskedAsync(string tool, string round = "", string arguments = """{"n":1.50}""", string method = "tools/call")
    {
        var (status, answer) = await CallAsync(tool, round, arguments, method);
        Assert.True(status == HttpStatusCode.OK && answer.TryGetProperty("result", out var result) && result.GetProperty("resultType").GetString() == "input_required", answer.GetRawText());
        result = answer.GetProperty("result");
        return (result.GetProperty("inputRequests"), result.GetProperty("requestState").GetRawText());
    }

    /// <summary>The members of a retry.</summary>
    public static string Round(string state, string responses) => $$"""
        "inputResponses":{{responses}},"requestState":{{state}}
        """.Trim();
}
