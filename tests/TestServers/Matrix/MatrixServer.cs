using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>One server of one revision: what it offers and does, whatever transport carries it. The peers (one per session, or one for all stateless requests) hold what a client told.</summary>
internal sealed class MatrixServer
{
    private volatile string _tag = "none";

    /// <summary>A server that hears of outer changes by its name.</summary>
    public MatrixServer(string name, Revision revision, WorldLink world)
    {
        Name = name;
        Revision = revision;
        World = world;
        Tasks = new ServerTasks(revision);
        world.Touched += touched =>
        {
            if (touched == name)
            {
                ResourceUpdated?.Invoke(WatchedUri);
            }
        };
        world.Grown += (grown, tag) =>
        {
            if (grown == name)
            {
                _tag = tag;
                ToolsChanged?.Invoke();
            }
        };
    }

    /// <summary>The resource with this URI changed.</summary>
    public event Action<string>? ResourceUpdated;

    /// <summary>The list of tools changed.</summary>
    public event Action? ToolsChanged;

    /// <summary>Its name in the gateway's configuration; also the host of its URIs.</summary>
    public string Name { get; }

    /// <summary>The only revision that it speaks.</summary>
    public Revision Revision { get; }

    /// <summary>The line to the test.</summary>
    public WorldLink World { get; }

    /// <summary>Tasks that its clients made.</summary>
    public ServerTasks Tasks { get; }

    /// <summary>The resource that can be subscribed to.</summary>
    public string WatchedUri => $"matrix://{Name}/watched";

    /// <summary>What it can do, in the words of its revision.</summary>
    public JsonObject Capabilities()
    {
        var capabilities = new JsonObject
        {
            ["tools"] = new JsonObject { ["listChanged"] = true },
            ["prompts"] = new JsonObject(),
            ["resources"] = new JsonObject { ["subscribe"] = true },
            ["logging"] = new JsonObject(),
        };
        if (Revision.HasCompletionsCapability)
        {
            capabilities["completions"] = new JsonObject();
        }

        if (Revision.IsModern)
        {
            capabilities["extensions"] = new JsonObject { [ServerTasks.Extension] = new JsonObject() };
        }
        else if (Revision.HasUrlsToolsAndTasks)
        {
            capabilities["tasks"] = new JsonObject
            {
                ["list"] = new JsonObject(), ["cancel"] = new JsonObject(), ["requests"] = new JsonObject { ["tools"] = new JsonObject { ["call"] = new JsonObject() } },
            };
        }

        return capabilities;
    }

    /// <summary>Serves a request that is the same in both eras.</summary>
    /// <returns>The result, or null when there is no such method.</returns>
    public async Task<JsonObject?> ServeAsync(ServedCall call) => call.Method switch
    {
        "tools/list" => new JsonObject { ["tools"] = ServerTools.List(Revision, _tag) },
        "tools/call" => await CallToolAsync(call),
        "prompts/list" => Json("""{"prompts":[{"name":"greet","arguments":[{"name":"who","required":true}]}]}"""),
        "prompts/get" => GetPrompt(call.Params),
        "resources/list" => new JsonObject { ["resources"] = new JsonArray(Resource("plain"), Resource("watched")) },
        "resources/templates/list" => new JsonObject { ["resourceTemplates"] = new JsonArray(new JsonObject { ["name"] = "item", ["uriTemplate"] = $"matrix://{Name}/item/{{id}}" }) },
        "resources/read" => Read((string?)call.Params["uri"]),
        "completion/complete" => Complete(call.Params),
        _ => null,
    };

    private static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();

    private JsonObject Resource(string path) => new() { ["name"] = path, ["uri"] = $"matrix://{Name}/{path}" };

    private async Task<JsonObject> CallToolAsync(ServedCall call)
    {
        var name = (string?)call.Params["name"] ?? "";
        if (ServerTools.Find(Revision, name) is not { } run)
        {
            throw new RpcError(-32602, $"Unknown tool: {name}");
        }

        if (name == ServerTasks.Tool && Tasks.TryCreate(call, out var created))
        {
            return created;
        }

        try
        {
            return ServerTools.Text(await run(this, call));
        }
        catch (ToolFailure failure)
        {
            var result = ServerTools.Text(failure.Message);
            result["isError"] = true;
            return result;
        }
    }

    private static JsonObject GetPrompt(JsonObject parameters) => (string?)parameters["name"] == "greet"
        ? new JsonObject
        {
            ["messages"] = new JsonArray(new JsonObject
            {
                ["role"] = "user", ["content"] = new JsonObject { ["type"] = "text", ["text"] = $"Greet {parameters["arguments"]?["who"]}" },
            }),
        }
        : throw new RpcError(-32602, $"Unknown prompt: {parameters["name"]}");

    private JsonObject Read(string? uri)
    {
        var path = uri is not null && uri.StartsWith($"matrix://{Name}/", StringComparison.Ordinal) ? uri[$"matrix://{Name}/".Length..] : "";
        if (path is not ("plain" or "watched") && !path.StartsWith("item/", StringComparison.Ordinal))
        {
            throw new RpcError(Revision.IsModern ? -32602 : -32002, $"Resource not found: {uri}", new JsonObject { ["uri"] = uri });
        }

        return new JsonObject { ["contents"] = new JsonArray(new JsonObject { ["uri"] = uri, ["mimeType"] = "text/plain", ["text"] = $"{path} of {Name}" }) };
    }

    private static JsonObject Complete(JsonObject parameters) =>
        (string?)parameters["ref"]?["type"] == "ref/prompt" && (string?)parameters["ref"]?["name"] == "greet" && (string?)parameters["argument"]?["name"] == "who"
            ? new JsonObject { ["completion"] = new JsonObject { ["values"] = new JsonArray($"{parameters["argument"]?["value"]}da"), ["total"] = 1, ["hasMore"] = false } }
            : throw new RpcError(-32602, $"Nothing to complete for {parameters.ToJsonString()}");
}
