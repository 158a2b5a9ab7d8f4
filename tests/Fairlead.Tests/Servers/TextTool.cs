using System.Text;

namespace Fairlead.Tests.Servers;

/// <summary>A tool whose work is a function of its arguments.</summary>
internal sealed class TextTool(string name, Func<string, CancellationToken, ValueTask<ToolOutput>> work) : ITool
{
    public string Name => name;

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = Encoding.UTF8.GetBytes($"{{\"name\":\"{name}\",\"inputSchema\":{{\"type\":\"object\"}}}}");

    /// <summary>Answers with its arguments as text.</summary>
    public static TextTool Echo(string name = "echo") => new(name, static (arguments, _) => new ValueTask<ToolOutput>(ToolOutput.Text(arguments)));

    /// <summary>Answers when the task completes.</summary>
    public static TextTool WhenDone(string name, Task done) => new(name, async (_, cancellationToken) =>
    {
        await done.WaitAsync(cancellationToken);
        return ToolOutput.Text("done");
    });

    public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken) =>
        work(Encoding.UTF8.GetString(argumentsUtf8.Span), cancellationToken);
}
