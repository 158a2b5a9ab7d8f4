using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Http;

/// <summary>Compares the mirrored headers of a modern request with its body (2026-07-28 basic/transports, Standard and Custom Headers).</summary>
internal static class HeaderRules
{
    private const string Prefix = "=?base64?";
    private const string Suffix = "?=";

    /// <summary>What disagrees, in words for the client; null when everything matches.</summary>
    public static string? Mismatch(IHeaderDictionary headers, JsonRpcRequest request, McpServerPrimitiveCollection<McpServerTool> tools)
    {
        if (headers["Mcp-Method"].ToString().Trim() != request.Method)
        {
            return $"The Mcp-Method header must be '{request.Method}', the method of the body.";
        }

        var parameters = request.Params as JsonObject;
        var name = request.Method switch
        {
            RequestMethods.ToolsCall or RequestMethods.PromptsGet => parameters?["name"]?.ToString(),
            RequestMethods.ResourcesRead => parameters?["uri"]?.ToString(),
            "tasks/get" or "tasks/update" or "tasks/cancel" => parameters?["taskId"]?.ToString(),
            _ => null,
        };
        if (name is not null && Decode(headers["Mcp-Name"].ToString().Trim()) != name)
        {
            return $"The Mcp-Name header must be '{name}', as in the body.";
        }

        return request.Method == RequestMethods.ToolsCall && name is not null && tools.TryGetPrimitive(name, out var tool)
            ? ParameterMismatch(headers, tool.ProtocolTool.InputSchema, parameters?["arguments"] as JsonObject)
            : null;
    }

    private static string? ParameterMismatch(IHeaderDictionary headers, JsonElement schema, JsonObject? arguments)
    {
        if (!schema.TryGetProperty("properties", out var properties))
        {
            return null;
        }

        foreach (var property in properties.EnumerateObject())
        {
            if (!property.Value.TryGetProperty("x-mcp-header", out var suffix))
            {
                continue;
            }

            var header = $"Mcp-Param-{suffix.GetString()}";
            var expected = arguments?[property.Name] switch
            {
                null => null,
                JsonValue value when value.TryGetValue(out bool flag) => flag ? "true" : "false",
                JsonValue value when value.TryGetValue(out long number) => number.ToString(CultureInfo.InvariantCulture),
                var other => other.ToString(),
            };
            var sent = headers.TryGetValue(header, out var raw) ? Decode(raw.ToString().Trim()) : null;
            if (sent != expected)
            {
                return $"The {header} header must carry the value of '{property.Name}', and be left out with it.";
            }
        }

        return null;
    }

    // A value between the exact markers is Base64 of UTF-8; anything else is literal. Null, equal to no value: broken Base64.
    private static string? Decode(string value)
    {
        var isMarked = value.StartsWith(Prefix, StringComparison.Ordinal) && value.EndsWith(Suffix, StringComparison.Ordinal);
        if (!isMarked || value.Length < Prefix.Length + Suffix.Length)
        {
            return value;
        }

        var bytes = new byte[value.Length];
        return Convert.TryFromBase64String(value[Prefix.Length..^Suffix.Length], bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }
}
