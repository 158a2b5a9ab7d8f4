using Fairlead.Guards;
using Fairlead.Routing;

namespace Fairlead;

/// <summary>What an instance of a server is there for.</summary>
public enum InstanceRole
{
    /// <summary>It shares the calls of all clients with the others of this role.</summary>
    Shared,

    /// <summary>It belongs to one client, or to those that can be asked for the same.</summary>
    Own,

    /// <summary>It runs and has been asked nothing: the next client that needs one of its own gets it.</summary>
    Warm,

    /// <summary>It is started, and takes no calls yet.</summary>
    Starting,

    /// <summary>It is of a changed server, and is watched while it takes a share of the calls, or copies of them.</summary>
    Trial,

    /// <summary>It takes no calls any more and ends when those in flight have ended.</summary>
    Leaving,
}

/// <summary>What is known of one instance of a server at one moment: a connection, with the process behind it where there is one. A copy: it does not change.</summary>
public sealed record InstanceInfo
{
    /// <summary>Tells it from every other instance of this run of Fairlead, the same as <c>fairlead.instance</c> in traces. Null while it is not there: it could not be started, or was lost, and is started again.</summary>
    public long? Id { get; init; }

    /// <summary>What it is there for.</summary>
    public required InstanceRole Role { get; init; }

    /// <summary>How it is. Of the first shared one, the state of the server; of the others Healthy, Unhealthy (it fails its checks, or is not there), Initializing while it starts, Idle when it is warm, Stopped when it is leaving.</summary>
    public required ServerState State { get; init; }

    /// <summary>Why it is not Healthy, in words; null when there is nothing to say.</summary>
    public string? Reason { get; init; }

    /// <summary>Process id of its child; null when there is none (a remote server, or one inside Fairlead).</summary>
    public int? ProcessId { get; init; }

    /// <summary>Memory of that process in RAM, without its own children, in bytes; null when there is none, or the system does not say.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>When it was started; null while it is not there.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>How often its place has been filled anew after a failure.</summary>
    public int Restarts { get; init; }

    /// <summary>When the next start is tried; null when none is planned.</summary>
    public DateTimeOffset? NextRetry { get; init; }

    /// <summary>Calls in flight to it.</summary>
    public int CallsInFlight { get; init; }

    /// <summary>How its circuit stands.</summary>
    public CircuitState Circuit { get; init; }
}
