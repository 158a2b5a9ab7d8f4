using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Tasks;

/// <summary>io.modelcontextprotocol/tasks on the SDK's hooks: the SDK carries extensions and brings none. All tasks of the process, whichever session or request made them.</summary>
internal sealed class TaskExtension(TimeProvider time)
{
    /// <summary>The extension's name.</summary>
    public const string Name = "io.modelcontextprotocol/tasks";

    private static readonly JsonTypeInfo<CreatedTask> s_createdTask = (JsonTypeInfo<CreatedTask>)McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(CreatedTask));

    private readonly ConcurrentDictionary<string, RunningTask> _tasks = new(StringComparer.Ordinal);

    /// <summary>Raised after a task has changed. Handlers must not block.</summary>
    public event Action<RunningTask>? Changed;

    /// <summary>Puts the extension into the options of one more SDK server.</summary>
    public void Register(McpServerOptions options)
    {
        options.Capabilities!.Extensions = new Dictionary<string, object> { [Name] = new JsonObject() };
        options.Filters.Request.CallToolWithAlternateFilters.Add((context, next, cancellationToken) =>
            context.MatchedPrimitive is TaskTool tool ? CallAsync(tool, context, next, cancellationToken) : next(context, cancellationToken));
        options.RequestHandlers =
        [
            Handler("tasks/get", static (task, _) => Complete(task.ToJson(detailed: true))),
            Handler("tasks/update", static (task, parameters) =>
            {
                task.Answer(parameters["inputResponses"] as JsonObject ?? throw new McpProtocolException("inputResponses must be an object.", McpErrorCode.InvalidParams));
                return Complete([]);
            }),
            Handler("tasks/cancel", static (task, _) =>
            {
                task.Cancel();
                return Complete([]);
            }),
        ];
    }

    /// <summary>The tasks among these ids.</summary>
    public RunningTask[] Find(IEnumerable<string> ids) => [.. ids.Select(id => _tasks.GetValueOrDefault(id)).OfType<RunningTask>()];

    /// <summary>Whether a request declares the extension; what earlier ones declared does not matter.</summary>
    public static bool IsDeclared(JsonRpcRequest request) =>
        (request.Params as JsonObject)?["_meta"]?[MetaKeys.ClientCapabilities]?["extensions"]?[Name] is JsonObject;

    private static JsonObject Complete(JsonObject result)
    {
        result["resultType"] = "complete";
        return result;
    }

    private static MissingRequiredClientCapabilityException Undeclared() =>
        new(new ClientCapabilities { Extensions = new Dictionary<string, object> { [Name] = new JsonObject() } }, $"Declare the extension {Name} in the request's clientCapabilities.");

    private async ValueTask<ResultOrAlternate<CallToolResult>> CallAsync(
        TaskTool tool, ToolCall context, McpRequestHandler<CallToolRequestParams, ResultOrAlternate<CallToolResult>> next, CancellationToken cancellationToken)
    {
        if (!IsDeclared(context.JsonRpcRequest))
        {
            return tool.NeedsTask ? throw Undeclared() : await next(context, cancellationToken);
        }

        var gathered = tool.Gather?.Invoke(context);
        var task = new RunningTask(time, changed => Changed?.Invoke(changed));
        _tasks[task.Id] = task;
        var created = task.ToJson(detailed: false).Deserialize<CreatedTask>(McpJsonUtilities.DefaultOptions)!;
        created.ResultType = "task";
        task.Start(tool, context.Params.Arguments ?? new Dictionary<string, JsonElement>(), gathered);
        return ResultOrAlternate<CallToolResult>.FromAlternate(created, s_createdTask);
    }

    private McpServerRequestHandler Handler(string method, Func<RunningTask, JsonObject, JsonObject> answer) => new()
    {
        Method = method,
        RoutingNameParameter = "taskId",
        Handler = (request, _) =>
        {
            if (!IsDeclared(request))
            {
                throw Undeclared();
            }

            var parameters = (JsonObject)request.Params!;
            return ValueTask.FromResult<JsonNode?>(parameters["taskId"]?.ToString() is { } id && _tasks.TryGetValue(id, out var task)
                ? answer(task, parameters) : throw new McpProtocolException("There is no such task.", McpErrorCode.InvalidParams));
        },
    };

    /// <summary>The result that creates a task.</summary>
    private sealed class CreatedTask : Result
    {
        [JsonExtensionData]
        public Dictionary<string, JsonElement>? Members { get; set; }
    }
}
