using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>The tools: one per feature that only a call can show.</summary>
internal static class ServerTools
{
    private const string AnyObject = """{"type":"object"}""";

    private static readonly (string Name, Func<Revision, bool> IsIn, Func<MatrixServer, ServedCall, Task<string>> Run)[] s_all =
    [
        ("hello", static _ => true, static (server, _) => Task.FromResult($"hello from {server.Name}")),
        ("elicit-form", static revision => revision.HasElicitation, ElicitFormAsync),
        ("elicit-url", static revision => revision.HasUrlsToolsAndTasks, ElicitUrlAsync),
        ("sample", static _ => true, SampleAsync),
        ("sample-tools", static revision => revision.HasUrlsToolsAndTasks, SampleToolsAsync),
        ("roots", static _ => true, RootsAsync),
        ("progress", static _ => true, ProgressAsync),
        ("wait", static _ => true, WaitAsync),
        ("log", static _ => true, LogAsync),
        (ServerTasks.Tool, static revision => revision.HasUrlsToolsAndTasks, static (_, _) => Task.FromResult(ServerTasks.Done)),
    ];

    /// <summary>The definitions that a server of <paramref name="revision"/> offers.</summary>
    /// <param name="tag">What the last one is called after, so that the list can change.</param>
    public static JsonArray List(Revision revision, string tag)
    {
        var tools = new JsonArray();
        foreach (var (name, isIn, _) in s_all)
        {
            if (isIn(revision))
            {
                var tool = new JsonObject { ["name"] = name, ["inputSchema"] = JsonNode.Parse(AnyObject) };
                if (name == ServerTasks.Tool && !revision.IsModern)
                {
                    tool["execution"] = new JsonObject { ["taskSupport"] = "required" };
                }

                tools.Add(tool);
            }
        }

        tools.Add(new JsonObject { ["name"] = $"late-{tag}", ["inputSchema"] = JsonNode.Parse(AnyObject) });
        return tools;
    }

    /// <summary>What the tool does; null when a server of <paramref name="revision"/> has none of that name.</summary>
    public static Func<MatrixServer, ServedCall, Task<string>>? Find(Revision revision, string name) =>
        Array.Find(s_all, tool => tool.Name == name && tool.IsIn(revision)).Run;

    /// <summary>A tool's result of one text.</summary>
    public static JsonObject Text(string text) => new() { ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }) };

    private static async Task<string> ElicitFormAsync(MatrixServer server, ServedCall call)
    {
        var question = Question("elicitation/create", """{"message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}}""");
        if (server.Revision.HasUrlsToolsAndTasks)
        {
            question["params"]!["mode"] = "form";
        }

        // Before there were modes, the capability was the object itself.
        var answer = await call.AskAsync(server.Revision.HasUrlsToolsAndTasks ? "elicitation.form" : "elicitation", question);
        return $"form: {answer["action"]} {answer["content"]?["name"]}";
    }

    private static async Task<string> ElicitUrlAsync(MatrixServer server, ServedCall call)
    {
        var question = Question("elicitation/create", """{"mode":"url","message":"Sign here.","url":"https://example.com/sign"}""");
        if (!server.Revision.IsModern)
        {
            question["params"]!["elicitationId"] = Guid.NewGuid().ToString("N");
        }

        var answer = await call.AskAsync("elicitation.url", question);
        return answer["content"] is null ? $"url: {answer["action"]}" : throw new ToolFailure("a form came back from a URL");
    }

    private static async Task<string> SampleAsync(MatrixServer server, ServedCall call)
    {
        var answer = await call.AskAsync("sampling", Question("sampling/createMessage", """{"messages":[{"role":"user","content":{"type":"text","text":"Say it."}}],"maxTokens":10}"""));
        return $"sample: {answer["model"]} {answer["content"]?["text"]}";
    }

    private static async Task<string> SampleToolsAsync(MatrixServer server, ServedCall call)
    {
        var answer = await call.AskAsync("sampling.tools", Question("sampling/createMessage", """
            {"messages":[{"role":"user","content":{"type":"text","text":"Roll."}}],"maxTokens":10,"toolChoice":{"mode":"required"},
             "tools":[{"name":"dice","inputSchema":{"type":"object"}}]}
            """));
        return $"sample-tools: {answer["stopReason"]} {answer["content"]?["name"]}";
    }

    private static async Task<string> RootsAsync(MatrixServer server, ServedCall call)
    {
        var answer = await call.AskAsync("roots", new JsonObject { ["method"] = "roots/list" });
        return $"roots: {string.Join(' ', answer["roots"]!.AsArray().Select(static root => (string?)root?["uri"]))}";
    }

    private static Task<string> ProgressAsync(MatrixServer server, ServedCall call)
    {
        if (call.Params["_meta"]?["progressToken"] is not { } token)
        {
            throw new ToolFailure("no progressToken came");
        }

        for (var i = 1; i <= 2; i++)
        {
            call.Notify("notifications/progress", new JsonObject { ["progressToken"] = token.DeepClone(), ["progress"] = i, ["total"] = 2 });
        }

        return Task.FromResult("progress: 2 sent");
    }

    private static async Task<string> WaitAsync(MatrixServer server, ServedCall call)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = call.Cancelled.Register(cancelled.SetResult);
        server.World.Say($"waiting {call.Arguments["key"]}");
        await cancelled.Task;
        server.World.Say($"cancelled {call.Arguments["key"]}");
        throw new OperationCanceledException(call.Cancelled);
    }

    private static Task<string> LogAsync(MatrixServer server, ServedCall call)
    {
        if (!call.LogsInformation)
        {
            throw new ToolFailure($"the log level is {call.LogLevel ?? "not set"}, so that nothing can be said at 'info'");
        }

        call.Notify("notifications/message", new JsonObject { ["level"] = "info", ["logger"] = "matrix", ["data"] = call.Arguments["key"]?.DeepClone() });
        return Task.FromResult("log: 1 sent");
    }

    private static JsonObject Question(string method, string parameters) => new() { ["method"] = method, ["params"] = JsonNode.Parse(parameters) };
}
