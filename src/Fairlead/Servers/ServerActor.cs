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

/// <summary>Owner of one server: its state machine (product A6, A7), its instances, its restarts. What happens to it touches no other server.</summary>
/// <remarks>
/// The loop decides; starting, reading lists, draining and stopping run beside it and report back. Reports of work that has been overtaken are told
/// apart by the attempt's number. Always holds: at most one attempt is under way.
/// </remarks>
internal sealed partial class ServerActor : Actor
{
    /// <summary>Restarts in a row before a server is given up.</summary>
    public const int RestartsMax = 5;

    /// <summary>How long an instance must have been up for its restarts to be forgotten.</summary>
    public static readonly TimeSpan Stable = TimeSpan.FromMinutes(5);

    private readonly FleetResources _resources;
    private readonly ServerStart _start;
    private readonly BackgroundWork _work;
    private readonly OwnInstances _own;
    private readonly RestartBudget _budget;
    private readonly ServerStatus _status;
    private readonly ListWatch _lists;
    private readonly ServerLaunch _launch;
    private readonly ReplicaSet _replicas;
    private readonly HealthMonitor _health;
    private CancellationTokenSource _attempt = new();
    private int _attemptNumber;
    private Task _attemptWork = Task.CompletedTask;
    private int _isWaking;

    /// <summary>Makes the server known; <see cref="StartAsync"/> starts it.</summary>
    /// <param name="config">Checked, and changed by nobody afterwards.</param>
    /// <param name="resources">What all servers share.</param>
    /// <param name="known">The definitions from an earlier run; empty when there are none.</param>
    public ServerActor(ServerConfig config, FleetResources resources, ServerCatalog known)
        : base("server " + config.Name, resources.Time, resources.Loggers.CreateLogger("Fairlead.Servers"))
    {
        _resources = resources;
        _start = new ServerStart(resources);
        _work = new BackgroundWork(Name, Logger);
        _own = new OwnInstances(resources, () => Cell!, _start, _work, Logger);
        var limits = resources.Options.Limits;
        _budget = new RestartBudget(RestartsMax, limits.RestartBase, limits.RestartMax, Stable, resources.Time);
        var (state, reason) = ServerStatus.First(config);
        Cell = new ServerCell(config.Name, new ServerSnapshot(0, state, reason, resources.Time.GetUtcNow(), config, null, known)
        {
            IsAsking = resources.Verdicts.Find(config) is { Asks: true } || AskingServers.Includes(config),
            ReplicasWanted = config.Replicas.Count,
        }, resources.Time)
        {
            Wake = Wake,
            InstanceFor = InstanceForAsync,
            ReleaseOwner = owner => _own.Release(owner),
            OwnOf = caller => _own.Existing(Cell!.Current, caller),
        };
        _status = new ServerStatus(resources, Cell) { Others = () => _replicas!.Ready };
        _lists = new ListWatch(resources, Cell, _work, PublishListsAsync, Logger);
        _launch = new ServerLaunch(resources, Cell, _start, _lists, Asked, LoseAsync, RefusedAsync, connection => new FloodWatch(connection, resources.Time, _work, flooded => WhileServingAsync(flooded, _status.PublishFlood)));
        _replicas = new ReplicaSet(resources, _start, _work, Logger, _launch.WireReplica, () => _work.Run(() => TellAsync(() => _status.PublishSame(static snapshot => snapshot))));
        _health = new HealthMonitor(resources.Health, Cell, resources.Time, resources.Redactor, JudgedAsync, Logger);
    }

    /// <summary>The server's place in the fleet.</summary>
    public ServerCell Cell { get; }

    /// <summary>The server's id.</summary>
    public string Id => Cell.Name;

    /// <summary>Instances that belong to single owners at the moment.</summary>
    public int OwnInstanceCount => _own.Count;

    /// <summary>Begins to start the server, unless its configuration says that it cannot or must not run. The reply does not wait for the start.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => AskAsync(() => Done(() => BeginOrRest("it is starting")), cancellationToken);

    /// <summary>Stops and starts again with a full restart budget. The reply does not wait for the start.</summary>
    public Task RestartAsync(CancellationToken cancellationToken) => AskAsync(
        () => Done(() =>
        {
            var old = _status.Detach();
            BeginOrRest("it is restarted by hand", mayRest: false);
            End(old, _resources.Options.Limits.DrainGrace);
            EndReplicas();
        }),
        cancellationToken);

    /// <summary>Sets how many instances there are to be. The reply does not wait for their starts; it says how many were wanted before.</summary>
    public Task<int> ScaleAsync(int count, string reason, CancellationToken cancellationToken) => AskAsync(
        () =>
        {
            var before = Cell.Current.ReplicasWanted;
            LogScaled(Logger, Id, before, count, reason);
            _status.PublishSame(snapshot => snapshot with { ReplicasWanted = count });
            if (_status.Instance is not null)
            {
                _replicas.SetTarget(Cell.Current.Config, count - 1);
            }

            return new ValueTask<int>(before);
        },
        cancellationToken);

    /// <summary>Stops the server; it stays known. Completes when its processes are gone.</summary>
    /// <param name="reason">Why, for people.</param>
    /// <param name="grace">How long calls in flight may take; new ones are refused at once.</param>
    /// <param name="cancellationToken">Ends the wait, not the stop.</param>
    public async Task StopAsync(string reason, TimeSpan grace, CancellationToken cancellationToken)
    {
        var gone = await AskAsync(
            () =>
            {
                CancelAttempt();
                var old = _status.Detach();
                _status.Publish(ServerState.Stopped, reason, static snapshot => snapshot with { Deployment = DeploymentState.NotDeployed });
                LogStopped(Logger, Id, reason);
                return new ValueTask<Task>(Task.WhenAll(End(old, grace), _own.EndAllAsync(grace, forGood: false), _replicas.EndAllAsync(), _attemptWork));
            },
            cancellationToken).ConfigureAwait(false);
        await gone.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Brings a changed configuration into service. While the server serves, the changed one is started beside it and takes over when it is ready.</summary>
    /// <param name="config">Checked; the name is this server's.</param>
    /// <param name="cancellationToken">Ends the wait, not the update.</param>
    /// <returns>Completes when it has begun, with why what ran before still runs; that completes with null when the change is in force.</returns>
    public Task<Task<string?>> UpdateAsync(ServerConfig config, CancellationToken cancellationToken) =>
        AskAsync(() => new ValueTask<Task<string?>>(BeginUpdate(config)), cancellationToken);

    /// <summary>The snapshot after everything that was asked before.</summary>
    public Task<ServerSnapshot> ReadAsync(CancellationToken cancellationToken) => AskAsync(() => new ValueTask<ServerSnapshot>(Cell.Current), cancellationToken);

    /// <summary>Ends the actor itself, after <see cref="StopAsync"/>.</summary>
    public async ValueTask EndAsync()
    {
        await DisposeAsync().ConfigureAwait(false);
        await _attempt.CancelAsync().ConfigureAwait(false);
        _lists.Stop();
        await _own.EndAllAsync(TimeSpan.Zero, forGood: true).ConfigureAwait(false);
        await _replicas.EndAllAsync().ConfigureAwait(false);
        await _work.WhenIdleAsync().ConfigureAwait(false);
        _lists.Dispose();
        await _start.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override ValueTask RecoverAsync(Exception bug)
    {
        End(_status.Detach(), TimeSpan.Zero);
        Failed("an unexpected error in Fairlead itself: " + bug.Message);
        return default;
    }

    /// <inheritdoc/>
    protected override ValueTask EndedAsync(Exception firstCause)
    {
        CancelAttempt();
        End(_status.Detach(), TimeSpan.Zero);
        _status.Publish(ServerState.CrashLoop, "an unexpected error in Fairlead itself: " + firstCause.Message);
        return default;
    }

    private static ValueTask<bool> Done(Action turn)
    {
        turn();
        return new ValueTask<bool>(true);
    }

    private ValueTask<UpstreamConnection?> InstanceForAsync(Caller caller, CancellationToken cancellationToken) =>
        _own.ForAsync(Cell.Current, caller, cancellationToken);

    /// <param name="reason">Why it is started.</param>
    /// <param name="mayRest">Whether a server that starts at its first call may wait for that, when its lists are known.</param>
    private void BeginOrRest(string reason, bool mayRest = true)
    {
        CancelAttempt();
        _budget.Reset();
        var config = Cell.Current.Config;
        var (state, why) = ServerStatus.First(config);
        if (state == ServerState.Initializing && mayRest && IdleWatch.IsOnDemand(config, _resources.Options) && !Cell.Current.Catalog.IsUnknown)
        {
            _status.Publish(ServerState.Idle, "it starts at its first call", static snapshot => snapshot with { Deployment = DeploymentState.Deployed });
        }
        else if (state == ServerState.Initializing)
        {
            Begin(reason);
        }
        else
        {
            _status.Publish(state, why, static snapshot => snapshot with { Deployment = DeploymentState.NotDeployed });
        }
    }

    /// <returns>Completes with null, or with why what ran before still runs.</returns>
    private Task<string?> BeginUpdate(ServerConfig config)
    {
        var old = Cell.Current;
        var isServing = old.IsCallable && ServerStatus.First(config).State == ServerState.Initializing;
        if (LaunchComparison.IsSameLaunch(old, config))
        {
            if (old.Deployment == DeploymentState.Updating)
            {
                CancelAttempt(); // The change before this one is taken back.
                _status.PublishSame(static snapshot => snapshot with { Deployment = DeploymentState.Deployed });
            }

            _status.PublishSame(snapshot => Configured(snapshot, config));
            _replicas.SetTarget(config, Cell.Current.ReplicasWanted - 1);
            return Task.FromResult<string?>(null);
        }

        if (!isServing)
        {
            var detached = _status.Detach();
            _status.PublishSame(snapshot => Configured(snapshot, config));
            BeginOrRest("its configuration was changed");
            EndReplicas();
            _work.Run(() => Task.WhenAll(End(detached, _resources.Options.Limits.DrainGrace), _own.EndAllAsync(_resources.Options.Limits.DrainGrace, forGood: false)));
            return Task.FromResult<string?>(null);
        }

        CancelAttempt();
        _status.PublishSame(static snapshot => snapshot with { Deployment = DeploymentState.Updating });
        var outcome = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var number = _attemptNumber;
        var token = _attempt.Token;
        _attemptWork = _work.Run(() => RunUpdateAsync(number, config, outcome, token));
        return outcome.Task;
    }

    private async Task RunUpdateAsync(int number, ServerConfig config, TaskCompletionSource<string?> outcome, CancellationToken cancellationToken)
    {
        UpstreamConnection? unwanted = null;
        var reason = "it was stopped, restarted or lost meanwhile";
        try
        {
            var (result, reading) = await _launch.RunAsync(config, static (_, _) => Task.CompletedTask, cancellationToken).ConfigureAwait(false);
            unwanted = result.Connection;
            await TellAsync(() =>
            {
                if (number != _attemptNumber)
                {
                    return;
                }

                if (result.Outcome != StartOutcome.Ready)
                {
                    reason = result.Reason!;
                    _status.PublishSame(static snapshot => snapshot with { Deployment = DeploymentState.Deployed });
                    return;
                }

                unwanted = null;
                reason = null;
                var old = _status.Detach();
                _status.PublishSame(snapshot => Configured(snapshot, config) with { Shared = old?.Connection });
                Adopt(result, reading!);
                End(old, _resources.Options.Limits.DrainGrace);
                _replicas.Replace(config);
                _ = _own.EndAllAsync(_resources.Options.Limits.DrainGrace, forGood: false);
            }).ConfigureAwait(false);
        }
        finally
        {
            if (reason is null)
            {
                await _resources.Catalogue.UpdateServerAsync(Cell, Cell.Current.Catalog, CancellationToken.None).ConfigureAwait(false);
                await _resources.Catalogue.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
            }

            outcome.TrySetResult(reason);
            if (unwanted is not null)
            {
                await unwanted.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>A changed number of instances counts; an unchanged one leaves what was scaled since.</summary>
    private static ServerSnapshot Configured(ServerSnapshot snapshot, ServerConfig config) => snapshot with
    {
        Config = config,
        ReplicasWanted = config.Replicas.Count == snapshot.Config.Replicas.Count ? snapshot.ReplicasWanted : config.Replicas.Count,
    };

    private void CancelAttempt()
    {
        _attemptNumber++;
        var old = _attempt;
        _attempt = new CancellationTokenSource();

        // Not on the loop: what waits for the token must not run inside a turn. Not disposed: the work that it ends may still look at it.
        _work.Run(() => old.CancelAsync());
    }

    private void Begin(string reason, int restarts = 0)
    {
        CancelAttempt();
        var deployment = Cell.Current.Deployment is DeploymentState.Deployed ? DeploymentState.Deployed : DeploymentState.Deploying;
        _status.Publish(ServerState.Initializing, reason, snapshot => snapshot with { Deployment = deployment, Restarts = snapshot.Restarts + restarts });
        LogStarting(Logger, Id, reason);
        var number = _attemptNumber;
        var token = _attempt.Token;
        var config = Cell.Current.Config;
        _attemptWork = _work.Run(() => RunAttemptAsync(number, config, token));
    }

    /// <summary>Begins when nothing has overtaken the attempt of this number.</summary>
    private void BeginIf(int number, string reason, int restarts = 0)
    {
        if (number == _attemptNumber)
        {
            Begin(reason, restarts);
        }
    }

    private async Task RunAttemptAsync(int number, ServerConfig config, CancellationToken cancellationToken)
    {
        UpstreamConnection? unwanted = null;
        try
        {
            unwanted = await TryAttemptAsync(number, config, opened => unwanted = opened, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception bug) when (bug is not OperationCanceledException)
        {
            // A server must not stay in Initializing because of a bug of ours.
            await TellAsync(() =>
            {
                if (number == _attemptNumber)
                {
                    Failed("an unexpected error in Fairlead itself: " + bug.Message);
                }
            }).ConfigureAwait(false);
            throw;
        }
        finally
        {
            if (unwanted is not null)
            {
                await unwanted.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <returns>The connection, when nobody wants it any more.</returns>
    private async Task<UpstreamConnection?> TryAttemptAsync(int number, ServerConfig config, Action<UpstreamConnection?> opened, CancellationToken cancellationToken)
    {
        var (result, reading) = await _launch.RunAsync(config, (state, reason) => TellAsync(() =>
        {
            if (number == _attemptNumber)
            {
                _status.Publish(state, reason);
            }
        }), cancellationToken).ConfigureAwait(false);
        opened(result.Connection);
        if (reading is not null)
        {
            // First the lists, then the state: who sees Healthy sees the lists too.
            await _resources.Catalogue.UpdateServerAsync(Cell, reading.Catalog, CancellationToken.None).ConfigureAwait(false);
        }

        var wanted = false;
        await TellAsync(() =>
        {
            wanted = number == _attemptNumber;
            if (wanted)
            {
                EndAttempt(result, reading);
            }
        }).ConfigureAwait(false);
        return wanted ? null : result.Connection;
    }

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
        verdict.IsHung ? LoseAsync(connection, verdict.Reason!) : WhileServingAsync(connection, () => _status.PublishHealth(verdict));

    private async Task PublishListsAsync(UpstreamConnection connection, CatalogReading reading)
    {
        await _resources.Catalogue.UpdateServerAsync(Cell, reading.Catalog, CancellationToken.None).ConfigureAwait(false);
        await WhileServingAsync(connection, () => _status.PublishServing(reading)).ConfigureAwait(false);
    }

    private void EndAttempt(StartResult result, CatalogReading? reading)
    {
        switch (result.Outcome)
        {
            case StartOutcome.Ready:
                Adopt(result, reading!);
                break;
            case StartOutcome.Failed:
                Failed(result.Reason!);
                break;
            case StartOutcome.BackendAway:
                AwaitBackend(result.Reason!);
                break;
            case StartOutcome.MissingCredential:
                GiveUp(ServerState.MissingAuth, result.Reason!);
                break;
            case StartOutcome.AuthenticationRequired:
                GiveUp(ServerState.AuthRequired, Cell.Current.Config.EffectiveTransport == ServerTransport.InProcess ? result.Reason! : $"it refuses Fairlead's credentials ({result.Reason}); correct \"auth\" or \"headers\", then restart it");
                break;
            default:
                GiveUp(ServerState.CrashLoop, result.Reason!);
                break;
        }
    }

    private void Adopt(StartResult start, CatalogReading reading)
    {
        var connection = start.Connection!;
        var backend = BackendWatch.Over(_start.BackendOf(Cell.Current.Config), Cell.Current.Config, _resources.Time, report => BackendLostAsync(connection, report));
        _status.Attach(
            new ServerInstance(
                connection, _lists.Notified, cancel => _lists.PollAsync(connection, cancel), _resources.Time, Logger,
                cancel => Task.WhenAll(_health.RunAsync(connection, cancel), backend?.Invoke(cancel) ?? Task.CompletedTask, WatchLoadAsync(connection, cancel))),
            start.Backend);
        _budget.NoteUp();
        _replicas.SetTarget(Cell.Current.Config, Cell.Current.ReplicasWanted - 1);
        _status.PublishServing(reading);
        LogReady(Logger, Id, connection.Identity.Version, reading.Catalog.Tools.Length);
        _lists.Adopted(connection);
        _work.Run(() => WatchAsync(connection));
    }

    private Task<bool> BackendLostAsync(UpstreamConnection connection, BackendReport report) => WhileServingAsync(connection, () =>
    {
        LogLost(Logger, Id, report.Text);
        var lost = _status.Detach();
        EndAttempt(new StartResult(BackendWatch.OutcomeOf(report.State), null, report.Text), null);
        End(lost, _resources.Options.Limits.DrainGrace);
    });

    /// <summary>The server takes Fairlead's credentials no more: nothing is tried before somebody changes something.</summary>
    private Task<bool> RefusedAsync(UpstreamConnection connection, string reason) => WhileServingAsync(connection, () =>
    {
        var lost = _status.Detach();
        EndAttempt(new StartResult(StartOutcome.AuthenticationRequired, null, reason), null);
        End(lost, _resources.Options.Limits.DrainGrace);
    });

    /// <summary>Unhealthy until what the server stands on is back; costs nothing of the restart budget.</summary>
    private void AwaitBackend(string reason)
    {
        CancelAttempt();
        var number = _attemptNumber;
        var token = _attempt.Token;
        var backed = _start.BackendOf(Cell.Current.Config)!;
        LogBackendAway(Logger, Id, reason);
        _work.Run(() => BackendWatch.UntilBackAsync(backed, Cell.Current.Config, _resources.Options.Limits.RestartBase, _resources.Time, reason, Away, Back, token));

        Task<bool> Away(string why, TimeSpan delay) => TellAsync(() =>
        {
            if (number == _attemptNumber)
            {
                why = _resources.Redactor.Redact(why);
                _status.Publish(ServerState.Unhealthy, why, snapshot => snapshot with { LastFailure = why, NextRetry = _resources.Time.GetUtcNow() + delay });
            }
        });

        Task<bool> Back() => TellAsync(() => BeginIf(number, "what it stands on is back"));
    }

    private async Task WatchAsync(UpstreamConnection connection) => await LoseAsync(connection, await connection.Lost.ConfigureAwait(false)).ConfigureAwait(false);

    private Task<bool> LoseAsync(UpstreamConnection connection, string reason) => WhileServingAsync(connection, () =>
    {
        LogLost(Logger, Id, reason);
        var lost = _status.Detach();
        if (_replicas.TryPromote() is { } next)
        {
            reason = _resources.Redactor.Redact(reason);
            _launch.Wire(next);
            Adopt(new StartResult(StartOutcome.Ready, next, null, Cell.Current.Backend), new CatalogReading(Cell.Current.Catalog, [], IsComplete: true));
            _lists.Suspect(next); // What it told of its lists so far, nobody has heard.
            _status.PublishSame(snapshot => snapshot with { LastFailure = reason, Restarts = snapshot.Restarts + 1 });
        }
        else
        {
            Failed(reason);
        }

        End(lost, TimeSpan.Zero);
    });

    /// <summary>What hangs on the load of the server while the instance serves: the number of instances, and whether it is needed at all.</summary>
    private async Task WatchLoadAsync(UpstreamConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            var scaling = ReplicaScaler.RunAsync(Cell, (count, why) => ScaleAsync(count, why, cancellationToken), _resources.Time, cancellationToken);
            var limit = await IdleWatch.UntilIdleAsync(Cell, _resources.Options, () => _own.Count != 0, _resources.Time, cancellationToken).ConfigureAwait(false);
            await SleepAsync(connection, limit).ConfigureAwait(false);
            await scaling.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The instance is being retired.
        }
    }

    private Task<bool> SleepAsync(UpstreamConnection connection, TimeSpan limit) => WhileServingAsync(connection, () =>
    {
        CancelAttempt();
        var old = _status.Detach();
        _status.Publish(ServerState.Idle, $"nobody has called it for {limit.TotalSeconds:0.#} s; the next call starts it");
        LogAsleep(Logger, Id, limit);
        End(old, _resources.Options.Limits.DrainGrace);
        EndReplicas();
    });

    /// <summary>A call waits for the server, which may be asleep. Any thread, often.</summary>
    private void Wake()
    {
        if (Interlocked.Exchange(ref _isWaking, 1) == 0)
        {
            _work.Run(() => TellAsync(() =>
            {
                Volatile.Write(ref _isWaking, 0);
                if (Cell.Current.State == ServerState.Idle)
                {
                    BeginOrRest("a call woke it", mayRest: false);
                }
            }));
        }
    }

    private void Failed(string reason)
    {
        reason = _resources.Redactor.Redact(reason); // Words of the server's own may stand in it.
        CancelAttempt();
        if (_budget.TrySpend() is not { } delay)
        {
            GiveUp(ServerState.CrashLoop, $"{reason}; given up after {RestartsMax} restarts. Mend it, then restart it");
            return;
        }

        _status.Publish(ServerState.Unhealthy, reason, snapshot => snapshot with { LastFailure = reason, NextRetry = _resources.Time.GetUtcNow() + delay });
        LogStartFailed(Logger, Id, reason, _budget.Spent, RestartsMax, delay);
        var number = _attemptNumber;
        var token = _attempt.Token;
        _work.Run(async () =>
        {
            await Task.Delay(delay, _resources.Time, token).ConfigureAwait(false);
            await TellAsync(() => BeginIf(number, $"restart {_budget.Spent} of {RestartsMax} after: {reason}", restarts: 1)).ConfigureAwait(false);
        });
    }

    private void GiveUp(ServerState state, string reason)
    {
        reason = _resources.Redactor.Redact(reason);
        CancelAttempt();
        _status.Publish(state, reason, snapshot => snapshot with { LastFailure = reason, Deployment = DeploymentState.Failed });
        EndReplicas();
        LogGivenUp(Logger, Id, state, reason);
    }

    /// <summary>Takes the other instances out within the turn, so that those of a start that follows are not meant, and lets them end beside the loop.</summary>
    private void EndReplicas()
    {
        var ended = _replicas.EndAllAsync();
        _work.Run(() => ended);
    }

    /// <summary>Ends a detached instance beside the loop.</summary>
    private Task End(ServerInstance? instance, TimeSpan grace) => instance is null ? Task.CompletedTask : _work.Run(async () =>
    {
        var left = await instance.RetireAsync(grace).ConfigureAwait(false);
        instance.Dispose();
        if (left != 0)
        {
            LogNotDrained(Logger, Id, left, grace);
        }
    });
}
