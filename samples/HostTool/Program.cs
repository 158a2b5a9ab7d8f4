// A tool written in C#, offered to every MCP client at /mcp and callable from this program; it needs no process of its own.
//   dotnet run --project samples/HostTool -- --urls http://127.0.0.1:5000
using System.Text.Json;
using Fairlead;
using Fairlead.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddFairlead().AddTool<Add>("calculator");

var app = builder.Build();
app.MapFairlead();
app.Run();

internal sealed class Add : ITool
{
    public string Name => "add";

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } =
        """{"name":"add","description":"Adds two numbers.","inputSchema":{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"]}}"""u8.ToArray();

    public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
    {
        using var arguments = JsonDocument.Parse(argumentsUtf8);
        return new(ToolOutput.Text($"{arguments.RootElement.GetProperty("a").GetDouble() + arguments.RootElement.GetProperty("b").GetDouble()}"));
    }
}
