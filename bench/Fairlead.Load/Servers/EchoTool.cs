using System.Text;

namespace Fairlead.Load.Servers;

/// <summary>The echo as a tool object in this process. Its answer is made once, so that what is measured is the way to it.</summary>
internal sealed class EchoTool(int payload) : ITool
{
    private readonly ToolOutput _output = ToolOutput.Text(EchoText.Words(payload));

    public string Name => "echo";

    /// <summary>The arguments that callers give.</summary>
    public ReadOnlyMemory<byte> Arguments { get; } = Encoding.UTF8.GetBytes(EchoText.Arguments(payload));

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = """{"name":"echo","inputSchema":{"type":"object","properties":{"message":{"type":"string"}}}}"""u8.ToArray();

    public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken) => new(_output);
}
