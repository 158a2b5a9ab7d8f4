using System.Text;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>A tool that is one function of its raw arguments.</summary>
internal sealed class LambdaTool(string name, Func<string, ToolOutput> answer) : ITool
{
    public string Name { get; } = name;

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } =
        Encoding.UTF8.GetBytes($$$"""{"name":"{{{name}}}","description":"Number 1.50 and \u00e9","inputSchema":{"type":"object"},"x-own":1.50}""");

    public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken) =>
        new(answer(Encoding.UTF8.GetString(argumentsUtf8.Span)));
}
