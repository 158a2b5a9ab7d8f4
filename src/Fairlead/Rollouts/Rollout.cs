using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.Routing;

namespace Fairlead.Rollouts;

/// <summary>One rollout: what replaces what, by which rules, and where it stands.</summary>
/// <remarks>Moved on in the turns of the server's actor alone; read by anybody.</remarks>
#pragma warning disable CA1001 // Its token has no timer and is linked to nothing, so there is nothing to dispose of; what it ends may still look at it.
internal sealed class Rollout
#pragma warning restore CA1001 // As above.
{
    private readonly TaskCompletionSource<string?> _begun = Signal<string?>();
    private readonly TaskCompletionSource<string?> _inForce = Signal<string?>();
    private readonly TaskCompletionSource<string?> _settled = Signal<string?>();
    private readonly TaskCompletionSource<string?> _order = Signal<string?>();
    private readonly CancellationTokenSource _end = new();
    private readonly TimeProvider _time;
    private readonly Action<RolloutInfo> _told;
    private volatile RolloutInfo _info;
    private int _ready;

    /// <summary>Begins.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="before">What serves.</param>
    /// <param name="config">What is to serve: an object that is used for nothing else.</param>
    /// <param name="rules">The rules.</param>
    /// <param name="instances">How many instances there are to be.</param>
    /// <param name="time">The clock.</param>
    /// <param name="told">Told of the beginning and of each step; returns at once.</param>
    public Rollout(int number, ServerSnapshot before, ServerConfig config, RolloutOptions rules, int instances, TimeProvider time, Action<RolloutInfo> told)
    {
        _told = told;
        _time = time;
        Number = number;
        Before = before.Config;
        ListsBefore = before.Catalog;
        Config = config;
        Rules = rules;
        Record = new TrialRecord(rules);
        Change = new ServerChange(_begun.Task, _inForce.Task, _settled.Task);
        _info = new RolloutInfo
        {
            Number = number,
            Server = config.Name,
            Strategy = rules.Strategy,
            Phase = RolloutPhase.Starting,
            StartedAt = time.GetUtcNow(),
            InstancesWanted = instances,
        };
        told(_info);
    }

    /// <summary>Counts the rollouts of the server.</summary>
    public int Number { get; }

    /// <summary>The configuration that served when it began.</summary>
    public ServerConfig Before { get; }

    /// <summary>The lists of that time.</summary>
    public ServerCatalog ListsBefore { get; }

    /// <summary>The changed configuration.</summary>
    public ServerConfig Config { get; }

    /// <summary>The rules.</summary>
    public RolloutOptions Rules { get; }

    /// <summary>The share of the calls while it is tried, %; 0 for a shadow.</summary>
    public int TrialPercent => Rules.Strategy == RolloutStrategy.Canary ? Rules.Percent : 0;

    /// <summary>What the instances of the changed server do.</summary>
    public TrialRecord Record { get; }

    /// <summary>What becomes of the change.</summary>
    public ServerChange Change { get; }

    /// <summary>Cancelled at the end of the rollout.</summary>
    public CancellationToken Ended => _end.Token;

    /// <summary>Completes when somebody ends the watch by hand: with null when the change is to stay, else with why it is to be undone.</summary>
    public Task<string?> Order => _order.Task;

    /// <summary>Whether what ran before has ended to make way, so that nothing serves until the change does.</summary>
    public bool HasMadeWay { get; private set; }

    /// <summary>Whether it goes on.</summary>
    public bool IsRunning => _info.IsRunning;

    /// <summary>Where it stands.</summary>
    public RolloutPhase Phase => _info.Phase;

    /// <summary>Everything about it at this moment.</summary>
    public RolloutInfo Read()
    {
        var info = _info;
        return info.IsRunning ? Count(info) : info;
    }

    /// <summary>Ends the watch by hand.</summary>
    /// <param name="undo">Null: the change is to stay; else why it is to be undone.</param>
    public void GiveOrder(string? undo) => _order.TrySetResult(undo);

    /// <summary>An instance of the changed server has become ready. Any thread.</summary>
    public void NoteReady() => Interlocked.Increment(ref _ready);

    /// <summary>What ran before makes way.</summary>
    public void MakeWay() => HasMadeWay = true;

    /// <summary>The changed server is tried beside what serves.</summary>
    public void Try()
    {
        Move(RolloutPhase.Trial, TrialPercent);
        _begun.TrySetResult(null);
    }

    /// <summary>The changed server has taken over. <see cref="TellInForce"/> follows when its lists are known everywhere.</summary>
    public void TakeOver() => Move(RolloutPhase.Watching, 100);

    /// <summary>Tells those who wait for the change that it is in force. Any thread.</summary>
    public void TellInForce()
    {
        _begun.TrySetResult(null);
        _inForce.TrySetResult(null);
    }

    /// <summary>What ran before is brought back.</summary>
    public void RollBack() => Set(Count(_info) with { Phase = RolloutPhase.RollingBack, WatchedUntil = null });

    /// <summary>It is over.</summary>
    /// <param name="phase">How it ended.</param>
    /// <param name="reason">Why, in words; null only when it was completed.</param>
    /// <param name="stays">Whether the changed server serves from here on.</param>
    public void End(RolloutPhase phase, string? reason, bool stays)
    {
        Set(Count(_info) with { Phase = phase, Reason = reason, EndedAt = _time.GetUtcNow(), WatchedUntil = null, Percent = stays ? 100 : 0 });

        // Not on this thread: what waits for the token must not run inside a turn.
        _ = _end.CancelAsync();
        var why = stays ? null : reason ?? "it was ended";
        _begun.TrySetResult(why);
        _inForce.TrySetResult(why);
        _settled.TrySetResult(why);
    }

    private static TaskCompletionSource<T> Signal<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Move(RolloutPhase phase, int percent) =>
        Set(Count(_info) with { Phase = phase, Percent = percent, WatchedUntil = _time.GetUtcNow() + TimeSpan.FromMilliseconds(Rules.ObserveMs) });

    private void Set(RolloutInfo info)
    {
        _info = info;
        _told(info);
    }

    private RolloutInfo Count(RolloutInfo info) => info with
    {
        InstancesReady = Volatile.Read(ref _ready),
        Calls = Record.Calls,
        Failures = Record.Failures,
        LatencyP99Ms = Record.P99Ms,
    };
}
