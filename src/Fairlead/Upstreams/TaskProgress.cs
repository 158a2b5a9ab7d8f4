using System.Collections.Concurrent;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>Where progress of running tasks goes: its token outlives the call that it came with (2025-11-25, basic/utilities/tasks, Task Progress).</summary>
/// <remarks>
/// Looked at only when no open call has the token. Bounded: 1 024 tasks of a connection, an hour each, since nothing tells reliably when a task has ended; beyond that
/// progress is dropped, which the specification leaves to the receiver anyway.
/// </remarks>
internal sealed class TaskProgress(DeadlineSweep sweep)
{
    private const int TasksMax = 1024;

    private static readonly TimeSpan s_keptFor = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<long, Receiver> _receivers = new();

    /// <summary>Sends later progress with <paramref name="token"/> to <paramref name="receive"/>, on the reader's thread; it must not block.</summary>
    public void Keep(long token, Action<CallMessage> receive)
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
            _receivers[token] = new Receiver(receive, now + sweep.Ticks(s_keptFor));
        }
    }

    /// <summary>Forgets a token.</summary>
    public void Forget(long token) => _receivers.TryRemove(token, out _);

    /// <summary>Hands progress on when a task is known by its token.</summary>
    public void Receive(long token, ReadOnlySpan<byte> message, in Envelope envelope)
    {
        if (_receivers.TryGetValue(token, out var receiver))
        {
            receiver.Receive(new CallMessage(message.ToArray(), envelope));
        }
    }

    private sealed record Receiver(Action<CallMessage> Receive, long Until);
}
