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
    private readonly ServingInstances _serving;
    private readonly ServerRollouts _rollouts;
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
        }, resources.Time, resources.Events)
        {
            Wake = Wake,
            InstanceFor = InstanceForAsync,
            ReleaseOwner = owner => _own.Release(owner),
            OwnOf = caller => _own.Existing(Cell!.Current, caller),
        };
        _start.SessionEnded = Cell.NoteSession;
        _status = new ServerStatus(resources, Cell) { Others = () => _serving!.Others };
        _lists = new ListWatch(resources, Cell, _work, PublishListsAsync, Logger);
        _launch = new ServerLaunch(resources, Cell, _start, _lists, Asked, LoseAsync, RefusedAsync, connection => new FloodWatch(connection, resources.Time, _work, flooded => WhileServingAsync(flooded, _status.PublishFlood)));
        _serving = new ServingInstances(
            resources, Cell, _start, _status, _lists, _launch, new HealthMonitor(resources.Health, Cell, resources.Time, resources.Redactor, JudgedAsync, Logger), _own, _budget, _work,
            new ServingEvents(
                LoseAsync, BackendLostAsync, (changed, reason) => _rollouts!.Failed(changed, reason), (count, why) => ScaleAsync(count, why, CancellationToken.None), SleepAsync,
                () => _work.Run(() => TellAsync(() => _status.PublishSame(static snapshot => snapshot)))),
            (joined, connection) => _rollouts!.Watch(joined, connection), Logger);
        _rollouts = new ServerRollouts(resources, Cell, _status, _launch, _serving, _own, _work, TellAsync, StartOver, Logger);
    }

    /// <summary>The server's place in the fleet.</summary>
    public ServerCell Cell { get; }

    /// <summary>The server's id.</summary>
    public string Id => Cell.Name;

    /// <summary>Instances that belong to single owners at the moment.</summary>
    public int OwnInstanceCount => _own.Count;

    /// <summary>Processes that are ready for owners to come.</summary>
    public int WarmInstanceCount => _own.Warm.Count;

    /// <summary>Begins to start the server, unless its configuration says that it cannot or must not run. The reply does not wait for the start.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => AskAsync(() => Done(() => BeginOrRest("it is starting")), cancellationToken);

    /// <summary>Stops and starts again with a full restart budget. The reply does not wait for the start.</summary>
    public Task RestartAsync(CancellationToken cancellationToken) => AskAsync(
        () => Done(() =>
        {
            var old = _status.Detach();
            BeginOrRest("it is restarted by hand", mayRest: false);
            _serving.EndAsync(old, _resources.Options.Limits.DrainGrace);
            _serving.EndOthersAsync();
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
                _serving.SetTarget();
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
                return new ValueTask<Task>(Task.WhenAll(_serving.EndAsync(old, grace), _own.EndAllAsync(grace, forGood: false), _serving.EndOthersAsync(), _attemptWork));
            },
            cancellationToken).ConfigureAwait(false);
        await gone.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Brings a changed configuration into service. While the server serves, the changed one is started beside it and takes over when it is ready.</summary>
    /// <param name="config">Checked; the name is this server's.</param>
    /// <param name="cancellationToken">Ends the wait, not the update.</param>
    /// <param name="rules">How, whether the change needs it or not; null = as the configuration says, where the change needs other instances.</param>
    /// <param name="isByHand">Whether it is what serves, with something that was done by hand: a change that is under way goes on.</param>
    /// <returns>Completes when it has begun.</returns>
    /// <exception cref="DeploymentFailed">There are rules, and the server does not serve.</exception>
    public Task<ServerChange> UpdateAsync(ServerConfig config, CancellationToken cancellationToken, RolloutOptions? rules = null, bool isByHand = false) =>
        AskAsync(() => new ValueTask<ServerChange>(BeginUpdate(config, rules, isByHand)), cancellationToken);

    /// <summary>Decides about the rollout that runs.</summary>
    /// <param name="undo">Null: the change is to stay, or to take over, without a further look; else why it is to be undone.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DeploymentFailed">None runs, or it cannot be told so now.</exception>
    public Task OrderRolloutAsync(string? undo, CancellationToken cancellationToken) => AskAsync(() => Done(() => _rollouts.GiveOrder(undo)), cancellationToken);

    /// <summary>The last rollouts, the latest first. Any thread.</summary>
    public RolloutInfo[] ReadRollouts() => _rollouts.Read();

    /// <summary>What is known of each of its instances at this moment. Any thread.</summary>
    public IReadOnlyList<InstanceInfo> ReadInstances() =>
        InstanceReading.Read(Cell.Current, _resources.Sweep.ConnectionsOf(Id), _serving.OtherPlaces, _own.Places, _own.Warm.Ready);

    /// <summary>The snapshot after everything that was asked before.</summary>
    public Task<ServerSnapshot> ReadAsync(CancellationToken cancellationToken) => AskAsync(() => new ValueTask<ServerSnapshot>(Cell.Current), cancellationToken);

    /// <summary>Ends the actor itself, after <see cref="StopAsync"/>.</summary>
    public async ValueTask EndAsync()
    {
        await DisposeAsync().ConfigureAwait(false);
        await _attempt.CancelAsync().ConfigureAwait(false);
        _lists.Stop();
        await _own.EndAllAsync(TimeSpan.Zero, forGood: true).ConfigureAwait(false);
        await _serving.EndOthersAsync().ConfigureAwait(false);
        await _work.WhenIdleAsync().ConfigureAwait(false);
        _lists.Dispose();
        await _start.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override ValueTask RecoverAsync(Exception bug)
    {
        _serving.EndAsync(_status.Detach(), TimeSpan.Zero);
        Failed("an unexpected error in Fairlead itself: " + bug.Message);
        return default;
    }

    /// <inheritdoc/>
    protected override ValueTask EndedAsync(Exception firstCause)
    {
        CancelAttempt();
        _serving.EndAsync(_status.Detach(), TimeSpan.Zero);
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

    private ServerChange BeginUpdate(ServerConfig config, RolloutOptions? rules, bool isByHand)
    {
        var old = Cell.Current;
        var isServing = old.IsCallable && ServerStatus.First(config).State == ServerState.Initializing;
        if (rules is not null && !isServing)
        {
            throw new DeploymentFailed($"'{Id}' is {old.State}, so there is nothing to replace by a rollout. Bring it into service first (fairlead restart {Id}).") { ServerId = Id };
        }

        if (rules is null && LaunchComparison.IsSameLaunch(old, config))
        {
            if (!isByHand)
            {
                _rollouts.TakeBack();
            }

            _status.PublishSame(snapshot => ServingInstances.Configured(snapshot, config));
            if (_status.Instance is not null)
            {
                _serving.SetTarget();
            }

            return ServerChange.Done;
        }

        if (isServing)
        {
            return _rollouts.Begin(config, rules ?? config.Rollout);
        }

        var grace = _resources.Options.Limits.DrainGrace;
        var detached = _status.Detach();
        _status.PublishSame(snapshot => ServingInstances.Configured(snapshot, config));
        BeginOrRest("its configuration was changed");
        _serving.EndOthersAsync();
        _work.Run(() => Task.WhenAll(_serving.EndAsync(detached, grace), _own.EndAllAsync(grace, forGood: false)));
        return ServerChange.Done;
    }

    /// <summary>Starts from a configuration that has served before; calls wait.</summary>
    private void StartOver(ServerConfig config, string reason)
    {
        _serving.EndAsync(_status.Detach(), _resources.Options.Limits.DrainGrace);
        _serving.EndOthersAsync();
        _ = _own.EndAllAsync(_resources.Options.Limits.DrainGrace, forGood: false);
        _status.PublishSame(snapshot => ServingInstances.Configured(snapshot, config));
        _budget.Reset();
        Begin(reason);
    }

    private void CancelAttempt()
    {
        _rollouts.Leave("the server was stopped, restarted or lost meanwhile");
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

    private async Task RunAttemptAsync(int number, ServerConfig config, CancellationToken cancellationToken)
    {
        try
        {
            await _launch.RunAsync(
                config,
                (state, reason) => TellIfAsync(number, () => _status.Publish(state, reason)),
                async (result, reading) =>
                {
                    if (reading is not null)
                    {
                        // First the lists, then the state: who sees Healthy sees the lists too.
                        await _resources.Catalogue.UpdateServerAsync(Cell, reading.Catalog, CancellationToken.None).ConfigureAwait(false);
                    }

                    return await TellIfAsync(number, () => EndAttempt(result, reading)).ConfigureAwait(false);
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception bug) when (bug is not OperationCanceledException)
        {
            // A server must not stay in Initializing because of a bug of ours.
            await TellIfAsync(number, () => Failed("an unexpected error in Fairlead itself: " + bug.Message)).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes a turn for the attempt of this number.</summary>
    /// <returns>False when something has overtaken it: nothing was done.</returns>
    private async Task<bool> TellIfAsync(int number, Action turn)
    {
        var isCurrent = false;
        await TellAsync(() =>
        {
            isCurrent = number == _attemptNumber;
            if (isCurrent)
            {
                turn();
            }
        }).ConfigureAwait(false);
        return isCurrent;
    }

    private void EndAttempt(StartResult result, CatalogReading? reading)
    {
        switch (result.Outcome)
        {
            case StartOutcome.Ready:
                _serving.Adopt(result, reading!);
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
                GiveUp(ServerState.AuthRequired, Cell.Current.Config.EffectiveTransport switch
                {
                    ServerTransport.InProcess => result.Reason!,
                    ServerTransport.Stdio => $"{result.Reason}. Correct it (\"env\" or \"args\"), then restart it",
                    _ => $"it refuses Fairlead's credentials ({result.Reason}); correct \"auth\" or \"headers\", then restart it",
                });
                break;
            default:
                GiveUp(ServerState.CrashLoop, result.Reason!);
                break;
        }
    }

    /// <summary>Unhealthy until what the server stands on is back; costs nothing of the restart budget.</summary>
    private void AwaitBackend(string reason)
    {
        CancelAttempt();
        var number = _attemptNumber;
        var token = _attempt.Token;
        var backed = _start.BackendOf(Cell.Current.Config)!;
        LogBackendAway(Logger, Id, reason);
        _work.Run(() => BackendWatch.UntilBackAsync(backed, Cell.Current.Config, _resources.Options.Limits.RestartBase, _resources.Time, reason, Away, Back, token));

        Task<bool> Away(string why, TimeSpan delay) => TellIfAsync(number, () =>
        {
            why = _resources.Redactor.Redact(why);
            _status.Publish(ServerState.Unhealthy, why, snapshot => snapshot with { LastFailure = why, NextRetry = _resources.Time.GetUtcNow() + delay });
        });

        Task<bool> Back() => TellIfAsync(number, () => Begin("what it stands on is back"));
    }

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
            await TellIfAsync(number, () => Begin($"restart {_budget.Spent} of {RestartsMax} after: {reason}", restarts: 1)).ConfigureAwait(false);
        });
    }

    private void GiveUp(ServerState state, string reason)
    {
        reason = _resources.Redactor.Redact(reason);
        CancelAttempt();
        _status.Publish(state, reason, snapshot => snapshot with { LastFailure = reason, Deployment = DeploymentState.Failed });
        _serving.EndOthersAsync();
        LogGivenUp(Logger, Id, state, reason);
    }
}
