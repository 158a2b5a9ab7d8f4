using System.Text.Json;
using Fairlead.TestServers.Conformance.Tasks;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Tools;

/// <summary>Tools for the suite's scenarios of io.modelcontextprotocol/tasks; what each must do stands in the scenarios' descriptions.</summary>
internal static class TaskTools
{
    private static readonly string s_nameForm = Questions.RequiredProperty("name", "string");
    private static readonly string s_confirmForm = Questions.RequiredProperty("confirm", "boolean");

    /// <summary>Makes the tools anew.</summary>
    public static IEnumerable<McpServerTool> All() =>
    [
        new FixtureTool(
            "greet",
            "Says hello at once",
            """{"type":"object","properties":{"name":{"type":"string"}}}""",
            static (context, _) => ValueTask.FromResult(FixtureTool.Text($"Hello, {FixtureTool.Argument(context, "name")}!"))),
        new TaskTool("slow_compute", "Takes as long as it is told", """{"type":"object","properties":{"seconds":{"type":"number"},"label":{"type":"string"}}}""", ComputeAsync),
        new TaskTool("failing_job", "Fails after a second", FixtureTool.NoArguments, FailAsync) { NeedsTask = true },
        new TaskTool("protocol_error_job", "Ends with an error of the protocol", FixtureTool.NoArguments, static (_, _) =>
            throw new McpProtocolException("The job broke down.", McpErrorCode.InternalError)) { NeedsTask = true },
        new TaskTool("confirm_delete", "Asks before it deletes", """{"type":"object","properties":{"filename":{"type":"string"}}}""", ConfirmAsync),
        new TaskTool("multi_input", "Asks two questions at once", FixtureTool.NoArguments, AskTwiceAsync) { NeedsTask = true },
        new TaskTool("test_tool_with_task", "Asks for a name, then becomes a task", FixtureTool.NoArguments, static (work, _) =>
            Task.FromResult(FixtureTool.Text($"Hello, {work.Gathered}!"))) { NeedsTask = true, Gather = AskName },
    ];

    private static async Task<CallToolResult> ComputeAsync(TaskWork work, CancellationToken cancellationToken)
    {
        var seconds = work.Arguments.TryGetValue("seconds", out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0;
        await Task.Delay(TimeSpan.FromSeconds(seconds), work.Time, cancellationToken);
        return FixtureTool.Text($"Computed '{Text(work, "label")}'");
    }

    private static async Task<CallToolResult> FailAsync(TaskWork work, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromSeconds(1), work.Time, cancellationToken);
        return FixtureTool.Text("The job failed", isError: true);
    }

    private static async Task<CallToolResult> ConfirmAsync(TaskWork work, CancellationToken cancellationToken)
    {
        // The suite calls the first tool of the list without the extension and wants a result.
        if (work.Ask is null)
        {
            return FixtureTool.Text("Nothing was deleted: only a task can ask");
        }

        var question = Questions.Elicitation($"Delete {Text(work, "filename")}?", s_confirmForm);
        var answers = await work.Ask(new Dictionary<string, InputRequest> { ["confirm"] = question }, cancellationToken);
        return FixtureTool.Text($"Answered: {answers["confirm"].GetRawText()}");
    }

    private static async Task<CallToolResult> AskTwiceAsync(TaskWork work, CancellationToken cancellationToken)
    {
        var questions = new Dictionary<string, InputRequest>
        {
            ["first"] = Questions.Elicitation("What is your name?", s_nameForm),
            ["second"] = Questions.Elicitation("And yours?", s_nameForm),
        };
        var answers = await work.Ask!(questions, cancellationToken);
        return FixtureTool.Text($"Answered: {string.Join(", ", answers.Keys.Order(StringComparer.Ordinal))}");
    }

    private static string AskName(ToolCall context) => Questions.ElicitedText(context.Params, "user_name", "name")
        ?? throw new InputRequiredException(new Dictionary<string, InputRequest> { ["user_name"] = Questions.Elicitation("What is your name?", s_nameForm) }, null);

    private static string? Text(TaskWork work, string name) => work.Arguments.TryGetValue(name, out var value) ? value.ToString() : null;
}
