using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Fairlead.Cli.Clients;

/// <summary>Brings an entry of a client that has words or references of its own into those that most clients share, which <see cref="ServerTranslation"/> reads. Pure.</summary>
internal static partial class ClientDialect
{
    /// <summary>The entry of Codex: variables are named in keys of their own, and <c>${</c> in a text means itself.</summary>
    public static JsonObject OfCodex(JsonObject entry)
    {
        var common = new JsonObject();
        var env = new JsonObject();
        var headers = new JsonObject();
        foreach (var (name, value) in entry)
        {
            switch (name)
            {
                case "env" when value is JsonObject map:
                    AddAll(env, map, static text => Literal(text));
                    break;
                case "env_vars" when value is JsonArray names:
                    foreach (var variable in names.Select(static one => Text(one is JsonObject source ? source["name"] : one)).OfType<string>())
                    {
                        // Passed on when it is set, and no fault when it is not.
                        env.TryAdd(variable, $"${{{variable}:-}}");
                    }

                    break;
                case "http_headers" when value is JsonObject map:
                    AddAll(headers, map, static text => Literal(text));
                    break;
                case "env_http_headers" when value is JsonObject map:
                    AddAll(headers, map, static variable => $"${{{variable}}}");
                    break;
                case "bearer_token_env_var" when Text(value) is { } variable:
                    headers["Authorization"] = $"Bearer ${{{variable}}}";
                    break;
                case "enabled_tools":
                    common["includeTools"] = value?.DeepClone();
                    break;
                case "disabled_tools":
                    common["excludeTools"] = value?.DeepClone();
                    break;
                case "tool_timeout_sec" when value?.GetValueKind() == JsonValueKind.Number:
                    common["timeoutMs"] = (long)Math.Round(value.GetValue<double>() * 1000);
                    break;
                default:
                    common[name] = Rewritten(value, static text => Literal(text));
                    break;
            }
        }

        foreach (var (name, map) in new[] { ("env", env), ("headers", headers) }.Where(static pair => pair.Item2.Count != 0))
        {
            common[name] = map;
        }

        return common;
    }

    /// <summary>The entry of Gemini CLI: <c>$NAME</c> is a reference too, and <c>timeout</c> counts milliseconds.</summary>
    public static JsonObject OfGemini(JsonObject entry)
    {
        var common = (JsonObject)Rewritten(entry, static text => BareReference().Replace(text, "$${${name}}"))!;
        if (common["timeout"] is { } timeout && timeout.GetValueKind() == JsonValueKind.Number)
        {
            common.Remove("timeout");
            common["timeoutMs"] = timeout;
        }

        return common;
    }

    private static void AddAll(JsonObject into, JsonObject from, Func<string, string> rewrite)
    {
        foreach (var (name, value) in from)
        {
            into[name] = Rewritten(value, rewrite);
        }
    }

    private static JsonNode? Rewritten(JsonNode? value, Func<string, string> rewrite) => value switch
    {
        JsonObject map => new JsonObject(map.Select(pair => KeyValuePair.Create(pair.Key, Rewritten(pair.Value, rewrite)))),
        JsonArray list => new JsonArray([.. list.Select(item => Rewritten(item, rewrite))]),
        _ => Text(value) is { } text ? JsonValue.Create(rewrite(text)) : value?.DeepClone(),
    };

    private static string Literal(string text) => text.Replace("${", "$${", StringComparison.Ordinal);

    private static string? Text(JsonNode? value) => value?.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    [GeneratedRegex(@"\$(?<name>[A-Za-z_]\w*)")]
    private static partial Regex BareReference();
}
