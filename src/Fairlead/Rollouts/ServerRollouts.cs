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
        var rollout = new Rollout(++_count, now, config, rules, ServingInstances.Configured(now, config).ReplicasWanted, resources.Time);
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
        else if (undo is not null && rollout.Phase == RolloutPhase.Starting && rollout.Rules.Strategy != RolloutStrategy.Recreate)
        {
            End(rollout, RolloutPhase.Aborted, undo, stays: false);
        }
        else
        {
            throw new DeploymentFailed($"The rollout of '{cell.Name}' is {rollout.Phase}: wait until it is watched (fairlead rollout status {cell.Name}).") { ServerId = cell.Name };
        }
    }

    private Rollout? Watched(ServerConfig config) => _current is { } rollout && ReferenceEquals(rollout.Config, config) ? rollout : null;

    private async Task RunAsync(Rollout rollout)
    {
        try
        {
            var hasTakenOver = await (rollout.Rules.Strategy switch
            {
                RolloutStrategy.Recreate => RecreateAsync(rollout),
                RolloutStrategy.BlueGreen => SwitchAsync(rollout),
                RolloutStrategy.Canary or RolloutStrategy.Shadow => TryOutAsync(rollout),
                _ => RollAsync(rollout),
            }).ConfigureAwait(false);
            if (hasTakenOver)
            {
                await PublishListsAsync().ConfigureAwait(false);
                rollout.TellInForce();
                await WatchAsync(rollout).ConfigureAwait(false);
            }
        }
        catch (Exception bug) when (rollout.IsRunning)
        {
            await turn(() => End(rollout, RolloutPhase.Failed, "an unexpected error in Fairlead itself: " + bug.Message, rollout.Phase is RolloutPhase.Watching or RolloutPhase.RollingBack)).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Instance by instance: the first one is started beside the old one, the others follow.</summary>
    private async Task<bool> RollAsync(Rollout rollout)
    {
        return await launch.RunAsync(rollout.Config, null, (start, lists) => UseAsync(rollout, start, () =>
        {
            rollout.TakeOver();
            serving.Replace(rollout.Config, start, lists!);
        }), rollout.Ended).ConfigureAwait(false);
    }

    /// <summary>All instances beside the old ones, then one switch. The old ones stay ready until the change has settled.</summary>
    private async Task<bool> SwitchAsync(Rollout rollout)
    {
        var others = serving.NewReplicas();
        var areUsed = false;
        try
        {
            var wanted = rollout.Read().InstancesWanted - 1;
            others.SetTarget(rollout.Config, wanted);
            areUsed = await launch.RunAsync(rollout.Config, null, async (start, lists) =>
            {
                await others.WhenSettledAsync().WaitAsync(rollout.Ended).ConfigureAwait(false);
                if (start.Outcome == StartOutcome.Ready && others.Ready.Length < wanted)
                {
                    start = start with { Outcome = StartOutcome.Failed, Reason = $"only {others.Ready.Length + 1} of its {wanted + 1} instances became ready" };
                }

                return await UseAsync(rollout, start, () => SwitchTo(rollout, start, lists!, others)).ConfigureAwait(false);
            }, rollout.Ended).ConfigureAwait(false);
            return areUsed;
        }
        finally
        {
            if (!areUsed)
            {
                await others.EndAllAsync().ConfigureAwait(false);
            }
        }
    }

    private void SwitchTo(Rollout rollout, StartResult start, CatalogReading lists, ReplicaSet others)
    {
        rollout.TakeOver();
        var kept = status.Detach()!;
        _kept = kept;
        _keptOthers = serving.Swap(others);
        status.PublishSame(snapshot => ServingInstances.Configured(snapshot, rollout.Config) with { Shared = kept.Connection });
        serving.Adopt(start, lists);
        _ = own.EndAllAsync(resources.Options.Limits.DrainGrace, forGood: false);
        work.Run(kept.RestAsync);
    }

    /// <summary>The old ones end, then the new ones start: for servers of which there must not be two. Calls wait meanwhile.</summary>
    private async Task<bool> RecreateAsync(Rollout rollout)
    {
        var grace = resources.Options.Limits.DrainGrace;
        var gone = Task.CompletedTask;
        await turn(() =>
        {
            if (rollout.IsRunning)
            {
                var old = status.Detach();
                status.PublishSame(snapshot => ServingInstances.Configured(snapshot, rollout.Config));
                status.Publish(ServerState.Initializing, "it makes way for its changed configuration");
                gone = Task.WhenAll(serving.EndAsync(old, grace), own.EndAllAsync(grace, forGood: false), serving.EndOthersAsync());
            }
        }).ConfigureAwait(false);
        await gone.ConfigureAwait(false);
        return await launch.RunAsync(rollout.Config, null, (start, lists) => UseAsync(rollout, start, () =>
        {
            rollout.TakeOver();
            serving.Adopt(start, lists!);
        }), rollout.Ended).ConfigureAwait(false);
    }

    /// <summary>One instance beside those that serve, which takes a share of the calls, or copies of them. When it has done well, it takes over and the others follow.</summary>
    /// <returns>False: it has been watched.</returns>
    private async Task<bool> TryOutAsync(Rollout rollout)
    {
        var hasTakenOver = await launch.RunAsync(rollout.Config, null, async (start, lists) =>
        {
            if (lists is not null && WhyNotToTry(start.Connection!, lists) is { } unfit)
            {
                start = start with { Outcome = StartOutcome.Failed, Reason = unfit };
            }

            return await UseAsync(rollout, start, () => PublishTrial(rollout, start.Connection!)).ConfigureAwait(false)
                && await TakeOverAsync(rollout, start, lists!).ConfigureAwait(false);
        }, rollout.Ended).ConfigureAwait(false);
        if (hasTakenOver)
        {
            await PublishListsAsync().ConfigureAwait(false);
            await turn(() => End(rollout, RolloutPhase.Completed, null, stays: true)).ConfigureAwait(false);
        }

        return false;
    }

    private void PublishTrial(Rollout rollout, UpstreamConnection connection)
    {
        rollout.Try();
        Watch(rollout.Config, connection);
        status.PublishSame(snapshot => snapshot with { Trial = new Trial(connection, rollout.Read().Percent) });
        work.Run(() => WatchLossAsync(rollout, connection));
    }

    /// <summary>Puts what was tried in the place of the first instance, when it has done well; else its calls end.</summary>
    /// <returns>Whether it has done well.</returns>
    private async Task<bool> TakeOverAsync(Rollout rollout, StartResult tried, CatalogReading lists)
    {
        var hasTakenOver = false;
        try
        {
            var broken = await OutcomeAsync(rollout).ConfigureAwait(false);
            await turn(() =>
            {
                if (rollout.IsRunning && broken is { } why)
                {
                    End(rollout, why.Phase, why.Reason, stays: false);
                }
                else if (rollout.IsRunning)
                {
                    hasTakenOver = true;
                    status.PublishSame(static snapshot => snapshot with { Trial = null });
                    serving.Replace(rollout.Config, tried, lists);
                }
            }).ConfigureAwait(false);
            return hasTakenOver;
        }
        finally
        {
            if (!hasTakenOver)
            {
                tried.Connection!.Pending.Close();
                await Drain.WaitAsync(tried.Connection, resources.Options.Limits.DrainGrace, resources.Time).ConfigureAwait(false);
            }
        }
    }

    private static async Task WatchLossAsync(Rollout rollout, UpstreamConnection connection) => rollout.Record.Break("its instance was lost: " + await connection.Lost.ConfigureAwait(false));

    /// <summary>Calls are routed by the lists and the revision of what serves: what is tried must be able to take them.</summary>
    private string? WhyNotToTry(UpstreamConnection tried, CatalogReading lists)
    {
        var serves = cell.Current;
        if (serves.Shared is { } shared && shared.Identity.IsModern != tried.Identity.IsModern)
        {
            return "it speaks another era of the protocol than what serves, so that it cannot share its calls; use rolling or blue-green";
        }

        string[] gone =
        [
            .. serves.Catalog.Tools.Select(static tool => tool.Name).Except(lists.Catalog.Tools.Select(static tool => tool.Name), StringComparer.Ordinal),
            .. serves.Catalog.Prompts.Select(static prompt => prompt.Name).Except(lists.Catalog.Prompts.Select(static prompt => prompt.Name), StringComparer.Ordinal),
        ];
        return gone.Length == 0 ? null : $"it lacks {string.Join(", ", gone.Take(5))}{(gone.Length > 5 ? " and more" : "")}, which clients see and would call; use rolling or blue-green";
    }

    /// <summary>Takes the turn of a launched instance; a start that failed ends the rollout.</summary>
    /// <returns>Whether <paramref name="use"/> was run.</returns>
    private async Task<bool> UseAsync(Rollout rollout, StartResult start, Action use)
    {
        var isUsed = false;
        await turn(() =>
        {
            if (!rollout.IsRunning)
            {
                return;
            }

            if (start.Outcome == StartOutcome.Ready)
            {
                isUsed = true;
                use();
                return;
            }

            var reason = resources.Redactor.Redact(start.Reason!);
            End(rollout, RolloutPhase.Failed, reason, stays: false);
            if (rollout.Rules.Strategy == RolloutStrategy.Recreate)
            {
                startOver(rollout.Before, $"its changed configuration could not be started ({reason}), so what ran before is started again");
            }
        }).ConfigureAwait(false);
        return isUsed;
    }

    private async Task WatchAsync(Rollout rollout)
    {
        if (await OutcomeAsync(rollout).ConfigureAwait(false) is not { } broken)
        {
            await turn(() => End(rollout, RolloutPhase.Completed, null, stays: true)).ConfigureAwait(false);
            return;
        }

        if (rollout.Rules.Strategy is RolloutStrategy.BlueGreen or RolloutStrategy.Recreate)
        {
            await turn(() => Undo(rollout, broken.Phase, broken.Reason)).ConfigureAwait(false);
        }
        else
        {
            await RollBackAsync(rollout, broken.Phase, broken.Reason).ConfigureAwait(false);
            await PublishListsAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Watches until the time is over, a rule is broken, or somebody decides.</summary>
    /// <returns>How and why it is to end; null when it has done well.</returns>
    private async Task<(RolloutPhase Phase, string Reason)?> OutcomeAsync(Rollout rollout)
    {
        var over = Task.Delay(TimeSpan.FromMilliseconds(rollout.Rules.ObserveMs), resources.Time, rollout.Ended);
        await Task.WhenAny(over, rollout.Record.Broken, rollout.Order).ConfigureAwait(false);
        rollout.Ended.ThrowIfCancellationRequested();
        if (rollout.Record.Broken.IsCompleted)
        {
            return (RolloutPhase.RolledBack, resources.Redactor.Redact(await rollout.Record.Broken.ConfigureAwait(false)));
        }

        return rollout.Order.IsCompleted && await rollout.Order.ConfigureAwait(false) is { } undo ? (RolloutPhase.Aborted, undo) : null;
    }

    /// <summary>Starts what ran before beside what serves, which goes on until that is ready.</summary>
    private async Task RollBackAsync(Rollout rollout, RolloutPhase phase, string reason)
    {
        await turn(() =>
        {
            if (rollout.IsRunning)
            {
                rollout.RollBack();
            }
        }).ConfigureAwait(false);
        await launch.RunAsync(rollout.Before, null, async (start, lists) =>
        {
            var isUsed = false;
            await turn(() =>
            {
                if (rollout.IsRunning && start.Outcome == StartOutcome.Ready)
                {
                    isUsed = true;
                    End(rollout, phase, reason, stays: false);
                    serving.Replace(rollout.Before, start, lists!);
                }
                else if (rollout.IsRunning)
                {
                    End(rollout, RolloutPhase.Failed, $"{reason}; what ran before could not be started again ({resources.Redactor.Redact(start.Reason!)}), so the changed one goes on", stays: true);
                }
            }).ConfigureAwait(false);
            return isUsed;
        }, rollout.Ended).ConfigureAwait(false);
    }

    /// <summary>Brings back what ran before, within the turn: what was kept takes over; where nothing was, it is started while calls wait.</summary>
    private void Undo(Rollout rollout, RolloutPhase phase, string reason)
    {
        if (!rollout.IsRunning)
        {
            return;
        }

        var (kept, keptOthers) = (_kept, _keptOthers);
        (_kept, _keptOthers) = (null, null);
        End(rollout, phase, reason, stays: false);
        if (kept is { Connection.Lost.IsCompleted: false } && keptOthers is not null)
        {
            var ended = status.Detach();
            var others = serving.Swap(keptOthers);
            status.PublishSame(snapshot => ServingInstances.Configured(snapshot, rollout.Before) with { Shared = kept.Connection });
            serving.AdoptKnown(kept.Connection, rollout.ListsBefore);
            _ = own.EndAllAsync(resources.Options.Limits.DrainGrace, forGood: false);
            work.Run(() => Task.WhenAll(serving.EndAsync(ended, resources.Options.Limits.DrainGrace), others.EndAllAsync()));
            work.Run(async () =>
            {
                await kept.RestAsync().ConfigureAwait(false);
                kept.Dispose();
            });
            work.Run(PublishListsAsync);
            return;
        }

        EndKept(kept, keptOthers);
        startOver(rollout.Before, $"its changed configuration was undone ({reason})");
    }

    private void End(Rollout rollout, RolloutPhase phase, string? reason, bool stays)
    {
        if (!rollout.IsRunning)
        {
            return;
        }

        _current = null;
        rollout.End(phase, reason, stays);
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
