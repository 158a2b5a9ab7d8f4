using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>A client that starts <c>fairlead stdio</c>.</summary>
internal sealed class StdioClient : RevisionClient
{
    private readonly SemaphoreSlim _one = new(1);
    private readonly ChildProcess _process;

    /// <summary>Starts the command in front of the instance at <paramref name="gateway"/>.</summary>
    public StdioClient(string revision, Uri gateway)
        : base("stdio", revision) =>
        _process = ChildProcess.StartWithInput("dotnet", [RepositoryPaths.Cli, "stdio", "--url", gateway.ToString()], heard: Hear);

    public override async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _one.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task SendAsync(JsonObject message)
    {
        await _one.WaitAsync();
        try
        {
            await _process.WriteLineAsync(message.ToJsonString());
        }
        finally
        {
            _one.Release();
        }
    }

    private void Hear(string line)
    {
        try
        {
            Receive(JsonNode.Parse(line)!.AsObject());
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            Faults.Enqueue($"not a message: {line}");
        }
    }
}
