using Fairlead.Actors;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Health;
using Fairlead.Rollouts;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <content>The turns that instances in service ask for: what they report.</content>
internal sealed partial class ServerActor
{
    /// <summary>The server has asked something (decision 8.3). On the reader's thread.</summary>
    private void Asked(McpMethod method)
    {
        if (Cell.Current.IsAsking)
        {
            return;
        }

        _work.Run(() => TellAsync(() =>
        {
            if (!Cell.Current.IsAsking)
            {
                _status.PublishSame(static snapshot => snapshot with { IsAsking = true });
                _resources.Verdicts.NoteAsks(Cell.Current.Config, EraHint.Legacy);
                LogAsks(Logger, Id, method);
            }
        }));
    }

    /// <summary>Takes a turn for the instance in service; none when it is no longer that of <paramref name="connection"/>.</summary>
    private Task<bool> WhileServingAsync(UpstreamConnection connection, Action turn) => TellAsync(() =>
    {
        if (_status.Instance?.Connection == connection)
        {
            turn();
        }
    });

    /// <summary>An instance that hangs is lost; other verdicts are a matter of the state alone.</summary>
    private Task<bool> JudgedAsync(UpstreamConnection connection, HealthVerdict verdict) =>
        verdict.IsHung ? LoseAsync(connection, verdict.Reason!) : WhileServingAsync(connection, () =>
        {
            _status.PublishHealth(verdict);
            if (verdict.State == ServerState.Unhealthy)
            {
                _rollouts.Failed(Cell.Current.Config, "it does not pass its health checks: " + verdict.Reason);
            }
        });

    private async Task PublishListsAsync(UpstreamConnection connection, CatalogReading reading)
    {
        await _resources.Catalogue.UpdateServerAsync(Cell, reading.Catalog, CancellationToken.None).ConfigureAwait(false);
        await WhileServingAsync(connection, () => _status.PublishServing(reading)).ConfigureAwait(false);
    }

    private Task<bool> BackendLostAsync(UpstreamConnection connection, BackendReport report) => WhileServingAsync(connection, () =>
    {
        LogLost(Logger, Id, report.Text);
        var lost = _status.Detach();
        EndAttempt(new StartResult(BackendWatch.OutcomeOf(report.State), null, report.Text), null);
        _serving.EndAsync(lost, _resources.Options.Limits.DrainGrace);
    });

    /// <summary>The server takes Fairlead's credentials no more: nothing is tried before somebody changes something.</summary>
    private Task<bool> RefusedAsync(UpstreamConnection connection, string reason)
    {
        _rollouts.BreakTrial(connection, "it refuses Fairlead's credentials: " + reason);
        return WhileServingAsync(connection, () =>
        {
            var lost = _status.Detach();
            if (!_rollouts.TryUndo("it refuses Fairlead's credentials: " + _resources.Redactor.Redact(reason)))
            {
                EndAttempt(new StartResult(StartOutcome.AuthenticationRequired, null, reason), null);
            }

            _serving.EndAsync(lost, _resources.Options.Limits.DrainGrace);
        });
    }

    private Task<bool> LoseAsync(UpstreamConnection connection, string reason) => WhileServingAsync(connection, () =>
    {
        LogLost(Logger, Id, reason);
        var lost = _status.Detach();
        reason = _resources.Redactor.Redact(reason); // Words of the server's own may stand in it.
        if (_rollouts.TryUndo("its instance was lost: " + reason))
        {
            _status.PublishSame(snapshot => snapshot with { LastFailure = reason });
        }
        else if (_serving.TryPromote())
        {
            _status.PublishSame(snapshot => snapshot with { LastFailure = reason, Restarts = snapshot.Restarts + 1 });
        }
        else
        {
            Failed(reason);
        }

        _serving.EndAsync(lost, TimeSpan.Zero);
    });

    private Task<bool> SleepAsync(UpstreamConnection connection, TimeSpan limit) => WhileServingAsync(connection, () =>
    {
        CancelAttempt();
        var old = _status.Detach();
        _status.Publish(ServerState.Idle, $"nobody has called it for {limit.TotalSeconds:0.#} s; the next call starts it");
        LogAsleep(Logger, Id, limit);
        _serving.EndAsync(old, _resources.Options.Limits.DrainGrace);
        _serving.EndOthersAsync();
    });
}
