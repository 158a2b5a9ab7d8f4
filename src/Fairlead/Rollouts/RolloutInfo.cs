using Fairlead.Configuration;

namespace Fairlead;

/// <summary>Where a rollout stands (product A9).</summary>
public enum RolloutPhase
{
    /// <summary>The changed server is being started; what ran before serves, but with Recreate.</summary>
    Starting,

    /// <summary>A canary or a shadow runs beside what serves, and is watched.</summary>
    Trial,

    /// <summary>The changed server has taken over and is watched.</summary>
    Watching,

    /// <summary>What ran before is brought back.</summary>
    RollingBack,

    /// <summary>The changed server serves, for good.</summary>
    Completed,

    /// <summary>It broke a rule, and what ran before serves again.</summary>
    RolledBack,

    /// <summary>It could not be started, or not be undone; the reason says which.</summary>
    Failed,

    /// <summary>Somebody ended it: what ran before serves.</summary>
    Aborted,
}

/// <summary>A rollout of a changed server, as it is or was at one moment.</summary>
public sealed record RolloutInfo
{
    /// <summary>Counts the rollouts of this server since Fairlead was started, from 1.</summary>
    public required int Number { get; init; }

    /// <summary>The server.</summary>
    public required string Server { get; init; }

    /// <summary>How it replaces the one that ran.</summary>
    public required RolloutStrategy Strategy { get; init; }

    /// <summary>Where it stands.</summary>
    public required RolloutPhase Phase { get; init; }

    /// <summary>Why it ended as it did, in words; null while it goes on, and when it was completed without a word.</summary>
    public string? Reason { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended; null while it goes on.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Until when it is watched, unless a rule is broken before; null when it is not watched.</summary>
    public DateTimeOffset? WatchedUntil { get; init; }

    /// <summary>The share of the calls that the changed server gets, %. A shadow gets copies, which are no calls of clients: 0.</summary>
    public int Percent { get; init; }

    /// <summary>Instances of the changed server that have become ready.</summary>
    public int InstancesReady { get; init; }

    /// <summary>Instances that there are to be.</summary>
    public int InstancesWanted { get; init; }

    /// <summary>Calls that the changed server has answered, or failed, while it was watched.</summary>
    public long Calls { get; init; }

    /// <summary>Those of them that it is to blame for.</summary>
    public long Failures { get; init; }

    /// <summary>The 99th percentile of their time, ms, to within 6 %; null before the first.</summary>
    public double? LatencyP99Ms { get; init; }

    /// <summary>Whether it goes on.</summary>
    public bool IsRunning => EndedAt is null;
}
