using Fairlead.Actors;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Health;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>What the instances in service report to the server's actor. Any thread; each takes a turn of its own.</summary>
/// <param name="Lost">The first instance is gone, and why.</param>
/// <param name="BackendAway">What the first instance stands on is away.</param>
/// <param name="Failed">An instance beside the first one failed or was lost, by its configuration, and why.</param>
/// <param name="Scale">Another number of instances is wanted, and why.</param>
/// <param name="Unneeded">Nobody has called for this long.</param>
/// <param name="Changed">Other instances beside the first one are ready.</param>
internal sealed record ServingEvents(
    Func<UpstreamConnection, string, Task> Lost, Func<UpstreamConnection, BackendReport, Task> BackendAway, Action<ServerConfig, string> Failed, Func<int, string, Task> Scale,
    Func<UpstreamConnection, TimeSpan, Task> Unneeded, Action Changed);

/// <summary>The instances of a server that serve everybody: the first one with all that hangs on it (lists, health, what it stands on, load), and those beside it.</summary>
/// <remarks>Used in the turns of the server's actor alone, but for <see cref="Others"/>.</remarks>
internal sealed partial class ServingInstances
{
    private readonly FleetResources _resources;
    private readonly ServerCell _cell;
    private readonly ServerStart _start;
    private readonly ServerStatus _status;
    private readonly ListWatch _lists;
    private readonly ServerLaunch _launch;
    private readonly HealthMonitor _health;
    private readonly OwnInstances _own;
    private readonly RestartBudget _budget;
    private readonly BackgroundWork _work;
    private readonly ServingEvents _events;
    private readonly Action<ServerConfig, UpstreamConnection> _joined;
    private readonly ILogger _logger;
    private volatile ReplicaSet _replicas;

    /// <summary>Starts with none.</summary>
    /// <param name="resources">What all servers share.</param>
    /// <param name="cell">The server.</param>
    /// <param name="start">Starts instances.</param>
    /// <param name="status">What is published of them.</param>
    /// <param name="lists">Watches the lists of the first one.</param>
    /// <param name="launch">Wires their events.</param>
    /// <param name="health">Checks the first one.</param>
    /// <param name="own">The instances of single owners, which keep a server awake.</param>
    /// <param name="budget">Told that an instance is up.</param>
    /// <param name="work">Keeps what runs beside the loop.</param>
    /// <param name="events">Told of what happens to them.</param>
    /// <param name="joined">Told of a ready instance of a configuration, before it takes calls. Any thread.</param>
    /// <param name="logger">The server's log.</param>
    public ServingInstances(
        FleetResources resources, ServerCell cell, ServerStart start, ServerStatus status, ListWatch lists, ServerLaunch launch, HealthMonitor health, OwnInstances own, RestartBudget budget,
        BackgroundWork work, ServingEvents events, Action<ServerConfig, UpstreamConnection> joined, ILogger logger)
    {
        _resources = resources;
        _cell = cell;
        _start = start;
        _status = status;
        _lists = lists;
        _launch = launch;
        _health = health;
        _own = own;
        _budget = budget;
        _work = work;
        _events = events;
        _joined = joined;
        _logger = logger;
        _replicas = NewReplicas();
    }

    /// <summary>Those beside the first one that take calls now. Any thread.</summary>
    public UpstreamConnection[] Others => _replicas.Ready;

    /// <summary>How each of the places beside the first one stands. Any thread.</summary>
    public IReadOnlyList<InstancePlace> OtherPlaces => _replicas.Places;

    /// <summary>Puts a ready instance into service as the first one, with those beside it that the server is to have.</summary>
    public void Adopt(StartResult start, CatalogReading reading)
    {
        var connection = start.Connection!;
        var config = _cell.Current.Config;
        _joined(config, connection);
        var backend = BackendWatch.Over(_start.BackendOf(config), config, _resources.Time, report => _events.BackendAway(connection, report));
        _status.Attach(
            new ServerInstance(
                connection, _lists.Notified, cancel => _lists.PollAsync(connection, cancel), _resources.Time, _logger,
                cancel => Task.WhenAll(
                    _health.RunAsync(connection, cancel), backend?.Invoke(cancel) ?? Task.CompletedTask, WatchLoadAsync(connection, cancel), _own.Warm.RunAsync(_cell, cancel))),
            start.Backend);
        _budget.NoteUp();
        SetTarget();
        _status.PublishServing(reading);
        LogReady(_logger, _cell.Name, connection.Identity.Version, reading.Catalog.Tools.Length);
        _lists.Adopted(connection);
        _work.Run(async () => await _events.Lost(connection, await connection.Lost.ConfigureAwait(false)).ConfigureAwait(false));
    }

    /// <summary>Puts one of those beside the first one in its place, after it was detached.</summary>
    /// <returns>False when none is ready.</returns>
    public bool TryPromote()
    {
        if (_replicas.TryPromote() is not { } next)
        {
            return false;
        }

        _launch.Wire(next);
        AdoptKnown(next, _cell.Current.Catalog);
        return true;
    }

    /// <summary>Puts an instance into service that has served before, or beside the first one: what it told of its lists meanwhile, nobody has heard, so they are read again.</summary>
    public void AdoptKnown(UpstreamConnection connection, ServerCatalog known)
    {
        Adopt(new StartResult(StartOutcome.Ready, connection, null, _cell.Current.Backend), new CatalogReading(known, [], IsComplete: true));
        _lists.Suspect(connection);
    }

    /// <summary>Puts a launched instance of a changed configuration in the place of the first one, whose calls may end within the drain grace. Those beside it and those of single owners follow.</summary>
    public void Replace(ServerConfig config, StartResult start, CatalogReading reading)
    {
        var old = _status.Detach();
        _status.PublishSame(snapshot => Configured(snapshot, config));
        _replicas.Replace(config);
        Adopt(start, reading);
        _ = EndAsync(old, _resources.Options.Limits.DrainGrace);
        _ = _own.EndAllAsync(_resources.Options.Limits.DrainGrace, forGood: false);
    }

    /// <summary>What a snapshot becomes with a changed configuration: a changed number of instances counts; an unchanged one leaves what was scaled since.</summary>
    public static ServerSnapshot Configured(ServerSnapshot snapshot, ServerConfig config) => snapshot with
    {
        Config = config,
        ReplicasWanted = config.Replicas.Count == snapshot.Config.Replicas.Count ? snapshot.ReplicasWanted : config.Replicas.Count,
    };

    /// <summary>Has as many beside the first one as the server is to have.</summary>
    public void SetTarget() => _replicas.SetTarget(_cell.Current.Config, _cell.Current.ReplicasWanted - 1);

    /// <summary>A set of instances beside those that serve.</summary>
    public ReplicaSet NewReplicas() => new(_resources, _cell, _start, _work, _logger, _launch.WireReplica, _joined, _events.Failed, _events.Changed);

    /// <summary>Puts another set beside the first one, and gives the one that was.</summary>
    public ReplicaSet Swap(ReplicaSet other)
    {
        var old = _replicas;
        _replicas = other;
        return old;
    }

    /// <summary>Ends a detached instance beside the loop.</summary>
    /// <returns>Completes when its process is gone.</returns>
    public Task EndAsync(ServerInstance? instance, TimeSpan grace) => instance is null ? Task.CompletedTask : _work.Run(async () =>
    {
        var left = await instance.RetireAsync(grace).ConfigureAwait(false);
        instance.Dispose();
        if (left != 0)
        {
            LogNotDrained(_logger, _cell.Name, left, grace);
        }
    });

    /// <summary>Ends those beside the first one: they are taken out within the turn, so that those of a start that follows are not meant.</summary>
    /// <returns>Completes when their processes are gone.</returns>
    public Task EndOthersAsync()
    {
        var ended = _replicas.EndAllAsync();
        _work.Run(() => ended);
        return ended;
    }

    /// <summary>What hangs on the load of the server while the instance serves: the number of instances, and whether it is needed at all.</summary>
    private async Task WatchLoadAsync(UpstreamConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            var scaling = ReplicaScaler.RunAsync(_cell, _events.Scale, _resources.Time, cancellationToken);
            var limit = await IdleWatch.UntilIdleAsync(_cell, _resources.Options, () => _own.Count != 0 || _cell.Current.Deployment == DeploymentState.Updating, _resources.Time, cancellationToken).ConfigureAwait(false);
            await _events.Unneeded(connection, limit).ConfigureAwait(false);
            await scaling.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The instance is being retired.
        }
    }

    [LoggerMessage(EventIds.ServerReady, LogLevel.Information, "Server {Server} is ready; it speaks {Version} and has {Tools} tools.")]
    private static partial void LogReady(ILogger logger, string server, ProtocolVersion version, int tools);

    [LoggerMessage(EventIds.ServerNotDrained, LogLevel.Warning, "Server {Server}: {Calls} calls had not ended within {Grace} and were cut off.")]
    private static partial void LogNotDrained(ILogger logger, string server, int calls, TimeSpan grace);
}
