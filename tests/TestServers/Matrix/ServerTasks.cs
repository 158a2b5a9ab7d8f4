using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>Tasks of both forms (protocol.md 8): those of 2025-11-25, which the client asks for, and those of the extension, which the server decides on.</summary>
/// <remarks>A task is at work until it was looked at once; <c>tasks/result</c> ends it.</remarks>
internal sealed class ServerTasks(Revision revision)
{
    /// <summary>The extension's name.</summary>
    public const string Extension = "io.modelcontextprotocol/tasks";

    /// <summary>The tool that makes a task.</summary>
    public const string Tool = "task";

    /// <summary>What the tool says in the end.</summary>
    public const string Done = "task: done";

    private readonly ConcurrentDictionary<string, bool> _looked = new(StringComparer.Ordinal);

    /// <summary>Makes a task of the call if that is how it must be served.</summary>
    /// <exception cref="RpcError">The tool runs only as a task and the call asked for none.</exception>
    public bool TryCreate(ServedCall call, [NotNullWhen(true)] out JsonObject? created)
    {
        created = null;
        if (revision.IsModern)
        {
            if (call.Params["_meta"]?["io.modelcontextprotocol/clientCapabilities"]?["extensions"]?[Extension] is null)
            {
                return false;
            }

            created = Describe(NewId(), "working");
            created["resultType"] = "task";
            return true;
        }

        if (call.Params["task"] is not JsonObject)
        {
            // 2025-11-25, basic/utilities/tasks, Tool-Level Negotiation.
            throw new RpcError(-32601, "The tool 'task' runs only as a task: send params.task.");
        }

        created = new JsonObject { ["task"] = Describe(NewId(), "working") };
        return true;
    }

    /// <summary>Serves a request about tasks.</summary>
    /// <returns>Null when there is no such method in this revision.</returns>
    public JsonObject? Serve(ServedCall call)
    {
        if (!revision.HasUrlsToolsAndTasks)
        {
            return null;
        }

        switch (call.Method)
        {
            case "tasks/get":
                var id = IdOf(call);
                var isDone = _looked[id];
                _looked[id] = true;
                var task = Describe(id, isDone ? "completed" : "working");
                if (revision.IsModern && isDone)
                {
                    task["result"] = ServerTools.Text(Done);
                    task["result"]!["resultType"] = "complete";
                }

                return task;
            case "tasks/cancel":
                return revision.IsModern ? [] : Describe(IdOf(call), "cancelled");
            case "tasks/result" when !revision.IsModern:
                var ended = IdOf(call);
                _looked[ended] = true;
                var result = ServerTools.Text(Done);
                result["_meta"] = new JsonObject { ["io.modelcontextprotocol/related-task"] = new JsonObject { ["taskId"] = ended } };
                return result;
            case "tasks/list" when !revision.IsModern:
                return new JsonObject { ["tasks"] = new JsonArray([.. _looked.Select(static known => Describe(known.Key, known.Value, isModern: false))]) };
            default:
                return null;
        }
    }

    private static JsonObject Describe(string id, bool isDone, bool isModern) => Describe(id, isDone ? "completed" : "working", isModern);

    private static JsonObject Describe(string id, string status, bool isModern)
    {
        var now = TimeProvider.System.GetUtcNow().ToString("O");
        return new JsonObject
        {
            ["taskId"] = id, ["status"] = status, ["createdAt"] = now, ["lastUpdatedAt"] = now, [isModern ? "ttlMs" : "ttl"] = 60_000, [isModern ? "pollIntervalMs" : "pollInterval"] = 50,
        };
    }

    private JsonObject Describe(string id, string status) => Describe(id, status, revision.IsModern);

    private string NewId()
    {
        var id = Guid.NewGuid().ToString("N");
        _looked[id] = false;
        return id;
    }

    private string IdOf(ServedCall call)
    {
        var id = (string?)call.Params["taskId"] ?? "";
        return _looked.ContainsKey(id) ? id : throw new RpcError(-32602, $"Unknown task: {id}");
    }
}
