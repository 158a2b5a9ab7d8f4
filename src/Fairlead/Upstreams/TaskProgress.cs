using System.Collections.Concurrent;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>Where progress of running tasks goes: its token outlives the call that it came with (2025-11-25, basic/utilities/tasks, Task Progress).</summary>
/// <remarks>
/// Looked at only when no open call has the token. Bounded: 1 024 tasks of a connection, an hour each, since not every end of a task is seen here; beyond that progress is
/// dropped, which nobody may rely on anyway.
/// </remarks>
internal sealed class TaskProgress(DeadlineSweep sweep)
{
    private const int TasksMax = 1024;

    private static readonly TimeSpan s_keptFor = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<long, Receiver> _receivers = new();

    /// <summary>Sends later progress with <paramref name="token"/> to <paramref name="receive"/>, on the reader's thread; it must not block.</summary>
    /// <param name="token">The token that the server uses.</param>
    /// <param name="taskToken">The server's id of the task, a raw string token.</param>
    /// <param name="receive">Takes the progress.</param>
    public void Keep(long token, ReadOnlySpan<byte> taskToken, Action<CallMessage> receive)
    {
        var now = sweep.Now;
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
            _receivers[token] = new Receiver(JsonText.ToString(taskToken), receive, now + sweep.Ticks(s_keptFor));
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
    public void Receive(long token, ReadOnlySpan<byte> message, in Envelope envelope)
    {
        if (_receivers.TryGetValue(token, out var receiver))
        {
            receiver.Receive(new CallMessage(message.ToArray(), envelope));
        }
    }

    private sealed record Receiver(string? Task, Action<CallMessage> Receive, long Until);
}
