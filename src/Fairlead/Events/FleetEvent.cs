using Fairlead.Configuration;

namespace Fairlead;

/// <summary>The kinds of <see cref="FleetEvent"/>, as they are written everywhere.</summary>
public static class FleetEventType
{
    /// <summary>A server joined the fleet: <see cref="FleetEvent.State"/>.</summary>
    public const string ServerAdded = "server.added";

    /// <summary>A server left the fleet.</summary>
    public const string ServerRemoved = "server.removed";

    /// <summary>A server's configuration changed, by a reload, over the API or by hand.</summary>
    public const string ServerChanged = "server.changed";

    /// <summary>A server's state or the reason for it changed: <see cref="FleetEvent.State"/>, <see cref="FleetEvent.Before"/>, <see cref="FleetEvent.Reason"/>, <see cref="FleetEvent.NextRetry"/>.</summary>
    public const string ServerState = "server.state";

    /// <summary>The number of instances that share a server's calls changed: <see cref="FleetEvent.Replicas"/>, <see cref="FleetEvent.ReplicasWanted"/>.</summary>
    public const string ServerInstances = "server.instances";

    /// <summary>A server's lists changed: <see cref="FleetEvent.Tools"/>, <see cref="FleetEvent.Resources"/>, <see cref="FleetEvent.Prompts"/>.</summary>
    public const string ServerLists = "server.lists";

    /// <summary>A rollout began, moved on or ended: <see cref="FleetEvent.Rollout"/>.</summary>
    public const string Rollout = "rollout";

    /// <summary>A fault was injected, or ended: <see cref="FleetEvent.Fault"/>.</summary>
    public const string Fault = "fault";

    /// <summary>The configuration was loaded again: <see cref="FleetEvent.Reason"/> says what became of it, in words.</summary>
    public const string Configuration = "configuration";

    /// <summary>A health check ended: <see cref="FleetEvent.Check"/>. Only for whoever names this type; not kept.</summary>
    public const string Health = "health";

    /// <summary>A call ended: <see cref="FleetEvent.Method"/>, <see cref="FleetEvent.Tool"/>, <see cref="FleetEvent.DurationMs"/>, <see cref="FleetEvent.Error"/>. Only for whoever names this type; not kept.</summary>
    public const string Call = "call";

    /// <summary>A server wrote a line to stderr: <see cref="FleetEvent.Line"/>, without secrets. Only for whoever names this type; not kept.</summary>
    public const string Log = "log";

    /// <summary>Events are missing here: <see cref="FleetEvent.Lost"/>, <see cref="FleetEvent.Reason"/>. Read the states again.</summary>
    public const string Gap = "gap";

    /// <summary>All of them but <see cref="Gap"/>, which needs no asking.</summary>
    public static IReadOnlyList<string> All { get; } =
        [ServerAdded, ServerRemoved, ServerChanged, ServerState, ServerInstances, ServerLists, Rollout, Fault, Configuration, Health, Call, Log];

    /// <summary>Whether events of a type are told only to whoever names it, and cannot be asked for afterwards.</summary>
    public static bool IsLiveOnly(string type) => type is Health or Call or Log;
}

/// <summary>Something that happened in the fleet. Which members are there depends on <see cref="Type"/>; the others are null.</summary>
public sealed record FleetEvent
{
    /// <summary>Rises with each event of this run; numbers may be left out. Of a <see cref="FleetEventType.Gap"/>: that of the last event that is known to be missing.</summary>
    public long Number { get; init; }

    /// <summary>When it happened.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>One of <see cref="FleetEventType"/>.</summary>
    public required string Type { get; init; }

    /// <summary>The server that it is about; null when it is about none.</summary>
    public string? Server { get; init; }

    /// <summary>The state from here on.</summary>
    public ServerState? State { get; init; }

    /// <summary>The state before.</summary>
    public ServerState? Before { get; init; }

    /// <summary>Why, in words.</summary>
    public string? Reason { get; init; }

    /// <summary>When the next start is tried, where one is planned.</summary>
    public DateTimeOffset? NextRetry { get; init; }

    /// <summary>Restarts since the server was deployed.</summary>
    public int? Restarts { get; init; }

    /// <summary>Instances that share the calls now.</summary>
    public int? Replicas { get; init; }

    /// <summary>How many there are to be.</summary>
    public int? ReplicasWanted { get; init; }

    /// <summary>Number of tools in its list.</summary>
    public int? Tools { get; init; }

    /// <summary>Number of resources in its list.</summary>
    public int? Resources { get; init; }

    /// <summary>Number of prompts in its list.</summary>
    public int? Prompts { get; init; }

    /// <summary>Where a rollout stands.</summary>
    public RolloutInfo? Rollout { get; init; }

    /// <summary>A fault; it has ended when it has an end.</summary>
    public FaultInfo? Fault { get; init; }

    /// <summary>A health check that ended.</summary>
    public ServerHealthCheck? Check { get; init; }

    /// <summary>The method of a call, such as <c>tools/call</c>.</summary>
    public string? Method { get; init; }

    /// <summary>The tool of a call, by the server's own name.</summary>
    public string? Tool { get; init; }

    /// <summary>How long a call took, ms.</summary>
    public double? DurationMs { get; init; }

    /// <summary>How a call failed, one of the words of docs/rest.md; null when it was answered.</summary>
    public string? Error { get; init; }

    /// <summary>A line of stderr.</summary>
    public string? Line { get; init; }

    /// <summary>How many events are missing; null when that is not known.</summary>
    public long? Lost { get; init; }
}

/// <summary>Which events somebody wants to be told of.</summary>
public sealed record FleetEventFilter
{
    /// <summary>Types, or what they begin with (<c>server</c> means all <c>server.*</c>). Empty = all but those that are live only (<see cref="FleetEventType.IsLiveOnly"/>).</summary>
    public IReadOnlyCollection<string> Types { get; init; } = [];

    /// <summary>Servers; empty = all. Events that are about no server pass.</summary>
    public IReadOnlyCollection<string> Servers { get; init; } = [];

    /// <summary>Whether events of a type are wanted.</summary>
    internal bool Wants(string type) => Types.Count == 0 ? !FleetEventType.IsLiveOnly(type) : Types.Any(wanted => Means(wanted, type));

    /// <summary>Whether an event is wanted.</summary>
    internal bool Wants(FleetEvent one) => Wants(one.Type) && (one.Server is null || Servers.Count == 0 || Servers.Contains(one.Server));

    /// <summary>The first of <see cref="Types"/> that no type has; null when all are known.</summary>
    internal string? Unknown() => Types.FirstOrDefault(static wanted => !FleetEventType.All.Any(type => Means(wanted, type)));

    private static bool Means(string wanted, string type) => type == wanted || (type.StartsWith(wanted, StringComparison.Ordinal) && type[wanted.Length] == '.');
}
