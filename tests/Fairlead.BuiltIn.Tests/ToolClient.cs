using System.IO.Pipelines;
using System.Text.Json;
using Fairlead.TestKit;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Fairlead.BuiltIn.Tests;

/// <summary>What a tool answered.</summary>
internal sealed record ToolAnswer(string Text, JsonElement Structured, bool IsError)
{
    /// <summary>The structured part of an answer that is no error.</summary>
    public JsonElement Good()
    {
        Assert.False(IsError, Text);
        return Structured;
    }

    /// <summary>The text of an answer that is an error.</summary>
    public string Bad()
    {
        Assert.True(IsError, Text);
        return Text;
    }
}

/// <summary>The client of the official SDK, connected to a built-in server over pipes.</summary>
internal sealed class ToolClient : IAsyncDisposable
{
    private readonly McpClient _client;
    private readonly Pipe _toServer;
    private readonly Task _run;
    private readonly IMcpServer _server;

    private ToolClient(McpClient client, Pipe toServer, Task run, IMcpServer server)
    {
        _client = client;
        _toServer = toServer;
        _run = run;
        _server = server;
    }

    /// <summary>Makes a server of a type and connects to it.</summary>
    public static Task<ToolClient> ConnectAsync(string type, string workingDirectory, params (string Name, string Value)[] variables) =>
        ConnectAsync(Make(type, workingDirectory, TimeProvider.System, variables));

    /// <summary>Makes a server of a type.</summary>
    public static IBackedServer Make(string type, string workingDirectory, TimeProvider time, params (string Name, string Value)[] variables) =>
        (IBackedServer)BuiltInServers.All.Single(server => server.Factory.Type == type).Factory.Create(
            new McpServerSettings(type, variables.ToDictionary(static pair => pair.Name, static pair => pair.Value)) { WorkingDirectory = workingDirectory, Time = time });

    /// <summary>Connects to a server; disposed with this.</summary>
    public static async Task<ToolClient> ConnectAsync(IMcpServer server)
    {
        var (toServer, fromServer) = (new Pipe(), new Pipe());
        var run = Task.Run(() => server.RunAsync(toServer.Reader.AsStream(), fromServer.Writer.AsStream(), CancellationToken.None));
        var client = await Guard.WithinAsync(McpClient.CreateAsync(new StreamClientTransport(toServer.Writer.AsStream(), fromServer.Reader.AsStream())), "the handshake");
        return new ToolClient(client, toServer, run, server);
    }

    /// <summary>The tools.</summary>
    public async Task<IReadOnlyList<Tool>> ToolsAsync() => [.. (await Guard.WithinAsync(_client.ListToolsAsync(), "tools/list")).Select(static tool => tool.ProtocolTool)];

    /// <summary>Calls a tool.</summary>
    public async Task<ToolAnswer> CallAsync(string tool, object? arguments = null)
    {
        var members = JsonSerializer.SerializeToElement(arguments ?? new { }).EnumerateObject().ToDictionary(static member => member.Name, static member => (object?)member.Value);
        var result = await Guard.WithinAsync(_client.CallToolAsync(tool, members), $"the answer of {tool}");
        return new ToolAnswer(
            string.Join('\n', result.Content.OfType<TextContentBlock>().Select(static block => block.Text)),
            result.StructuredContent is { } structured ? structured : default,
            result.IsError == true);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _toServer.Writer.CompleteAsync();
        await Guard.WithinAsync(_run, "the end of the server");
        if (_server is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }
}
