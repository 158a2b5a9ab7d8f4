using System.Text;

namespace Fairlead.TestServers.EchoTools;

/// <summary>Answers with its arguments, without awaiting anything.</summary>
public sealed class EchoTool : ITool
{
    private static readonly byte[] s_head = "{\"content\":[],\"structuredContent\":"u8.ToArray();

    public string Name => "echo";

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = Encoding.UTF8.GetBytes("{\"name\":\"echo\",\"description\":\"Answers with its arguments\",\"inputSchema\":{\"type\":\"object\"}}");

    public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
    {
        var arguments = argumentsUtf8.IsEmpty ? "{}"u8 : argumentsUtf8.Span;
        var result = new byte[s_head.Length + arguments.Length + 1];
        s_head.CopyTo(result, 0);
        arguments.CopyTo(result.AsSpan(s_head.Length));
        result[^1] = (byte)'}';
        return new ValueTask<ToolOutput>(new ToolOutput(result));
    }
}
