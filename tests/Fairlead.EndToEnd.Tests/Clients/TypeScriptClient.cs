using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Clients;

/// <summary>The TypeScript SDK's client, in a process of its own (<c>tests/node/interactive-client.mjs</c>).</summary>
internal sealed class TypeScriptClient : InteractiveClient
{
    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly Task _reading;
    private readonly Channel<JsonNode> _results = Channel.CreateUnbounded<JsonNode>(); // One event for each call.
    private TaskCompletionSource<string>? _asked;

    private TypeScriptClient(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
        _reading = ReadAsync();
    }

    /// <summary>Starts the process and connects; the SDK speaks exactly the revision that it is told.</summary>
    public static async Task<TypeScriptClient> ConnectAsync(string name, string revision, ClientTarget target)
    {
        string[] where = target.Url is { } url ? ["http", url.ToString()] : ["stdio", .. target.Command];
        var start = new ProcessStartInfo(RepositoryPaths.Node, [RepositoryPaths.Source("tests/node/interactive-client.mjs"), name, revision, .. where])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var client = new TypeScriptClient(Process.Start(start)!) { Name = name, Revision = revision };
        var connected = await client.EventAsync("to connect");
        Assert.Equal(revision, (string?)connected["revision"]);
        return client;
    }

    /// <inheritdoc/>
    public override Task<CallOutcome> CallAsync(string tool, IReadOnlyDictionary<string, string>? arguments = null) => CallAsync(tool, arguments, hold: false);

    /// <inheritdoc/>
    public override Task<CallOutcome> CallAndHoldAsync(string tool, IReadOnlyDictionary<string, string> arguments, out Task<string> asked)
    {
        _asked = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        asked = _asked.Task;
        return CallAsync(tool, arguments, hold: true);
    }

    /// <inheritdoc/>
    public override Task AnswerAsync() => WriteAsync(new JsonObject { ["answer"] = true });

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
        }

        try
        {
            await Guard.WithinAsync(Task.WhenAll(_reading, _process.WaitForExitAsync()), $"the end of {Name}");
        }
        finally
        {
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
            }

            _process.Dispose();
        }
    }

    private async Task<CallOutcome> CallAsync(string tool, IReadOnlyDictionary<string, string>? arguments, bool hold)
    {
        Progress = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await WriteAsync(new JsonObject { ["call"] = tool, ["arguments"] = JsonSerializer.SerializeToNode(arguments ?? new Dictionary<string, string>()), ["hold"] = hold });
        var called = await EventAsync($"the result of {tool}");
        return new CallOutcome((string)called["text"]!, [.. called["questions"]!.AsArray().Select(question => (string)question!)]);
    }

    private async Task WriteAsync(JsonObject command)
    {
        await _process.StandardInput.WriteLineAsync(command.ToJsonString());
        await _process.StandardInput.FlushAsync();
    }

    private async Task<JsonNode> EventAsync(string what)
    {
        try
        {
            return await Guard.WithinAsync(_results.Reader.ReadAsync().AsTask(), $"{what} at {Name}");
        }
        catch (ChannelClosedException)
        {
            throw new InvalidOperationException($"{Name} ended before {what}: {await _errors}");
        }
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            var told = JsonNode.Parse(line)!;
            switch ((string?)told["event"])
            {
                case "asked":
                    _asked!.TrySetResult((string)told["message"]!);
                    break;
                case "progress":
                    Progress.TrySetResult();
                    break;
                default:
                    _results.Writer.TryWrite(told);
                    break;
            }
        }

        _results.Writer.Complete();
    }
}
