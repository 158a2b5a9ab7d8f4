using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Fairlead.TestServers.Matrix;

/// <summary>What a Streamable HTTP server of 2026-07-28 checks and says outside the body (protocol.md 2.4).</summary>
internal static class ModernHeaders
{
    private const string Base64 = "=?base64?";

    /// <summary>Why the headers do not agree with the body; null when they do.</summary>
    public static string? Refuse(IHeaderDictionary headers, JsonObject message)
    {
        var method = (string?)message["method"];
        var parameters = message["params"];
        var name = method switch
        {
            "tools/call" or "prompts/get" => (string?)parameters?["name"],
            "resources/read" => (string?)parameters?["uri"],
            "tasks/get" or "tasks/update" or "tasks/cancel" => (string?)parameters?["taskId"],
            _ => null,
        };
        return Differs(headers, "MCP-Protocol-Version", (string?)parameters?["_meta"]?["io.modelcontextprotocol/protocolVersion"])
            ?? Differs(headers, "Mcp-Method", method)
            ?? (name is null ? null : Differs(headers, "Mcp-Name", name));
    }

    /// <summary>The status of an answer that is the whole response.</summary>
    public static int StatusOf(string answer) => (int?)JsonNode.Parse(answer)!["error"]?["code"] switch
    {
        -32601 => 404,
        -32020 or -32021 or -32022 => 400,
        _ => 200,
    };

    private static string? Differs(IHeaderDictionary headers, string header, string? body)
    {
        var said = ((string?)headers[header])?.Trim();
        var decoded = said is not null && said.StartsWith(Base64, StringComparison.Ordinal) ? Encoding.UTF8.GetString(Convert.FromBase64String(said[Base64.Length..^2])) : said;
        return decoded == body ? null : $"{header} is '{said}', the body says '{body}'";
    }
}
