using Fairlead.Upstreams;
using Fairlead.Upstreams.Stdio;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>The shared instance of a server: its connection and what Fairlead itself keeps open on it. Owned by the server's actor.</summary>
internal sealed class ServerInstance : IDisposable
{
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _listening;
    private readonly Task _watching;

    /// <summary>Takes charge of a connection that is ready; on modern servers a listen is opened for changes.</summary>
    /// <param name="connection">Ready; disposed with this.</param>
    /// <param name="notified">Told of each notification on the listen.</param>
    /// <param name="poll">Runs on modern servers that do not tell of changes, until the instance is retired.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The server's log.</param>
    /// <param name="watch">Runs beside it until it is retired; null = nothing does.</param>
    public ServerInstance(
        UpstreamConnection connection, Action<UpstreamConnection, CallMessage> notified, Func<CancellationToken, Task> poll, TimeProvider time, ILogger logger,
        Func<CancellationToken, Task>? watch)
    {
        Connection = connection;
        _time = time;
        _listening = connection.Identity.IsModern ? Task.Run(() => ModernListen.RunAsync(connection, notified, poll, time, logger, _end.Token)) : Task.CompletedTask;
        _watching = watch is null ? Task.CompletedTask : Task.Run(() => watch(_end.Token));
    }

    /// <summary>The connection.</summary>
    public UpstreamConnection Connection { get; }

    /// <summary>Process id of a child; null otherwise.</summary>
    public int? ProcessId => (Connection as StdioConnection)?.ProcessId;

    /// <summary>Ends what Fairlead keeps open on it. The connection stays, with its calls in flight: it may serve again, as another instance.</summary>
    public async Task RestAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _listening.ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
    }

    /// <summary>Ends it: what Fairlead keeps open, then calls in flight within <paramref name="grace"/>, then the connection and its process.</summary>
    /// <returns>How many calls were still open when the grace had passed.</returns>
    public async Task<int> RetireAsync(TimeSpan grace)
    {
        await _end.CancelAsync().ConfigureAwait(false);

        // A call that looked at the snapshot before it changed is refused here and goes to the instance that took over; opened, it could be cut off after the count.
        Connection.Pending.Close();
        await RestAsync().ConfigureAwait(false);
        var left = await Drain.WaitAsync(Connection, grace, _time).ConfigureAwait(false);
        await Connection.DisposeAsync().ConfigureAwait(false);
        return left;
    }

    /// <summary>After <see cref="RetireAsync"/> or <see cref="RestAsync"/>.</summary>
    public void Dispose() => _end.Dispose();
}
