using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace Fairlead.TestServers.Conformance.Tasks;

/// <summary>One task: its body in the background, its questions, and what <c>tasks/get</c> says of it. Any thread; kept as long as the process.</summary>
#pragma warning disable CA1001 // The source has no timer and no handle to give back, and whoever cancels may come after the end.
internal sealed class RunningTask
#pragma warning restore CA1001
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _cancel = new();
    private readonly TimeProvider _time;
    private readonly Action<RunningTask> _changed;
    private readonly Dictionary<string, InputRequest> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, JsonElement> _answers = new(StringComparer.Ordinal);
    private readonly DateTimeOffset _created;
    private TaskCompletionSource<IReadOnlyDictionary<string, JsonElement>>? _parked;
    private DateTimeOffset _updated;
    private string _status = "working";
    private JsonNode? _result;
    private JsonObject? _error;

    /// <param name="changed">Told after each change of the status.</param>
    public RunningTask(TimeProvider time, Action<RunningTask> changed)
    {
        _time = time;
        _changed = changed;
        _created = _updated = time.GetUtcNow();
    }

    /// <summary>The id: unguessable, since whoever has it has the task.</summary>
    public string Id { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Ends with the body.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Starts the body.</summary>
    public void Start(TaskTool tool, IDictionary<string, JsonElement> arguments, string? gathered) =>
        Completion = Task.Run(() => RunAsync(tool, new TaskWork(arguments, gathered, AskAsync, _time)));

    /// <summary>Cancels a task that still runs; a finished one stays what it is.</summary>
    public void Cancel() => _cancel.Cancel();

    /// <summary>Takes answers to open questions; keys that were not asked, or are answered already, are ignored.</summary>
    public void Answer(JsonObject answers)
    {
        TaskCompletionSource<IReadOnlyDictionary<string, JsonElement>>? done = null;
        lock (_lock)
        {
            foreach (var (key, answer) in answers)
            {
                if (_open.Remove(key))
                {
                    _answers[key] = JsonSerializer.SerializeToElement(answer);
                }
            }

            if (_parked is not null && _open.Count == 0)
            {
                (done, _parked) = (_parked, null);
            }
        }

        if (done is not null)
        {
            Become("working");
            done.SetResult(_answers);
        }
    }

    /// <summary>The task as <c>tools/call</c> tells of it, or with what else <c>tasks/get</c> and <c>notifications/tasks</c> tell.</summary>
    public JsonObject ToJson(bool detailed)
    {
        lock (_lock)
        {
            var json = new JsonObject
            {
                ["taskId"] = Id,
                ["status"] = _status,
                ["createdAt"] = Text(_created),
                ["lastUpdatedAt"] = Text(_updated),
                ["ttlMs"] = 3_600_000,
                ["pollIntervalMs"] = 100,
            };
            if (detailed && _status == "input_required")
            {
                json["inputRequests"] = new JsonObject(_open.Select(static question => KeyValuePair.Create(
                    question.Key, (JsonNode?)new JsonObject { ["method"] = question.Value.Method, ["params"] = JsonSerializer.SerializeToNode(question.Value.Params) })));
            }

            if (detailed && _result is not null)
            {
                json["result"] = _result.DeepClone();
            }

            if (detailed && _error is not null)
            {
                json["error"] = _error.DeepClone();
            }

            return json;
        }
    }

    private static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private async Task RunAsync(TaskTool tool, TaskWork work)
    {
        try
        {
            var result = JsonSerializer.SerializeToNode(await tool.RunAsync(work, _cancel.Token), McpJsonUtilities.DefaultOptions);
            Become("completed", () => _result = result);
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            Become("cancelled");
        }
        catch (McpException exception)
        {
            // The extension keeps "failed" for errors of the protocol; a tool's own failure is a result (Task Status).
            Become("failed", () => _error = new JsonObject { ["code"] = (int)((exception as McpProtocolException)?.ErrorCode ?? McpErrorCode.InternalError), ["message"] = exception.Message });
        }
    }

    private async Task<IReadOnlyDictionary<string, JsonElement>> AskAsync(Dictionary<string, InputRequest> questions, CancellationToken cancellationToken)
    {
        var parked = new TaskCompletionSource<IReadOnlyDictionary<string, JsonElement>>(TaskCreationOptions.RunContinuationsAsynchronously);
        Become("input_required", () =>
        {
            _parked = parked;
            foreach (var (key, question) in questions)
            {
                _open[key] = question;
            }
        });
        return await parked.Task.WaitAsync(cancellationToken);
    }

    private void Become(string status, Action? also = null)
    {
        lock (_lock)
        {
            _status = status;
            _updated = _time.GetUtcNow();
            also?.Invoke();
        }

        _changed(this);
    }
}
