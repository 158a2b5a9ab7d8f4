using System.Text;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>The log level that one connection's server was set to: all its users share it, so it is the most verbose that any of them wants (protocol.md 6, log level). Any thread.</summary>
/// <remarks>
/// Only legacy servers that declare <c>logging</c> are told; a modern one is told with each request. A request of 2026-07-28 raises the level for as long as the connection lasts: putting it
/// back after every call would be two messages for each. Who asked for less is not shown more; that is the front's filter.
/// </remarks>
internal sealed class ServerLogLevel
{
    private static readonly TimeSpan s_answerTimeout = TimeSpan.FromSeconds(10);

    private readonly UpstreamConnection _connection;
    private readonly Lock _lock = new();
    private volatile Task _telling = Task.CompletedTask;
    private int _told = LogSeverity.None;
    private int _byRequests = LogSeverity.None;

    /// <summary>Nothing has been told yet.</summary>
    public ServerLogLevel(UpstreamConnection connection) => _connection = connection;

    /// <summary>Whether the server must be told, or may not have heard yet, before it logs what <paramref name="wanted"/> asks for. False for <see cref="LogSeverity.None"/>, after one comparison.</summary>
    public bool IsQuieterThan(int wanted) => wanted != LogSeverity.None && (wanted < Volatile.Read(ref _told) || !_telling.IsCompleted);

    /// <summary>Tells the server of a more verbose level; does nothing when it is there already.</summary>
    /// <param name="wanted">The level.</param>
    /// <param name="byRequest">Whether a request asks, which no session's change of mind may take back.</param>
    /// <returns>Completes when requests may follow: on a pipe at once, for it keeps the order; over HTTP when the server has answered. A server that refuses keeps its level.</returns>
    public Task RaiseAsync(int wanted, bool byRequest)
    {
        if (byRequest)
        {
            Lower(ref _byRequests, wanted);
        }

        if (_connection.Identity is not { IsModern: false, Logs: true })
        {
            Volatile.Write(ref _told, 0);
            return Task.CompletedTask;
        }

        if (!_connection.KeepsOrder)
        {
            return TellInTurn(wanted, static (wanted, told) => wanted < told, otherwise: null);
        }

        if (Lower(ref _told, wanted))
        {
            _ = TellAsync(wanted);
        }

        return Task.CompletedTask;
    }

    /// <summary>Tells the server of the level that its sessions want together, be it more or less than before. Completes when it has answered.</summary>
    public Task SetAsync(int wanted)
    {
        wanted = Math.Min(wanted, Volatile.Read(ref _byRequests));
        return wanted == LogSeverity.None || _connection.Identity is not { IsModern: false, Logs: true } ? Task.CompletedTask
            : !_connection.KeepsOrder ? TellInTurn(wanted, static (wanted, told) => wanted != told, otherwise: Task.CompletedTask)
            : Interlocked.Exchange(ref _told, wanted) == wanted ? Task.CompletedTask
            : TellAsync(wanted);
    }

    /// <summary>The server has forgotten its session, and the level with it: the next who wants one tells it again.</summary>
    public void Forget() => Volatile.Write(ref _told, LogSeverity.None);

    /// <summary>Makes a level more verbose; false when it is so already.</summary>
    private static bool Lower(ref int level, int wanted)
    {
        while (true)
        {
            var before = Volatile.Read(ref level);
            if (wanted >= before)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref level, wanted, before) == before)
            {
                return true;
            }
        }
    }

    /// <summary>Tells a level where messages may overtake each other: one after the other, and the last one holds.</summary>
    /// <param name="level">The level.</param>
    /// <param name="isNeeded">Whether it must be told, where the second one has been.</param>
    /// <param name="otherwise">What is to be waited for when not; null = what is being told.</param>
    private Task TellInTurn(int level, Func<int, int, bool> isNeeded, Task? otherwise)
    {
        Task<Task> begin;
        Task telling;
        lock (_lock)
        {
            if (!isNeeded(level, Volatile.Read(ref _told)))
            {
                return otherwise ?? _telling;
            }

            // Before the level is seen to have been told: whoever sees that must see what to wait for.
            var before = _telling;
            begin = new Task<Task>(() => TellAfterAsync(before, level));
            _telling = telling = begin.Unwrap();
            Volatile.Write(ref _told, level);
        }

        begin.RunSynchronously(TaskScheduler.Default);
        return telling;
    }

    private async Task TellAfterAsync(Task before, int level)
    {
        await before.ConfigureAwait(false);
        await TellAsync(level).ConfigureAwait(false);
    }

    // The answer is of no use: a server that refuses, or is gone, logs as it did.
    private async Task TellAsync(int level)
    {
        var members = Encoding.ASCII.GetBytes($"\"level\":\"{LogSeverity.NameOf(level)}\"");
        await ControlRequest.SendAsync(_connection, McpMethod.LoggingSetLevel, members, modern: false, s_answerTimeout, CancellationToken.None).ConfigureAwait(false);
    }
}
