using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance;

/// <summary>A tool whose definition is written as JSON, so that its schema goes out exactly as the suite's contract spells it.</summary>
internal sealed class FixtureTool : McpServerTool
{
    /// <summary>Schema of a tool without arguments.</summary>
    public const string NoArguments = """{"type":"object","properties":{}}""";

    private readonly Func<ToolCall, CancellationToken, ValueTask<CallToolResult>> _body;

    /// <param name="body">Runs for each call, concurrently; an <see cref="McpException"/> becomes the JSON-RPC error.</param>
    public FixtureTool(
        string name,
        string description,
        string inputSchema,
        Func<ToolCall, CancellationToken, ValueTask<CallToolResult>> body)
    {
        ProtocolTool = new Tool { Name = name, Description = description, InputSchema = JsonElement.Parse(inputSchema) };
        _body = body;
    }

    /// <summary>A tool that always gives the same result, written as JSON.</summary>
    public FixtureTool(string name, string description, string resultJson)
        : this(name, description, NoArguments, (_, _) => ValueTask.FromResult(Result(resultJson)))
    {
    }

    /// <inheritdoc/>
    public override Tool ProtocolTool { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<object> Metadata => [];

    /// <inheritdoc/>
    public override ValueTask<CallToolResult> InvokeAsync(ToolCall request, CancellationToken cancellationToken = default) =>
        LegacyQuestions.RunAsync(request, _body, cancellationToken);

    /// <summary>A result of one text block.</summary>
    public static CallToolResult Text(string text, bool isError = false) => new()
    {
        Content = [new TextContentBlock { Text = text }],
        IsError = isError ? true : null,
    };

    /// <summary>The string argument, or null when the caller left it out or sent something else.</summary>
    public static string? Argument(ToolCall context, string name) =>
        context.Params.Arguments is { } arguments && arguments.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static CallToolResult Result(string json) => JsonSerializer.Deserialize<CallToolResult>(json, McpJsonUtilities.DefaultOptions)!;
}
