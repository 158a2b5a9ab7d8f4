using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>A session of a legacy revision: a handshake, then requests both ways.</summary>
internal sealed class LegacyPeer : Peer
{
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonObject>> _questions = new();
    private readonly ConcurrentDictionary<string, bool> _subscribed = new(StringComparer.Ordinal);
    private readonly Action<string> _unsolicited;
    private long _nextQuestion = -1;
    private JsonObject? _capabilities;
    private volatile string _level = "warning";

    /// <summary>A session whose unsolicited messages go to <paramref name="unsolicited"/>.</summary>
    public LegacyPeer(MatrixServer server, Action<string> unsolicited)
        : base(server)
    {
        _unsolicited = unsolicited;
        server.ResourceUpdated += TellUpdated;
        server.ToolsChanged += TellToolsChanged;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        Server.ResourceUpdated -= TellUpdated;
        Server.ToolsChanged -= TellToolsChanged;
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task<JsonObject?> RequestAsync(string method, JsonObject parameters, JsonNode id, Action<string> say, CancellationToken cancelled)
    {
        if (method is "initialize" or "ping")
        {
            return method == "ping" ? [] : Initialize(parameters);
        }

        if (_capabilities is null)
        {
            throw new RpcError(-32601, $"Method not found: {method}");
        }

        RefuseWhatIsNotOurs(parameters);
        var call = new Call(this, method, parameters, say, cancelled);
        switch (method)
        {
            case "logging/setLevel":
                _level = (string)parameters["level"]!;
                return [];
            case "resources/subscribe" or "resources/unsubscribe":
                var uri = (string?)parameters["uri"] ?? "";
                if (uri != Server.WatchedUri)
                {
                    throw new RpcError(-32002, $"Resource not found: {uri}");
                }

                _subscribed[uri] = method == "resources/subscribe";
                return [];
            default:
                return Server.Tasks.Serve(call) ?? await Server.ServeAsync(call);
        }
    }

    /// <inheritdoc/>
    protected override void ReceiveAnswer(JsonObject message)
    {
        if (message["id"] is JsonValue id && id.TryGetValue(out long number) && _questions.TryRemove(number, out var question))
        {
            question.SetResult(message);
        }
        else
        {
            Server.World.Say($"fault {Server.Name} got an answer to nothing that it asked: {message.ToJsonString()}");
        }
    }

    private JsonObject Initialize(JsonObject parameters)
    {
        _capabilities = parameters["capabilities"] as JsonObject ?? throw new RpcError(-32602, "initialize came without capabilities");
        return new JsonObject
        {
            ["protocolVersion"] = Server.Revision.Text, ["capabilities"] = Server.Capabilities(), ["serverInfo"] = new JsonObject { ["name"] = Server.Name, ["version"] = "1" },
        };
    }

    /// <summary>What belongs to the other era must not arrive here: a request that carries it fails loudly (decision 4).</summary>
    private void RefuseWhatIsNotOurs(JsonObject parameters)
    {
        var reserved = (parameters["_meta"] as JsonObject ?? []).Select(static member => member.Key).FirstOrDefault(static key => key.StartsWith("io.modelcontextprotocol/", StringComparison.Ordinal));
        var foreign = reserved
            ?? (parameters.ContainsKey("inputResponses") ? "inputResponses" : parameters.ContainsKey("requestState") ? "requestState" : null)
            ?? (parameters.ContainsKey("task") && !Server.Revision.HasUrlsToolsAndTasks ? "task" : null);
        if (foreign is not null)
        {
            throw new RpcError(-32602, $"'{foreign}' does not exist in {Server.Revision.Text}");
        }
    }

    private void TellUpdated(string uri)
    {
        if (_subscribed.TryGetValue(uri, out var isSubscribed) && isSubscribed)
        {
            _unsolicited(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = "notifications/resources/updated", ["params"] = new JsonObject { ["uri"] = uri } }.ToJsonString());
        }
    }

    private void TellToolsChanged()
    {
        if (_capabilities is not null)
        {
            _unsolicited("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
        }
    }

    private sealed class Call(LegacyPeer peer, string method, JsonObject parameters, Action<string> say, CancellationToken cancelled)
        : ServedCall(method, parameters, say, cancelled)
    {
        public override string? LogLevel => peer._level;

        public override async Task<JsonObject> AskAsync(string capability, JsonObject question)
        {
            var id = Interlocked.Increment(ref peer._nextQuestion);
            var source = new TaskCompletionSource<JsonObject>(TaskCreationOptions.RunContinuationsAsynchronously);
            peer._questions[id] = source;
            question["jsonrpc"] = "2.0";
            question["id"] = id;
            Say(question);
            var answer = await source.Task.WaitAsync(Cancelled);
            if (answer["error"] is { } error)
            {
                throw new ToolFailure($"the question got error {error["code"]}: {error["message"]}");
            }

            // Asked in any case, so that the refusal can be seen; an answer without the capability is a fault of whoever answered.
            return Declares(peer._capabilities!, capability)
                ? answer["result"]!.AsObject()
                : throw new ToolFailure($"the question was answered with {answer["result"]!.ToJsonString()}, but {capability} was not declared: {peer._capabilities!.ToJsonString()}");
        }
    }
}
