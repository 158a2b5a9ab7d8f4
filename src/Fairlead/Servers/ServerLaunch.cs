using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Health;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Upstreams.Http;
using Fairlead.Wire;

namespace Fairlead.Servers;

/// <summary>The way of a shared instance into service: what it depends on, the start, its events, its lists.</summary>
/// <param name="resources">What all servers share.</param>
/// <param name="cell">The server.</param>
/// <param name="start">Starts instances.</param>
/// <param name="lists">Reads and watches lists.</param>
/// <param name="asked">Told, on a reader's thread, that an instance asks its clients.</param>
/// <param name="unreachable">Told, on any thread, that an instance is proven to be out of reach, and why.</param>
/// <param name="refused">Told, on any thread, that a server which took Fairlead's credentials takes them no more, and in which words.</param>
/// <param name="floodWatch">Makes the watch over a connection's floods.</param>
internal sealed class ServerLaunch(
    FleetResources resources, ServerCell cell, ServerStart start, ListWatch lists, Action<McpMethod> asked, Func<UpstreamConnection, string, Task> unreachable,
    Func<UpstreamConnection, string, Task> refused, Func<UpstreamConnection, FloodWatch> floodWatch)
{
    private int _isProbing;

    /// <summary>Launches an instance. Never throws for what the server or its configuration does.</summary>
    /// <param name="config">What to launch.</param>
    /// <param name="waiting">Told what is waited for; null = nobody is.</param>
    /// <param name="use">Takes the start, and the lists when it is ready. An instance that it does not want (false, or an exception) is ended.</param>
    /// <param name="cancellationToken">Gives up; nothing is left of the launch.</param>
    /// <returns>What <paramref name="use"/> said.</returns>
    public async Task<bool> RunAsync(ServerConfig config, Func<ServerState, string, Task>? waiting, Func<StartResult, CatalogReading?, Task<bool>> use, CancellationToken cancellationToken)
    {
        var (start, lists) = await LaunchAsync(config, waiting ?? (static (_, _) => Task.CompletedTask), cancellationToken).ConfigureAwait(false);
        var isUsed = false;
        try
        {
            isUsed = await use(start, lists).ConfigureAwait(false);
            return isUsed;
        }
        finally
        {
            if (!isUsed && start.Connection is { } unwanted)
            {
                await unwanted.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<(StartResult Start, CatalogReading? Lists)> LaunchAsync(
        ServerConfig config, Func<ServerState, string, Task> waiting, CancellationToken cancellationToken)
    {
        if (await Dependencies.WaitAsync(config, resources.Fleet, waiting, cancellationToken).ConfigureAwait(false) is { } missing)
        {
            return (new StartResult(StartOutcome.Hopeless, null, missing), null);
        }

        var result = await start.RunAsync(config, Handshake.SharedCapabilities.ToArray(), Wire, cancellationToken).ConfigureAwait(false);
        if (result.Connection is not { } connection)
        {
            return (result, null);
        }

        try
        {
            return (result, await lists.ReadAllAsync(config, connection, cancellationToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Attaches to the events of an instance beside the first one: what it tells of the server's lists, the first one tells too.</summary>
    public void WireReplica(UpstreamConnection connection)
    {
        connection.PausedByFlood = floodWatch(connection).Paused;
        connection.Asked = (_, method) => asked(method);

        // All instances have the same credentials: the first one, whose word counts, is asked.
        connection.Refused = why => (cell.Current.Shared as HttpConnection)?.Unreachable?.Invoke(why);
    }

    /// <summary>Attaches to all events of an instance that is the first one, or takes its place.</summary>
    public void Wire(UpstreamConnection connection)
    {
        WireReplica(connection);
        connection.NotificationReceived = lists.Notified;
        connection.Refused = reason => resources.Work.Run(() => refused(connection, reason));
        if (connection is HttpConnection http)
        {
            http.SessionRenewed = lists.Suspect;
            http.SchemaStale = lists.HeadersOfAsync;
            http.Unreachable = _ => resources.Work.Run(() => ProbeAsync(http));
        }
    }

    /// <summary>A call could not reach the server: asks whether it lives, because over HTTP nothing else tells.</summary>
    private async Task ProbeAsync(UpstreamConnection connection)
    {
        if (Interlocked.Exchange(ref _isProbing, 1) != 0)
        {
            return;
        }

        try
        {
            var snapshot = cell.Current;
            var limit = TimeSpan.FromMilliseconds(snapshot.Config.HealthCheck.TimeoutMs);
            if (snapshot.Shared == connection
                && await ProtocolCheck.AskAsync(connection, limit, CancellationToken.None).ConfigureAwait(false) is { IsGood: false } finding
                && connection.Refusal is null)
            {
                await unreachable(connection, finding.Reason!).ConfigureAwait(false);
            }
        }
        finally
        {
            Volatile.Write(ref _isProbing, 0);
        }
    }
}
