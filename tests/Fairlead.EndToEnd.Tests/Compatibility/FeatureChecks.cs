using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>Goes through the features with one client and one server.</summary>
/// <param name="client">Opened.</param>
/// <param name="kind">The server.</param>
/// <param name="world">Where servers say what they went through.</param>
/// <param name="listed">The tools that the client was shown.</param>
/// <param name="listen">The modern client's subscription, opened for the watched resources of all servers; null for a legacy one.</param>
internal sealed class FeatureChecks(RevisionClient client, ServerKind kind, World world, IReadOnlySet<string> listed, ListenSubscription? listen)
{
    private const int InvalidParams = -32602;
    private const int MethodNotFound = -32601;

    /// <summary>Goes through all of them but <see cref="Feature.ListChanged"/>, which says not whose list it was and is looked at for all servers together.</summary>
    /// <returns>What happened: the outcome, and the bytes that show it.</returns>
    public async Task<Dictionary<Feature, (Outcome? Outcome, string Seen)>> RunAsync()
    {
        // A question is asked at the newest call of its owner (decision 8.2), a log message goes where exactly one call wants it: those run alone, the others at once.
        var simple = new[] { Feature.Tool, Feature.Prompt, Feature.Resource, Feature.Template, Feature.Completion, Feature.Progress };
        var seen = new Dictionary<Feature, (Outcome? Outcome, string Seen)>();
        foreach (var (feature, result) in simple.Zip(await Task.WhenAll(simple.Select(CheckAsync))))
        {
            seen[feature] = result;
        }

        // After a cancellation, the log lines of a shared server are nobody's until it has answered something else: that one comes last.
        foreach (var feature in Enum.GetValues<Feature>().Except(simple).Except([Feature.ListChanged, Feature.Cancel]).Append(Feature.Cancel))
        {
            seen[feature] = await CheckAsync(feature);
        }

        return seen;
    }

    private string Tool(string name) => $"{kind.Name}__{name}";

    private string Uri(string path) => $"matrix://{kind.Name}/{path}";

    private async Task<(Outcome? Outcome, string Seen)> CheckAsync(Feature feature)
    {
        try
        {
            return await (feature switch
            {
                Feature.Tool => CallAsync("hello", $"hello from {kind.Name}"),
                Feature.Prompt => ExpectAsync(
                    "prompts/get", new JsonObject { ["name"] = Tool("greet"), ["arguments"] = new JsonObject { ["who"] = "Ada" } },
                    static result => (string?)result["messages"]?[0]?["content"]?["text"] == "Greet Ada"),
                Feature.Resource => ReadAsync("plain"),
                Feature.Template => ReadAsync("item/7"),
                Feature.Completion => ExpectAsync("completion/complete", Json("""{"ref":{"type":"ref/prompt","name":"NAME"},"argument":{"name":"who","value":"A"}}""".Replace("NAME", Tool("greet"), StringComparison.Ordinal)),
                    static result => (string?)result["completion"]?["values"]?[0] == "Ada"),
                Feature.ElicitationForm => CallAsync("elicit-form", "form: accept Ada"),
                Feature.ElicitationUrl => CallAsync("elicit-url", "url: accept"),
                Feature.Sampling => CallAsync("sample", "sample: mini Said."),
                Feature.SamplingWithTools => CallAsync("sample-tools", "sample-tools: toolUse dice"),
                Feature.Roots => CallAsync("roots", "roots: file:///matrix/root"),
                Feature.Progress => ProgressAsync(),
                Feature.Cancel => CancelAsync(),
                Feature.Log => LogAsync(),
                Feature.Subscription => SubscriptionAsync(),
                Feature.Task => TaskAsync(),
                _ => throw new ArgumentOutOfRangeException(nameof(feature), feature, "no check of its own"),
            });
        }
        catch (Exception exception) when (exception is TimeoutException or InvalidOperationException or HttpRequestException)
        {
            return (null, exception.Message);
        }
    }

    private async Task<(Outcome? Outcome, string Seen)> CallAsync(string tool, string text, JsonObject? extra = null)
    {
        var parameters = extra ?? [];
        parameters["name"] = Tool(tool);
        parameters["arguments"] ??= new JsonObject();
        var answer = await client.AskAsync("tools/call", parameters);
        return (Judge(tool, answer, text), answer.ToJsonString());
    }

    private Outcome? Judge(string tool, JsonObject answer, string text)
    {
        if (!listed.Contains(Tool(tool)))
        {
            return (int?)answer["error"]?["code"] switch
            {
                InvalidParams => Outcome.NotOffered,
                MethodNotFound when tool == "task" => Outcome.Hidden,
                _ => null,
            };
        }

        var said = (string?)answer["result"]?["content"]?[0]?["text"] ?? "";
        if ((bool?)answer["result"]?["isError"] != true)
        {
            return said == text ? Outcome.Passes : null;
        }

        // A legacy server says which error its question got; of a modern one, the gateway says what the server wants.
        return said.StartsWith("the question got error -32601:", StringComparison.Ordinal) ? Outcome.CapabilityNotDeclared
            : said.StartsWith("the question got error -32602:", StringComparison.Ordinal) ? Outcome.ModeNotDeclared
            : kind.Revision == "2026-07-28" && said.Contains(tool.StartsWith("elicit", StringComparison.Ordinal) ? "elicitation" : "sampling", StringComparison.Ordinal) ? Outcome.RefusedByServer
            : null;
    }

    private async Task<(Outcome? Outcome, string Seen)> ExpectAsync(string method, JsonObject parameters, Func<JsonNode, bool> isRight)
    {
        var answer = await client.AskAsync(method, parameters);
        return (answer["result"] is { } result && isRight(result) ? Outcome.Passes : null, answer.ToJsonString());
    }

    private Task<(Outcome? Outcome, string Seen)> ReadAsync(string path) => ExpectAsync(
        "resources/read", new JsonObject { ["uri"] = Uri(path) },
        result => (string?)result["contents"]?[0]?["text"] == $"{path} of {kind.Name}" && (string?)result["contents"]?[0]?["uri"] == Uri(path));

    private async Task<(Outcome? Outcome, string Seen)> ProgressAsync()
    {
        var token = $"p {kind.Name}";
        var call = await CallAsync("progress", "progress: 2 sent", new JsonObject { ["_meta"] = new JsonObject { ["progressToken"] = token } });

        // On the stream of the call, before its answer (protocol.md 10.5): both are here by now.
        var came = client.Notifications.All.Where(note => (string?)note["method"] == "notifications/progress" && note["params"]?["progressToken"]?.ToJsonString() == $"\"{token}\"").ToArray();
        return came is [var first, var second] && (int?)first["params"]?["progress"] == 1 && (int?)second["params"]?["progress"] == 2
            ? call
            : (null, $"{call.Seen} after {came.Length} progress notifications: {string.Join(' ', came.Select(static note => note.ToJsonString()))}");
    }

    private async Task<(Outcome? Outcome, string Seen)> CancelAsync()
    {
        var key = Guid.NewGuid().ToString("N");
        var (id, answer) = client.Start("tools/call", new JsonObject { ["name"] = Tool("wait"), ["arguments"] = new JsonObject { ["key"] = key } });
        var waiting = world.Said.FirstAsync(line => line == $"waiting {key}", $"that {kind.Name} waits");
        if (await Task.WhenAny(waiting, answer) == answer)
        {
            return (null, (await answer).ToJsonString());
        }

        await waiting;
        await client.CancelAsync(id);
        await world.Said.FirstAsync(line => line == $"cancelled {key}", $"that {kind.Name} hears of the cancellation");
        return (Outcome.Passes, "");
    }

    private async Task<(Outcome? Outcome, string Seen)> LogAsync()
    {
        var key = Guid.NewGuid().ToString("N");
        var parameters = new JsonObject { ["arguments"] = new JsonObject { ["key"] = key } };
        if (client.IsModern)
        {
            parameters["_meta"] = new JsonObject { ["io.modelcontextprotocol/logLevel"] = "info" };
        }

        var call = await CallAsync("log", "log: 1 sent", parameters);
        if (call.Outcome == Outcome.Passes)
        {
            await client.Notifications.FirstAsync(note => (string?)note["method"] == "notifications/message" && (string?)note["params"]?["data"] == key, $"the log message after {call.Seen}");
        }

        return call;
    }

    private async Task<(Outcome? Outcome, string Seen)> SubscriptionAsync()
    {
        var uri = Uri("watched");
        var wanted = new JsonObject { ["uri"] = uri };
        if (listen is null)
        {
            var answer = await client.AskAsync("resources/subscribe", wanted.DeepClone().AsObject());
            if (answer["result"] is not JsonObject { Count: 0 })
            {
                return (null, answer.ToJsonString());
            }
        }
        else if (!listen.Honours(uri))
        {
            return (null, $"left out of {listen.Acknowledged.ToJsonString()}");
        }

        world.Tell($"touch {kind.Name}");
        await client.Notifications.FirstAsync(
            note => (string?)note["method"] == "notifications/resources/updated" && (string?)note["params"]?["uri"] == uri && (listen is null || listen.IsMine(note)), $"the update of {uri}");
        if (listen is null)
        {
            await client.AskAsync("resources/unsubscribe", wanted);
        }

        return (Outcome.Passes, "");
    }

    /// <summary>A client runs the tool as a task when its revision can and the tool says so, or when the server decides so; else it is a plain call.</summary>
    private async Task<(Outcome? Outcome, string Seen)> TaskAsync()
    {
        const string Done = "task: done";
        if (client.IsModern && kind.Revision == client.Revision)
        {
            var created = await client.AskAsync("tools/call", new JsonObject { ["name"] = Tool("task"), ["arguments"] = new JsonObject() });
            if ((string?)created["result"]?["resultType"] != "task" || (string?)created["result"]?["taskId"] is not { } extensionId)
            {
                return (null, created.ToJsonString());
            }

            var task = await PollAsync(extensionId);
            return ((string?)task["result"]?["result"]?["content"]?[0]?["text"] == Done ? Outcome.Passes : null, task.ToJsonString());
        }

        if (client.Revision != "2025-11-25" || kind.Revision != client.Revision)
        {
            return await CallAsync("task", Done);
        }

        var answer = await client.AskAsync("tools/call", new JsonObject { ["name"] = Tool("task"), ["arguments"] = new JsonObject(), ["task"] = new JsonObject { ["ttl"] = 60_000 } });
        if ((string?)answer["result"]?["task"]?["taskId"] is not { } id)
        {
            return (null, answer.ToJsonString());
        }

        var polled = await PollAsync(id);
        var result = await client.AskAsync("tasks/result", new JsonObject { ["taskId"] = id });
        var isRight = (string?)polled["result"]?["status"] == "completed" && (string?)result["result"]?["content"]?[0]?["text"] == Done
            && (string?)result["result"]?["_meta"]?["io.modelcontextprotocol/related-task"]?["taskId"] == id;
        return (isRight ? Outcome.Passes : null, $"{polled.ToJsonString()} {result.ToJsonString()}");
    }

    /// <summary>Looks until the task is not at work any more: the servers end it when they were asked once.</summary>
    private async Task<JsonObject> PollAsync(string id)
    {
        var first = await client.AskAsync("tasks/get", new JsonObject { ["taskId"] = id });
        return (string?)first["result"]?["status"] == "working" ? await client.AskAsync("tasks/get", new JsonObject { ["taskId"] = id }) : first;
    }

    private static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();
}
