using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>Asks an endpoint who it is, in raw bytes.</summary>
internal static class ServerIdentity
{
    private const string Client = """{"name":"identity-probe","version":"1"}""";

    /// <summary>The name in serverInfo: of the initialize result (2025-11-25) or of discover's <c>_meta</c> (2026-07-28).</summary>
    public static async Task<string?> NameAsync(Uri endpoint, string revision)
    {
        var modern = revision == "2026-07-28";
        using var http = new HttpClient();
        using var content = new StringContent(modern ? Discover : Initialize, Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = content };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (modern)
        {
            request.Headers.Add("MCP-Protocol-Version", revision);
            request.Headers.Add("Mcp-Method", "server/discover");
        }

        using var response = await http.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        var json = body.StartsWith('{') ? body : body.Split('\n').Last(line => line.StartsWith("data: {", StringComparison.Ordinal))["data: ".Length..];
        if (response.Headers.TryGetValues("Mcp-Session-Id", out var session))
        {
            using var end = new HttpRequestMessage(HttpMethod.Delete, endpoint);
            end.Headers.Add("Mcp-Session-Id", session);
            using var ended = await http.SendAsync(end);
        }

        var result = JsonNode.Parse(json)!["result"];
        return (string?)(modern ? result?["_meta"]?["io.modelcontextprotocol/serverInfo"] : result?["serverInfo"])?["name"];
    }

    private const string Discover =
        $$$$"""
        {"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
         "io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{{{{Client}}}}}}}
        """;

    private const string Initialize =
        $$$"""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{{{Client}}}}}""";
}
