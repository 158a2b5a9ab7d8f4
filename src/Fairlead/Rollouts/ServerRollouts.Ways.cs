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

/// <content>How each strategy goes its way, beside the actor's loop.</content>
internal sealed partial class ServerRollouts
{
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
            var reason = "an unexpected error in Fairlead itself: " + resources.Redactor.Redact(bug.Message);
            await turn(() => End(
                rollout, RolloutPhase.Failed, reason, stays: rollout.Phase is RolloutPhase.Watching or RolloutPhase.RollingBack, BringBackIfGone(rollout, reason))).ConfigureAwait(false);
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
        status.PublishSame(snapshot => ServingInstances.Configured(snapshot, rollout.Config));
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
                rollout.MakeWay();
                var old = status.Detach();
                status.Publish(ServerState.Initializing, "it makes way for its changed configuration", snapshot => ServingInstances.Configured(snapshot, rollout.Config));
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
        Watch(rollout.Config, connection);
        status.PublishSame(snapshot => snapshot with { Trial = new Trial(connection, rollout.TrialPercent) });
        rollout.Try();
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
                    rollout.TakeOver();
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
            End(rollout, RolloutPhase.Failed, reason, stays: false, BringBackIfGone(rollout, reason));
        }).ConfigureAwait(false);
        return isUsed;
    }

    /// <summary>What brings back what ran before, when nothing serves any more; null when something does.</summary>
    private Action? BringBackIfGone(Rollout rollout, string reason) => rollout is { HasMadeWay: true, Phase: RolloutPhase.Starting }
        ? () => startOver(rollout.Before, $"its changed configuration could not be started ({reason}), so what ran before is started again")
        : null;

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
                    End(rollout, phase, reason, stays: false, () => serving.Replace(rollout.Before, start, lists!));
                }
                else if (rollout.IsRunning)
                {
                    End(rollout, RolloutPhase.Failed, $"{reason}; what ran before could not be started again ({resources.Redactor.Redact(start.Reason!)}), so the changed one goes on", stays: true);
                }
            }).ConfigureAwait(false);
            return isUsed;
        }, rollout.Ended).ConfigureAwait(false);
    }
}
