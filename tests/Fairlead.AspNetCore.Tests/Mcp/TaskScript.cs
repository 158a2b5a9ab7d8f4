using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Servers of raw lines that run tools as tasks, in either form (protocol.md 8).</summary>
internal static class TaskScript
{
    public const string LegacyCapabilities = """{"tools":{},"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}}""";

    public const string ModernCapabilities = """{"tools":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}""";

    private const string Times = """ "createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z" """;

    /// <summary>A server of 2025-11-25 whose tool <c>work</c> needs a task, <c>maybe</c> can be one, <c>plain</c> cannot. <c>tasks/result</c> stays open: the test answers it.</summary>
    /// <param name="more">Further rules.</param>
    /// <param name="id">The id of every task; it is escaped as only a byte copy keeps it.</param>
    public static ScriptedRuns Legacy(Action<ScriptedServer>? more = null, string id = "t-1") => new(server =>
    {
        server.SpeaksLegacy(LegacyCapabilities)
            .On("tools/list", """ "result":{"tools":[{"name":"work","inputSchema":{"type":"object"},"execution":{"taskSupport":"required"}},{"name":"maybe","inputSchema":{"type":"object"},"execution":{"taskSupport":"optional"}},{"name":"plain","inputSchema":{"type":"object"}}]} """)
            .On("tools/call", request => request.Params.Contains("\"task\":", StringComparison.Ordinal)
                ? $$""" "result":{"task":{{Legacy(id, "working")}},"x":1.50} """
                : """ "result":{"content":[{"type":"text","text":"at once"}]} """)
            .On("tasks/get", request => request.Text("taskId") == id ? $""" "result":{Legacy(id, "working")} """ : NotFound)
            .On("tasks/cancel", request => request.Text("taskId") == id ? $""" "result":{Legacy(id, "cancelled")} """ : NotFound)
            .On("tasks/result", static _ => null)
            .On("tasks/list", $$""" "result":{"tasks":[{{Legacy(id, "working")}}]} """)
            .On("ping", """ "result":{} """);
        more?.Invoke(server);
    });

    /// <summary>A server of 2026-07-28 with the extension, whose tool <c>work</c> becomes a task.</summary>
    /// <inheritdoc cref="Legacy(Action{ScriptedServer}, string)"/>
    public static ScriptedRuns Modern(Action<ScriptedServer>? more = null, string id = "t-1") => new(server =>
    {
        server.SpeaksModern(ModernCapabilities)
            .On("tools/list", """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"work","inputSchema":{"type":"object"}}]} """)
            .On("tools/call", request => request.Params.Contains("io.modelcontextprotocol/tasks", StringComparison.Ordinal)
                ? $$""" "result":{"resultType":"task","taskId":"{{id}}","status":"working","ttlMs":60000,"pollIntervalMs":100,{{Times}}} """
                : """ "result":{"resultType":"complete","content":[{"type":"text","text":"at once"}]} """)
            .On("tasks/get", request => request.Text("taskId") == id
                ? $$""" "result":{"resultType":"complete","taskId":"{{id}}","status":"input_required","ttlMs":60000,{{Times}},"inputRequests":{"k\u00e9":{"method":"elicitation/create","params":{"message":"\/?","requestedSchema":{"type":"object","properties":{} } } } } } """
                : NotFound)
            .On("tasks/update", """ "result":{"resultType":"complete"} """)
            .On("tasks/cancel", """ "result":{"resultType":"complete"} """);
        more?.Invoke(server);
    });

    /// <summary>One host with the servers given, all in one profile <c>p</c> too.</summary>
    public static Task<FrontHost> StartAsync(string? stateFolder, TimeProvider? time, params (string Name, ScriptedRuns Runs)[] servers)
    {
        var options = new FairleadOptions { StateFolder = stateFolder, Servers = [.. servers.Select(static server => new ServerConfig { Name = server.Name })] };
        options.Profiles["p"] = new ProfileOptions();
        return FrontHost.StartAsync(
            options,
            manager =>
            {
                foreach (var (name, runs) in servers)
                {
                    manager.AddServer(name, runs);
                }
            },
            time);
    }

    /// <summary>A member of the result in a JSON or SSE body, by its path.</summary>
    public static JsonElement Result(string body, params string[] path)
    {
        var message = EventStream.LastMessage(body);
        var root = JsonDocument.Parse(message).RootElement;
        Assert.True(root.TryGetProperty("result", out var result), message);
        return path.Aggregate(result, static (element, name) => element.GetProperty(name));
    }

    /// <summary>The code of the error in a body.</summary>
    public static int ErrorCode(string body)
    {
        var message = EventStream.LastMessage(body);
        Assert.True(JsonDocument.Parse(message).RootElement.TryGetProperty("error", out var error), message);
        return error.GetProperty("code").GetInt32();
    }

    private static string NotFound => """ "error":{"code":-32602,"message":"no such task"} """;

    private static string Legacy(string id, string status) => $$"""{"taskId":"{{id}}","status":"{{status}}",{{Times}},"ttl":60000,"pollInterval":100}""";
}
