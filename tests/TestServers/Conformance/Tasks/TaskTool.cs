using System.Text.Json;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Tasks;

/// <summary>What the body of a tool that runs as a task is given.</summary>
/// <param name="Arguments">The call's arguments.</param>
/// <param name="Gathered">What <see cref="TaskTool.Gather"/> made of the answers that came before the task.</param>
/// <param name="Ask">Parks the task until the client has answered all of these questions; then the raw answers by key. Null when the call is no task.</param>
/// <param name="Time">The clock.</param>
internal sealed record TaskWork(
    IDictionary<string, JsonElement> Arguments,
    string? Gathered,
    Func<Dictionary<string, InputRequest>, CancellationToken, Task<IReadOnlyDictionary<string, JsonElement>>>? Ask,
    TimeProvider Time);

/// <summary>A tool that becomes a task for clients that declare io.modelcontextprotocol/tasks.</summary>
internal sealed class TaskTool : McpServerTool
{
    private readonly Func<TaskWork, CancellationToken, Task<CallToolResult>> _body;

    /// <param name="body">Runs once for each call, in the background of a task. An exception becomes a protocol error.</param>
    public TaskTool(string name, string description, string inputSchema, Func<TaskWork, CancellationToken, Task<CallToolResult>> body)
    {
        ProtocolTool = new Tool { Name = name, Description = description, InputSchema = JsonElement.Parse(inputSchema) };
        _body = body;
    }

    /// <summary>Whether the tool runs no other way: clients without the extension are refused.</summary>
    public bool NeedsTask { get; init; }

    /// <summary>Runs before the task is made and may throw an <see cref="ModelContextProtocol.Protocol.InputRequiredException"/>; its result goes to the body.</summary>
    public Func<ToolCall, string>? Gather { get; init; }

    /// <inheritdoc/>
    public override Tool ProtocolTool { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<object> Metadata => [];

    /// <summary>Runs the body.</summary>
    public Task<CallToolResult> RunAsync(TaskWork work, CancellationToken cancellationToken) => _body(work, cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask<CallToolResult> InvokeAsync(ToolCall request, CancellationToken cancellationToken = default) =>
        await _body(new TaskWork(request.Params.Arguments ?? new Dictionary<string, JsonElement>(), null, null, TimeProvider.System), cancellationToken);
}
