using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>A server of another program in Fairlead's own words.</summary>
/// <param name="Entry">What to write.</param>
/// <param name="LeftOut">Keys that mean nothing here, in the order of the file.</param>
internal sealed record ServerTranslation(JsonObject Entry, IReadOnlyList<string> LeftOut)
{
    // What makes a server the one it is; everything else is how it is run.
    private static readonly string[] s_identity = ["transport", "command", "args", "env", "envFile", "cwd", "url", "headers", "auth"];

    private static readonly Dictionary<string, string> s_own = OptionsShape.Keys(typeof(ServerConfig))
        .SelectMany(static key => key.Attribute.Aliases.Prepend(key.Name).Select(name => (name, key.Name)))
        .ToDictionary(static pair => pair.name, static pair => pair.Name, StringComparer.Ordinal);

    private static readonly string[] s_toolKeys = ["includeTools", "excludeTools", "disabledTools"];

    /// <summary>Translates an entry. Values are kept as they are, references to variables included.</summary>
    /// <param name="entry">Not changed.</param>
    /// <param name="workspace">What relative paths and <c>${workspaceFolder}</c> meant where it stood; null = they are kept.</param>
    public static ServerTranslation Of(JsonObject entry, string? workspace)
    {
        var own = new JsonObject();
        List<string> leftOut = [];
        foreach (var (name, value) in entry)
        {
            if (value is not null && !Translate(own, name, value))
            {
                leftOut.Add(name);
            }
        }

        Simplify(own);
        if (workspace is not null)
        {
            Settle(own, workspace);
        }

        return new ServerTranslation(own, leftOut);
    }

    /// <summary>Names of the keys in which two servers differ in what they are; empty when they are the same server.</summary>
    public static IReadOnlyList<string> Differences(JsonObject one, JsonObject other) =>
        [.. s_identity.Where(key => !JsonNode.DeepEquals(one[key], other[key]))];

    private static bool Translate(JsonObject own, string name, JsonNode value)
    {
        switch (name)
        {
            case "enabled" when value.GetValueKind() is JsonValueKind.True or JsonValueKind.False:
                own["disabled"] = value.GetValueKind() == JsonValueKind.False;
                return true;
            case "name" or "displayName" when value.GetValueKind() == JsonValueKind.String:
                own["title"] = value.DeepClone();
                return true;
            case "type" when Text(value)?.ToUpperInvariant() is "STDIO" or "LOCAL" or "SSE" or "HTTP" or "STREAMABLE-HTTP" or "STREAMABLEHTTP":
                own["transport"] = Text(value)!.ToUpperInvariant() switch { "STDIO" or "LOCAL" => "stdio", "SSE" => "sse", _ => "http" };
                return true;
            case "transport" when Text(value)?.ToUpperInvariant() is "STREAMABLE-HTTP" or "STREAMABLEHTTP":
                own["transport"] = "http";
                return true;
            case "auth" when value is JsonObject auth && auth["CLIENT_ID"] is { } clientId:
                own["auth"] = OAuth(auth, clientId);
                return true;
            default:
                if (s_toolKeys.Contains(name))
                {
                    var expose = own["expose"] as JsonObject ?? new JsonObject();
                    expose[name == "includeTools" ? "tools" : "hide"] = value.DeepClone();
                    own["expose"] = expose;
                    return true;
                }

                return s_own.TryGetValue(name, out var key) && own.TryAdd(key, value.DeepClone());
        }
    }

    /// <summary>The static OAuth client that Cursor writes.</summary>
    private static JsonObject OAuth(JsonObject auth, JsonNode clientId)
    {
        var own = new JsonObject { ["type"] = "oauth2", ["clientId"] = clientId.DeepClone() };
        foreach (var (from, to) in new[] { ("CLIENT_SECRET", "clientSecret"), ("scopes", "scopes") })
        {
            if (auth[from] is { } value)
            {
                own[to] = value.DeepClone();
            }
        }

        return own;
    }

    /// <summary>Takes out what says nothing, so that two spellings of one server come out the same.</summary>
    private static void Simplify(JsonObject own)
    {
        var inferred = own["command"] is not null ? "stdio" : Text(own["url"])?.TrimEnd('/').EndsWith("/sse", StringComparison.OrdinalIgnoreCase) == true ? "sse" : "http";
        if (Text(own["transport"]) == inferred)
        {
            own.Remove("transport");
        }

        foreach (var name in new[] { "args", "env", "headers" })
        {
            if (own[name] is JsonArray { Count: 0 } or JsonObject { Count: 0 })
            {
                own.Remove(name);
            }
        }

        if (own["env"] is JsonObject env)
        {
            foreach (var (name, value) in env.ToArray())
            {
                // VS Code writes null for a variable that is to be absent, and bare numbers are common.
                if (value is null)
                {
                    env.Remove(name);
                }
                else if (value.GetValueKind() is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
                {
                    env[name] = value.ToJsonString();
                }
            }
        }

        if (own["disabled"]?.GetValueKind() == JsonValueKind.False)
        {
            own.Remove("disabled");
        }
    }

    /// <summary>Writes out the folder that the file itself had told before.</summary>
    private static void Settle(JsonObject own, string workspace)
    {
        foreach (var (name, value) in own.ToArray())
        {
            own[name] = WithFolder(value, workspace);
        }

        if (own["command"] is not null)
        {
            own["cwd"] = Text(own["cwd"]) is { } folder ? Rooted(folder, workspace) : workspace;
        }

        if (Text(own["envFile"]) is { } file)
        {
            own["envFile"] = Rooted(file, workspace);
        }
    }

    private static string Rooted(string path, string workspace) =>
        path.StartsWith('~') || path.StartsWith("${", StringComparison.Ordinal) ? path : Path.GetFullPath(path, workspace);

    private static JsonNode? WithFolder(JsonNode? value, string workspace)
    {
        switch (value)
        {
            case JsonObject map:
                return new JsonObject(map.Select(pair => KeyValuePair.Create(pair.Key, WithFolder(pair.Value, workspace))));
            case JsonArray list:
                return new JsonArray([.. list.Select(item => WithFolder(item, workspace))]);
            default:
                return Text(value) is { } text && text.Contains("${workspaceFolder", StringComparison.Ordinal)
                    ? text.Replace("${workspaceFolder}", workspace, StringComparison.Ordinal)
                        .Replace("${workspaceFolderBasename}", Path.GetFileName(workspace.TrimEnd('/', '\\')), StringComparison.Ordinal)
                    : value?.DeepClone();
        }
    }

    private static string? Text(JsonNode? value) => value?.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
}
