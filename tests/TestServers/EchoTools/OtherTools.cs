using System.Text;
using System.Text.Json;

namespace Fairlead.TestServers.EchoTools;

/// <summary>Says that it failed.</summary>
public sealed class FailTool : ITool
{
    public string Name => "fail";

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = Encoding.UTF8.GetBytes("{\"name\":\"fail\",\"inputSchema\":{\"type\":\"object\"}}");

    public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken) =>
        new(ToolOutput.Error("it went wrong: ümlaut"));
}

/// <summary>Gives a text of as many characters as <c>length</c> says.</summary>
public sealed class FillTool : ITool
{
    public string Name => "fill";

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = Encoding.UTF8.GetBytes("{\"name\":\"fill\",\"inputSchema\":{\"type\":\"object\"}}");

    public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
    {
        using var arguments = JsonDocument.Parse(argumentsUtf8);
        return new(ToolOutput.Text(new string('x', arguments.RootElement.GetProperty("length").GetInt32())));
    }
}
