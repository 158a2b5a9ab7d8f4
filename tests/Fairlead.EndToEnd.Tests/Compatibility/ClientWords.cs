using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>What a client of a revision says: its capabilities, its claim, its answers; and what it must never be told (protocol.md 1, 6).</summary>
/// <param name="revision">Of the client.</param>
/// <param name="title">Distinguishes its owner from others.</param>
internal sealed class ClientWords(string revision, string title)
{
    private const string Prefix = "io.modelcontextprotocol/";
    private const string Modern = "2026-07-28";
    private static readonly string[] s_modernMembers = ["resultType", "ttlMs", "cacheScope", "inputRequests", "requestState"];

    private bool IsModern => revision == Modern;

    private bool HasElicitation => IsAtLeast("2025-06-18");

    private bool HasUrlsAndTools => IsAtLeast("2025-11-25");

    /// <summary>A copy of <c>clientInfo</c>.</summary>
    public JsonObject Info => new() { ["name"] = title, ["version"] = "1" };

    /// <summary>A copy of what it declares: all that its revision knows.</summary>
    public JsonObject Capabilities
    {
        get
        {
            var capabilities = new JsonObject { ["roots"] = IsModern ? [] : new JsonObject { ["listChanged"] = true }, ["sampling"] = HasUrlsAndTools ? new JsonObject { ["tools"] = new JsonObject() } : [] };
            if (HasElicitation)
            {
                capabilities["elicitation"] = HasUrlsAndTools ? new JsonObject { ["form"] = new JsonObject(), ["url"] = new JsonObject() } : [];
            }

            if (IsModern)
            {
                capabilities["extensions"] = new JsonObject { [Prefix + "tasks"] = new JsonObject() };
            }
            else if (HasUrlsAndTools)
            {
                capabilities["tasks"] = new JsonObject { ["list"] = new JsonObject(), ["cancel"] = new JsonObject() };
            }

            return capabilities;
        }
    }

    /// <summary>Adds to params what every modern request says of its sender.</summary>
    public void Claim(JsonObject parameters)
    {
        var meta = parameters["_meta"] as JsonObject ?? [];
        parameters["_meta"] = meta;
        meta[Prefix + "protocolVersion"] = Modern;
        meta[Prefix + "clientInfo"] = Info;
        meta[Prefix + "clientCapabilities"] = Capabilities;
    }

    /// <summary>Answers a question of a server.</summary>
    /// <returns>The result; null when this revision has no such question, which is also a fault.</returns>
    public JsonObject? Answer(JsonObject question, ConcurrentQueue<string> faults)
    {
        var parameters = question["params"];
        var isUrl = (string?)parameters?["mode"] == "url";
        switch ((string?)question["method"])
        {
            case "elicitation/create" when isUrl && HasUrlsAndTools:
                if (parameters!.AsObject().ContainsKey("elicitationId") == IsModern)
                {
                    faults.Enqueue($"elicitationId belongs to 2025-11-25 and to no other: {question.ToJsonString()}");
                }

                return (string?)parameters!["url"] == "https://example.com/sign" ? new JsonObject { ["action"] = "accept" } : null;
            case "elicitation/create" when !isUrl && HasElicitation:
                return new JsonObject { ["action"] = "accept", ["content"] = new JsonObject { ["name"] = "Ada" } };
            case "sampling/createMessage" when (parameters?["tools"]) is null:
                return new JsonObject { ["role"] = "assistant", ["model"] = "mini", ["stopReason"] = "endTurn", ["content"] = new JsonObject { ["type"] = "text", ["text"] = "Said." } };
            case "sampling/createMessage" when HasUrlsAndTools:
                return new JsonObject
                {
                    ["role"] = "assistant", ["model"] = "mini", ["stopReason"] = "toolUse",
                    ["content"] = new JsonObject { ["type"] = "tool_use", ["id"] = "1", ["name"] = "dice", ["input"] = new JsonObject() },
                };
            case "roots/list":
                return new JsonObject { ["roots"] = new JsonArray(new JsonObject { ["uri"] = "file:///matrix/root", ["name"] = "root" }) };
            default:
                faults.Enqueue($"a question that {revision} does not have: {question.ToJsonString()}");
                return null;
        }
    }

    /// <summary>Looks for what the other era says.</summary>
    public void Check(JsonObject answer, ConcurrentQueue<string> faults)
    {
        if (answer["result"] is not JsonObject result)
        {
            return;
        }

        if (IsModern ? !result.ContainsKey("resultType") : s_modernMembers.Any(result.ContainsKey))
        {
            faults.Enqueue($"a result of the other era: {result.ToJsonString()}");
        }

        // 2026-07-28, server/utilities/caching: required on lists and what was read.
        if (IsModern && (result.ContainsKey("tools") || result.ContainsKey("contents")) && (result["ttlMs"] is null || result["cacheScope"] is null))
        {
            faults.Enqueue($"a result without ttlMs or cacheScope: {result.ToJsonString()}");
        }
    }

    private bool IsAtLeast(string other) => string.CompareOrdinal(revision, other) >= 0;
}
