using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>All clients of the stateless revision: every request brings all that is known of its sender, questions are results.</summary>
internal sealed class ModernPeer(MatrixServer server) : Peer(server)
{
    private const string Prefix = "io.modelcontextprotocol/";
    private static readonly string[] s_known = [Prefix + "protocolVersion", Prefix + "clientCapabilities", Prefix + "clientInfo", Prefix + "logLevel"];
    private readonly ConcurrentDictionary<string, string> _states = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    protected override async Task<JsonObject?> RequestAsync(string method, JsonObject parameters, JsonNode id, Action<string> say, CancellationToken cancelled)
    {
        RefuseBadMeta(parameters);
        if (method == "subscriptions/listen")
        {
            return await ListenAsync(parameters, id, say, cancelled);
        }

        var call = new Call(this, method, parameters, say, cancelled);
        try
        {
            var result = method == "server/discover" ? Discover() : Server.Tasks.Serve(call) ?? await Server.ServeAsync(call);
            if (result is not null)
            {
                result["resultType"] ??= "complete";
                if (method is "server/discover" or "tools/list" or "prompts/list" or "resources/list" or "resources/templates/list" or "resources/read")
                {
                    result["ttlMs"] = 0;
                    result["cacheScope"] = "private";
                }
            }

            return result;
        }
        catch (InputNeeded needed)
        {
            return needed.Result;
        }
    }

    /// <inheritdoc/>
    protected override void ReceiveAnswer(JsonObject message) => Server.World.Say($"fault {Server.Name} got an answer, which its revision does not have: {message.ToJsonString()}");

    private JsonObject Discover() => new()
    {
        ["supportedVersions"] = new JsonArray(Server.Revision.Text), ["capabilities"] = Server.Capabilities(),
        ["_meta"] = new JsonObject { [Prefix + "serverInfo"] = new JsonObject { ["name"] = Server.Name, ["version"] = "1" } },
    };

    private async Task<JsonObject> ListenAsync(JsonObject parameters, JsonNode id, Action<string> say, CancellationToken cancelled)
    {
        var wanted = parameters["notifications"] as JsonObject ?? throw new RpcError(-32602, "params.notifications is missing");
        var wantsTools = (bool?)wanted["toolsListChanged"] == true;
        var wantsUpdates = (wanted["resourceSubscriptions"] as JsonArray ?? []).Any(uri => (string?)uri == Server.WatchedUri);

        void Tell(string method, JsonObject body)
        {
            body["_meta"] = new JsonObject { [Prefix + "subscriptionId"] = id.DeepClone() };
            say(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = method, ["params"] = body }.ToJsonString());
        }

        void Updated(string uri) => Tell("notifications/resources/updated", new JsonObject { ["uri"] = uri });

        void Changed() => Tell("notifications/tools/list_changed", []);

        var honoured = new JsonObject();
        if (wantsTools)
        {
            honoured["toolsListChanged"] = true;
            Server.ToolsChanged += Changed;
        }

        if (wantsUpdates)
        {
            honoured["resourceSubscriptions"] = new JsonArray(Server.WatchedUri);
            Server.ResourceUpdated += Updated;
        }

        try
        {
            Tell("notifications/subscriptions/acknowledged", new JsonObject { ["notifications"] = honoured });
            var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var registration = cancelled.Register(over.SetResult);
            await over.Task;
            throw new OperationCanceledException(cancelled);
        }
        finally
        {
            Server.ToolsChanged -= Changed;
            Server.ResourceUpdated -= Updated;
        }
    }

    private void RefuseBadMeta(JsonObject parameters)
    {
        var meta = parameters["_meta"] as JsonObject ?? throw new RpcError(-32602, "params._meta is missing");
        if ((string?)meta[s_known[0]] is not { } version || meta[s_known[1]] is not JsonObject capabilities)
        {
            throw new RpcError(-32602, "_meta lacks protocolVersion or clientCapabilities");
        }

        if (version != Server.Revision.Text)
        {
            throw new RpcError(-32022, "Unsupported protocol version", new JsonObject { ["supported"] = new JsonArray(Server.Revision.Text), ["requested"] = version });
        }

        // What a session declared must be put in the words of this revision (protocol.md 6, clientCapabilities).
        var wrong = meta.Select(static member => member.Key).FirstOrDefault(static key => key.StartsWith(Prefix, StringComparison.Ordinal) && !s_known.Contains(key, StringComparer.Ordinal))
            ?? (parameters.ContainsKey("task") ? "task" : null)
            ?? (capabilities.ContainsKey("tasks") ? "clientCapabilities.tasks" : null)
            ?? (capabilities["roots"]?["listChanged"] is not null ? "clientCapabilities.roots.listChanged" : null)
            ?? (capabilities["elicitation"] is JsonObject { Count: 0 } ? "clientCapabilities.elicitation without a mode" : null);
        if (wrong is not null)
        {
            throw new RpcError(-32602, $"'{wrong}' does not exist in {Server.Revision.Text}");
        }
    }

    /// <summary>A round ends with questions.</summary>
    private sealed class InputNeeded(JsonObject result) : Exception("Input is needed.")
    {
        public JsonObject Result { get; } = result;
    }

    private sealed class Call(ModernPeer peer, string method, JsonObject parameters, Action<string> say, CancellationToken cancelled)
        : ServedCall(method, parameters, say, cancelled)
    {
        private const string Key = "the answer";

        public override string? LogLevel => (string?)Params["_meta"]?[Prefix + "logLevel"];

        public override Task<JsonObject> AskAsync(string capability, JsonObject question)
        {
            if (!Declares(Params["_meta"]![Prefix + "clientCapabilities"]!.AsObject(), capability))
            {
                throw new RpcError(-32021, $"The client did not declare {capability}.", new JsonObject { ["requiredCapabilities"] = Required(capability) });
            }

            var tool = (string?)Params["name"] ?? "";
            if (Params["inputResponses"] is not JsonObject responses)
            {
                if (Params.ContainsKey("requestState"))
                {
                    throw new RpcError(-32602, "requestState came without inputResponses");
                }

                // Whoever parses and writes it again must still give back the same text.
                var state = $"{Guid.NewGuid():N} \"é☃\" \\ / \u2028 {{\"a\":1.0}}";
                peer._states[state] = tool;
                throw new InputNeeded(new JsonObject { ["resultType"] = "input_required", ["inputRequests"] = new JsonObject { [Key] = question }, ["requestState"] = state });
            }

            if ((string?)Params["requestState"] is not { } came || !peer._states.TryRemove(came, out var askedBy) || askedBy != tool)
            {
                throw new RpcError(-32602, $"requestState is not what was given out: {Params["requestState"]?.ToJsonString()}");
            }

            return responses is { Count: 1 } && responses[Key] is JsonObject answer
                ? Task.FromResult(answer)
                : throw new ToolFailure($"inputResponses must have the key '{Key}' and no other, but are {responses.ToJsonString()}");
        }

        /// <summary><c>a.b</c> as the capabilities object that has it.</summary>
        private static JsonObject Required(string capability)
        {
            var required = new JsonObject();
            foreach (var name in capability.Split('.').Reverse())
            {
                required = new JsonObject { [name] = required };
            }

            return required;
        }
    }
}
