#pragma warning disable MCP9005 // Sampling and roots are deprecated, and asked for by the servers of today.
using System.Collections.Concurrent;
using System.Text.Json;
using Fairlead.TestKit;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Fairlead.EndToEnd.Tests.Clients;

/// <summary>The official C# SDK's client.</summary>
internal sealed class CSharpClient : InteractiveClient, IProgress<ProgressNotificationValue>
{
    private readonly ConcurrentQueue<string> _questions = new();
    private McpClient? _client;
    private TaskCompletionSource<string>? _asked;
    private TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Connects; by default the SDK looks for the newest revision, and speaks an older one when it is told to.</summary>
    public static async Task<CSharpClient> ConnectAsync(string name, string revision, ClientTarget target)
    {
        var client = new CSharpClient { Name = name, Revision = revision };
        IClientTransport transport = target.Url is { } url
            ? new HttpClientTransport(new HttpClientTransportOptions { Endpoint = url, TransportMode = HttpTransportMode.StreamableHttp })
            : new StdioClientTransport(new StdioClientTransportOptions { Command = target.Command[0], Arguments = [.. target.Command[1..]] });
        var options = new McpClientOptions
        {
            ProtocolVersion = revision == "2026-07-28" ? null : revision,
            ClientInfo = new Implementation { Name = name, Version = "1" },
            Handlers = new McpClientHandlers { ElicitationHandler = client.FillAsync, SamplingHandler = client.SampleAsync, RootsHandler = client.ListRootsAsync },
        };
        client._client = await Guard.WithinAsync(McpClient.CreateAsync(transport, options), $"{name} to connect");
        Assert.Equal(revision, client._client.NegotiatedProtocolVersion);
        return client;
    }

    /// <inheritdoc/>
    public override async Task<CallOutcome> CallAsync(string tool, IReadOnlyDictionary<string, string>? arguments = null)
    {
        _questions.Clear();
        Progress = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var values = arguments?.ToDictionary(argument => argument.Key, argument => (object?)argument.Value);
        var result = await Guard.WithinAsync(_client!.CallToolAsync(tool, values, this).AsTask(), $"the result of {tool} at {Name}");
        return new CallOutcome(string.Concat(result.Content.OfType<TextContentBlock>().Select(block => block.Text)), [.. _questions]);
    }

    /// <inheritdoc/>
    public override Task<CallOutcome> CallAndHoldAsync(string tool, IReadOnlyDictionary<string, string> arguments, out Task<string> asked)
    {
        _answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        asked = _asked.Task;
        return CallAsync(tool, arguments);
    }

    /// <inheritdoc/>
    public override Task AnswerAsync()
    {
        _asked = null;
        _answered.SetResult();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _client!.DisposeAsync();

    /// <summary>Told by the SDK, on any thread.</summary>
    void IProgress<ProgressNotificationValue>.Report(ProgressNotificationValue value) => Progress.TrySetResult();

    private async ValueTask<ElicitResult> FillAsync(ElicitRequestParams? request, CancellationToken cancellationToken)
    {
        _questions.Enqueue(request!.Message);
        if (_asked is { } asked)
        {
            asked.TrySetResult(request.Message);
            await _answered.Task.WaitAsync(cancellationToken);
        }

        return new ElicitResult
        {
            Action = "accept",
            Content = request.RequestedSchema!.Properties.Keys.ToDictionary(property => property, property => JsonSerializer.SerializeToElement($"{property} of {Name}")),
        };
    }

    private ValueTask<CreateMessageResult> SampleAsync(CreateMessageRequestParams? request, IProgress<ProgressNotificationValue> progress, CancellationToken cancellationToken)
    {
        _questions.Enqueue(request!.Messages[0].Content.OfType<TextContentBlock>().First().Text);
        return ValueTask.FromResult(new CreateMessageResult { Model = "test-model", Role = Role.Assistant, Content = [new TextContentBlock { Text = $"model of {Name}" }] });
    }

    private ValueTask<ListRootsResult> ListRootsAsync(ListRootsRequestParams? request, CancellationToken cancellationToken)
    {
        _questions.Enqueue("roots");
        return ValueTask.FromResult(new ListRootsResult { Roots = [new Root { Uri = $"file:///roots/{Name}", Name = Name }] });
    }
}
