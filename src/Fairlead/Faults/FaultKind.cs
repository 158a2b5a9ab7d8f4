namespace Fairlead;

/// <summary>What is done to a server on purpose.</summary>
public enum FaultKind
{
    /// <summary>Calls are held back before they are sent.</summary>
    Latency,

    /// <summary>Calls fail without being sent, with an error that says it was injected.</summary>
    Error,

    /// <summary>The connections of all its instances are closed, once.</summary>
    Disconnect,

    /// <summary>What is sent does not arrive, and what the server sends does not come back.</summary>
    Partition,

    /// <summary>The child processes of all its instances are killed, once.</summary>
    Crash,

    /// <summary>The child processes of all its instances stand still; of a server without a child, what it sends is held back.</summary>
    Stall,
}
