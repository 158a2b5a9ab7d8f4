using System.Text;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges.Tasks;

/// <summary>The tasks that one client listens to with <c>taskIds</c> of <c>subscriptions/listen</c> (io.modelcontextprotocol/tasks, Status Notifications): one listen at each of their servers.</summary>
/// <remarks>A listen that its server ends, or that is lost with the server, is opened again; one that a server refuses is not. What it tells carries the client's ids.</remarks>
internal sealed class TaskListen : IAsyncDisposable
{
    private static readonly TimeSpan s_acknowledgementTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_reopenDelay = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _end = new();
    private readonly List<ServerTasks> _servers = [];
    private readonly ReadOnlyMemory<byte> _subscription;
    private readonly Action<byte[]> _tell;
    private readonly TimeProvider _time;
    private Task[] _listening = [];

    private TaskListen(ReadOnlyMemory<byte> subscription, Action<byte[]> tell, TimeProvider time)
    {
        _subscription = subscription;
        _tell = tell;
        _time = time;
    }

    /// <summary>The client's ids that servers agreed to tell about, as raw tokens.</summary>
    public IReadOnlyList<string> Honoured { get; private set; } = [];

    /// <summary>Opens the listens and waits until the servers have said what they grant, or have been silent too long.</summary>
    /// <param name="tasks">Reads ids.</param>
    /// <param name="endpoint">Where the client listens; null = the aggregate.</param>
    /// <param name="wanted">The client's ids as raw tokens; those that are no task here are passed over.</param>
    /// <param name="subscription">The raw id of the client's request, which tags what it is told.</param>
    /// <param name="tell">Takes what the client is to be told; called from several threads, and must not block.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">The client is gone.</param>
    public static async Task<TaskListen> StartAsync(
        ClientTasks tasks, NamedEndpoint? endpoint, IEnumerable<string> wanted, ReadOnlyMemory<byte> subscription, Action<byte[]> tell, TimeProvider time, CancellationToken cancellationToken)
    {
        var listen = new TaskListen(subscription, tell, time);
        foreach (var token in wanted)
        {
            if (tasks.TryFind(Encoding.UTF8.GetBytes(token), TaskForm.Extension, endpoint, out var cell, out var own))
            {
                var server = listen._servers.Find(server => server.Cell == cell);
                if (server is null)
                {
                    listen._servers.Add(server = new ServerTasks(cell));
                }

                server.Wanted[JsonText.ToString(own)!] = token;
            }
        }

        listen._listening = [.. listen._servers.Select(listen.ListenAsync)];
        try
        {
            await Task.WhenAll(listen._servers.Select(server => server.Granted.Task)).WaitAsync(s_acknowledgementTimeout, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Those that have answered are honoured; what the others tell later is passed on all the same.
        }
        catch (OperationCanceledException)
        {
            await listen.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        listen.Honoured = [.. listen._servers.Where(server => server.Granted.Task.IsCompleted).SelectMany(server => server.Granted.Task.Result)];
        return listen;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_listening).ConfigureAwait(false);
        _end.Dispose();
    }

    private async Task ListenAsync(ServerTasks server)
    {
        try
        {
            while (true)
            {
                // Taken before the look: a change between the two completes the task already taken.
                var changed = server.Cell.Changed;
                if (server.Cell.Current is { IsCallable: true, Shared: { Tasks: TaskForm.Extension } connection })
                {
                    var ended = await ListenOnceAsync(server, connection).ConfigureAwait(false);
                    server.Granted.TrySetResult([]);
                    if (ended == ListenEnd.Refused)
                    {
                        return;
                    }

                    if (ended == ListenEnd.Closed)
                    {
                        await Task.Delay(s_reopenDelay, _time, _end.Token).ConfigureAwait(false);
                        continue;
                    }
                }

                server.Granted.TrySetResult([]);
                await changed.WaitAsync(_end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // The client listens no more.
        }
    }

    private async Task<ListenEnd> ListenOnceAsync(ServerTasks server, UpstreamConnection connection)
    {
        var call = UpstreamCall.Create();
        call.CarriesMessages = true;
        call.IsListening = true;
        if (!connection.TryOpen(call))
        {
            return ListenEnd.Lost;
        }

        connection.Send(call, ControlRequest.Compose(call.UpstreamId, McpMethod.SubscriptionsListen, server.Members(), modern: false));
        using var registration = _end.Token.UnsafeRegister(static state => ((UpstreamCall)state!).Connection!.Cancel((UpstreamCall)state!), call);
        var acknowledged = false;
        for (var complete = false; !complete;)
        {
            await call.WaitAsync().ConfigureAwait(false);
            complete = call.IsComplete;
            while (call.TryReadMessage(out var message))
            {
                if (message!.Envelope.KnownMethod == McpMethod.NotificationsSubscriptionsAcknowledged)
                {
                    // One that grants nothing is as good as a refusal: there is nothing to open again for.
                    var granted = server.GrantedBy(message);
                    acknowledged |= granted.Length > 0;
                    server.Granted.TrySetResult(granted);
                }
                else if (message.Envelope.KnownMethod == McpMethod.NotificationsTasks)
                {
                    PassOn(server, message);
                }
            }
        }

        call.Release();
        return connection.Lost.IsCompleted ? ListenEnd.Lost : acknowledged ? ListenEnd.Closed : ListenEnd.Refused;
    }

    private void PassOn(ServerTasks server, CallMessage message)
    {
        var bytes = message.Bytes;
        if (!JsonMembers.TryFind(bytes, message.Envelope.Params, "taskId"u8, out var id) || JsonText.ToString(id.Of(bytes)) is not { } own || !server.Wanted.TryGetValue(own, out var token))
        {
            return;
        }

        using var splice = new Splice(bytes, stackalloc byte[Splice.ScratchBytes], blankNewlines: true);
        splice.Replace(id, Encoding.UTF8.GetBytes(token));
        splice.Replace(message.Envelope.SubscriptionId, _subscription.Span);
        var told = new byte[splice.ResultLength];
        splice.WriteTo(told);
        _tell(told);
    }

    /// <summary>How a listen at a server ended.</summary>
    private enum ListenEnd
    {
        Refused,
        Closed,
        Lost,
    }

    /// <summary>What is listened to at one server: its own ids, and for each the client's raw token.</summary>
    private sealed class ServerTasks(ServerCell cell)
    {
        public ServerCell Cell => cell;

        public Dictionary<string, string> Wanted { get; } = new(StringComparer.Ordinal);

        public TaskCompletionSource<string[]> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // The extension is declared for this request alone: a server must not tell of tasks otherwise.
        public byte[] Members() =>
        [
            .. "\"notifications\":{\"taskIds\":["u8, .. Encoding.UTF8.GetBytes(string.Join(',', Wanted.Keys.Select(static own => Encoding.UTF8.GetString(JsonText.Quote(own))))),
            .. "]},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":"u8,
            .. "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}},\"io.modelcontextprotocol/clientInfo\":{\"name\":\"fairlead\",\"version\":\"0.1.0\"}}"u8,
        ];

        public string[] GrantedBy(CallMessage acknowledgement)
        {
            var bytes = acknowledgement.Bytes;
            var granted = new List<string>();
            if (JsonMembers.TryFind(bytes, acknowledgement.Envelope.Params, "notifications"u8, out var notifications)
                && JsonMembers.TryFind(bytes, notifications, "taskIds"u8, out var ids))
            {
                foreach (var id in new JsonElements(bytes, ids))
                {
                    if (JsonText.ToString(id.Of(bytes)) is { } own && Wanted.TryGetValue(own, out var token))
                    {
                        granted.Add(token);
                    }
                }
            }

            return [.. granted];
        }
    }
}
