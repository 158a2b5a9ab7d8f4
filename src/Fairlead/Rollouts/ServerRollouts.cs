using Fairlead.Actors;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Guards;
using Fairlead.Routing;
using Fairlead.Servers;
using Fairlead.Upstreams;
using Microsoft.Extensions.Logging;

namespace Fairlead.Rollouts;

/// <summary>The rollouts of one server: the one that runs, if any, and the last ones (product A9).</summary>
/// <remarks>
/// Methods are called in the turns of the server's actor, if nothing else is said. Starting and watching run beside the loop and come back for a turn; whoever ends a rollout in a turn is obeyed,
/// because every turn looks first whether it still runs. Always holds: at most one runs.
/// </remarks>
/// <param name="resources">What all servers share.</param>
/// <param name="cell">The server.</param>
/// <param name="status">What is published of it.</param>
/// <param name="launch">Launches instances.</param>
/// <param name="serving">What serves.</param>
/// <param name="own">The instances of single owners.</param>
/// <param name="work">Keeps what runs beside the loop.</param>
/// <param name="turn">Takes a turn.</param>
/// <param name="startOver">Starts the server from a configuration, without anything that serves meanwhile; calls wait.</param>
/// <param name="logger">The server's log.</param>
internal sealed partial class ServerRollouts(
    FleetResources resources, ServerCell cell, ServerStatus status, ServerLaunch launch, ServingInstances serving, OwnInstances own, BackgroundWork work, Func<Action, Task<bool>> turn,
    Action<ServerConfig, string> startOver, ILogger logger)
{
    private const int HistoryMax = 20;

    private readonly Lock _lock = new();
    private readonly Queue<Rollout> _history = [];
    private volatile Rollout? _current;
    private int _count;

    // What BlueGreen keeps until the change has settled.
    private ServerInstance? _kept;
    private ReplicaSet? _keptOthers;

    /// <summary>The last rollouts, the latest first. Any thread.</summary>
    public RolloutInfo[] Read()
    {
        lock (_lock)
        {
            return [.. _history.Reverse().Select(static rollout => rollout.Read())];
        }
    }

    /// <summary>Looks at a ready instance of a configuration, when that is being rolled out. Any thread.</summary>
    public void Watch(ServerConfig config, UpstreamConnection connection)
    {
        if (Watched(config) is { } rollout && InstanceGuard.Of(connection, cell.Guards) is var guard && guard.Trial != rollout.Record)
        {
            guard.Trial = rollout.Record;
            rollout.NoteReady();
        }
    }

    /// <summary>An instance beside the first one could not be started, or was lost. Any thread.</summary>
    public void Failed(ServerConfig config, string reason) => Watched(config)?.Record.Break("an instance of it failed: " + reason);

    /// <summary>Begins to replace what serves. A rollout that runs ends before.</summary>
    /// <param name="config">The changed configuration: an object that is used for nothing else.</param>
    /// <param name="rules">How.</param>
    public ServerChange Begin(ServerConfig config, RolloutOptions rules)
    {
        Leave("another change followed");
        var now = cell.Current;
        var rollout = new Rollout(++_count, now, config, rules, ServingInstances.Configured(now, config).ReplicasWanted, resources.Time, info => resources.Events.Tell(new FleetEvent { Type = FleetEventType.Rollout, Server = cell.Name, Rollout = info }));
        lock (_lock)
        {
            _history.Enqueue(rollout);
            if (_history.Count > HistoryMax)
            {
                _history.Dequeue();
            }
        }

        _current = rollout;
        status.PublishSame(static snapshot => snapshot with { Deployment = DeploymentState.Updating });
        LogBegun(logger, cell.Name, rollout.Number, rules.Strategy);
        work.Run(() => RunAsync(rollout));
        return rollout.Change;
    }

    /// <summary>A configuration that starts what serves already is declared: the change of it that is not in force yet is taken back.</summary>
    public void TakeBack()
    {
        // What has made way for the change is what is declared then: it goes on.
        if (_current is { Phase: RolloutPhase.Starting or RolloutPhase.Trial, HasMadeWay: false })
        {
            Leave("the change was taken back");
        }
    }

    /// <summary>The server goes another way: the rollout that runs ends. What has taken over stays; what has not, does not.</summary>
    public void Leave(string reason)
    {
        if (_current is { } rollout)
        {
            var stays = rollout.Phase is RolloutPhase.Watching or RolloutPhase.RollingBack;
            rollout.Change.IsOvertaken = !stays;
            End(rollout, stays ? RolloutPhase.Completed : RolloutPhase.Aborted, reason, stays);
        }
    }

    /// <summary>The first instance was detached because it is of no use. When it is one of a changed server that is watched, what ran before is brought back.</summary>
    /// <param name="reason">Why, in words.</param>
    /// <returns>False when that is not so.</returns>
    public bool TryUndo(string reason)
    {
        if (_current is not { Phase: RolloutPhase.Watching or RolloutPhase.RollingBack } rollout)
        {
            return false;
        }

        Undo(rollout, RolloutPhase.RolledBack, reason);
        return true;
    }

    /// <summary>An instance was found to be of no use that is not in service. Any thread.</summary>
    public void BreakTrial(UpstreamConnection connection, string reason)
    {
        if (cell.Current.Trial?.Connection == connection)
        {
            _current?.Record.Break(reason);
        }
    }

    /// <summary>Ends the watch by hand.</summary>
    /// <param name="undo">Null: the change is to stay, or to take over; else why it is to be undone.</param>
    /// <exception cref="McpException">No rollout runs, or it cannot be told so now.</exception>
    public void GiveOrder(string? undo)
    {
        if (_current is not { } rollout)
        {
            throw new DeploymentFailed($"No rollout of '{cell.Name}' runs. fairlead rollout start {cell.Name} begins one.") { ServerId = cell.Name };
        }

        if (rollout.Phase is RolloutPhase.Trial or RolloutPhase.Watching)
        {
            rollout.GiveOrder(undo);
        }
        else if (undo is not null && rollout.Phase == RolloutPhase.Starting && !rollout.HasMadeWay)
        {
            End(rollout, RolloutPhase.Aborted, undo, stays: false);
        }
        else
        {
            throw new DeploymentFailed($"The rollout of '{cell.Name}' is {rollout.Phase}: wait until it is watched (fairlead rollout status {cell.Name}).") { ServerId = cell.Name };
        }
    }

    // The object itself, or a later one that starts the same: what needs no other instance may have been changed meanwhile.
    private Rollout? Watched(ServerConfig config) => _current is { } rollout && !ReferenceEquals(config, rollout.Before)
        && (ReferenceEquals(config, rollout.Config) || !LaunchComparison.Differ(config, rollout.Config)) ? rollout : null;

    /// <summary>Brings back what ran before, within the turn: what was kept takes over; where nothing was, it is started while calls wait.</summary>
    private void Undo(Rollout rollout, RolloutPhase phase, string reason)
    {
        if (!rollout.IsRunning)
        {
            return;
        }

        var (kept, keptOthers) = (_kept, _keptOthers);
        (_kept, _keptOthers) = (null, null);
        End(rollout, phase, reason, stays: false, () =>
        {
            if (kept is { Connection.Lost.IsCompleted: false } && keptOthers is not null)
            {
                SwitchBack(rollout, kept, keptOthers);
            }
            else
            {
                EndKept(kept, keptOthers);
                startOver(rollout.Before, $"its changed configuration was undone ({reason})");
            }
        });
    }

    private void SwitchBack(Rollout rollout, ServerInstance kept, ReplicaSet keptOthers)
    {
        var grace = resources.Options.Limits.DrainGrace;
        var ended = status.Detach();
        var others = serving.Swap(keptOthers);
        status.PublishSame(snapshot => ServingInstances.Configured(snapshot, rollout.Before));
        serving.AdoptKnown(kept.Connection, rollout.ListsBefore);
        _ = own.EndAllAsync(grace, forGood: false);
        work.Run(() => Task.WhenAll(serving.EndAsync(ended, grace), others.EndAllAsync()));
        work.Run(async () =>
        {
            await kept.RestAsync().ConfigureAwait(false);
            kept.Dispose();
        });
        work.Run(PublishListsAsync);
    }

    /// <param name="rollout">The one that runs; any other is over already.</param>
    /// <param name="phase">How it ends.</param>
    /// <param name="reason">Why; null only when it is completed.</param>
    /// <param name="stays">Whether the changed server serves from here on.</param>
    /// <param name="bringBack">Brings back what ran before; whoever sees the end sees that, too.</param>
    private void End(Rollout rollout, RolloutPhase phase, string? reason, bool stays, Action? bringBack = null)
    {
        if (_current != rollout)
        {
            return;
        }

        _current = null;
        EndKept(_kept, _keptOthers);
        (_kept, _keptOthers) = (null, null);
        foreach (var connection in cell.Current.Replicas)
        {
            InstanceGuard.Of(connection, cell.Guards).Trial = null;
        }

        status.PublishSame(snapshot => snapshot with
        {
            Trial = null,
            Deployment = snapshot.Deployment == DeploymentState.Updating ? DeploymentState.Deployed : snapshot.Deployment,
        });
        bringBack?.Invoke();
        rollout.End(phase, reason, stays);

        // Whoever waits for a change and then reads the rollout must not have looked for the last time before it ended.
        status.PublishSame(static snapshot => snapshot with { });
        var level = phase is RolloutPhase.Completed or RolloutPhase.Aborted ? LogLevel.Information : LogLevel.Warning;
        LogEnded(logger, level, cell.Name, rollout.Number, phase, reason ?? "it did well while it was watched");
    }

    private void EndKept(ServerInstance? kept, ReplicaSet? others)
    {
        _ = serving.EndAsync(kept, resources.Options.Limits.DrainGrace);
        if (others is not null)
        {
            work.Run(others.EndAllAsync);
        }
    }

    private async Task PublishListsAsync()
    {
        await resources.Catalogue.UpdateServerAsync(cell, cell.Current.Catalog, CancellationToken.None).ConfigureAwait(false);
        await resources.Catalogue.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
    }

    [LoggerMessage(EventIds.RolloutBegun, LogLevel.Information, "Server {Server}: rollout {Number} began ({Strategy}).")]
    private static partial void LogBegun(ILogger logger, string server, int number, RolloutStrategy strategy);

    [LoggerMessage(EventId = EventIds.RolloutEnded, Message = "Server {Server}: rollout {Number} is {Phase}: {Reason}.")]
    private static partial void LogEnded(ILogger logger, LogLevel level, string server, int number, RolloutPhase phase, string reason);
}
