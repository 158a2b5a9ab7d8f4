namespace Fairlead;

/// <summary>State of a server (product A6).</summary>
public enum ServerState
{
    /// <summary>Starting; calls wait up to their deadline.</summary>
    Initializing,

    /// <summary>Serving.</summary>
    Healthy,

    /// <summary>Serving with a known flaw, named in the reason.</summary>
    Degraded,

    /// <summary>Not serving; <c>next retry</c>, when it is set, says when it is started again or, if it fails its health checks, checked again.</summary>
    Unhealthy,

    /// <summary>Taken out of service by hand.</summary>
    Maintenance,

    /// <summary>Stopped by hand or at the end.</summary>
    Stopped,

    /// <summary>Asleep; a call wakes it and waits.</summary>
    Idle,

    /// <summary>Switched off in the configuration or by hand.</summary>
    Disabled,

    /// <summary>A variable or credential that the configuration names is not set.</summary>
    MissingAuth,

    /// <summary>Restarted too often; waits for a person or a change.</summary>
    CrashLoop,

    /// <summary>The server refuses the credentials; retries stopped until something changes.</summary>
    AuthRequired,
}
