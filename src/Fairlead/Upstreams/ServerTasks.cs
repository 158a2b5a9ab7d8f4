using System.Collections.Concurrent;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>What a connection has to do for the tasks of its server that no call in flight does: progress whose call has been answered, and cancelling (2025-11-25, basic/utilities/tasks).</summary>
/// <remarks>
/// Progress is looked for here only when no open call has its token. Bounded: 1 024 tasks, an hour each, since not every end of a task is seen here; beyond that progress is
/// dropped, which nobody may rely on anyway. Any thread.
/// </remarks>
internal sealed class ServerTasks(UpstreamConnection connection)
{
    private const int TasksMax = 1024;

    private static readonly TimeSpan s_keptFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_cancelTimeout = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<long, ProgressReceiver> _receivers = new();

    /// <summary>Sends later progress with <paramref name="token"/> to <paramref name="receive"/>, on the reader's thread; it must not block.</summary>
    /// <param name="token">The token that the server uses.</param>
    /// <param name="taskToken">The server's id of the task, a raw string token.</param>
    /// <param name="receive">Takes the progress.</param>
    public void KeepProgress(long token, ReadOnlySpan<byte> taskToken, Action<CallMessage> receive)
    {
        var now = connection.Sweeper.Now;
        if (_receivers.Count >= TasksMax)
        {
            foreach (var (old, receiver) in _receivers)
            {
                if (now >= receiver.Until)
                {
                    _receivers.TryRemove(old, out _);
                }
            }
        }

        if (_receivers.Count < TasksMax)
        {
            _receivers[token] = new ProgressReceiver(JsonText.ToString(taskToken), receive, now + connection.Sweeper.Ticks(s_keptFor));
        }
    }

    /// <summary>Forgets a task that has ended.</summary>
    /// <param name="taskToken">The server's id of the task, a raw string token.</param>
    public void Forget(ReadOnlySpan<byte> taskToken)
    {
        if (_receivers.IsEmpty)
        {
            return;
        }

        var task = JsonText.ToString(taskToken);
        foreach (var (token, receiver) in _receivers)
        {
            if (receiver.Task == task)
            {
                _receivers.TryRemove(token, out _);
            }
        }
    }

    /// <summary>Hands progress on when a task is known by its token.</summary>
    public void ReceiveProgress(long token, ReadOnlySpan<byte> message, in Envelope envelope)
    {
        if (_receivers.TryGetValue(token, out var receiver))
        {
            receiver.Receive(new CallMessage(message.ToArray(), envelope));
        }
    }

    /// <summary>Cancels a task of which no client knows, because its call was given up. Nobody waits for the answer.</summary>
    /// <remarks>By a request of its own: the cancelled notification is for the call and does not reach the task (2025-11-25, basic/utilities/cancellation).</remarks>
    public void Cancel(ReadOnlySpan<byte> taskToken)
    {
        Forget(taskToken);
        var cancel = UpstreamCall.Create();
        cancel.HardDeadline = connection.Sweeper.Now + connection.Sweeper.Ticks(s_cancelTimeout);
        if (connection.TryOpen(cancel))
        {
            connection.Send(cancel, ControlRequest.Compose(cancel.UpstreamId, McpMethod.TasksCancel, [.. "\"taskId\":"u8, .. taskToken], modern: false));
            cancel.Release();
        }
    }

    /// <summary>Cancels the task that a late answer tells of: its call was given up before the server had made it.</summary>
    public void CancelCreated(ReadOnlySpan<byte> answer, in Envelope envelope)
    {
        if (JsonMembers.TryFind(answer, envelope.Result, "task"u8, out var task) && JsonMembers.TryFind(answer, task, "taskId"u8, out var id) && JsonText.IsString(id.Of(answer)))
        {
            Cancel(id.Of(answer));
        }
    }

    private sealed record ProgressReceiver(string? Task, Action<CallMessage> Receive, long Until);
}
