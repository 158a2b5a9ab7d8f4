using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Upstreams;

namespace Fairlead.Routing;

/// <summary>What everybody may know of one server at one moment: frozen, written by its ServerActor alone, read by the request path.</summary>
/// <param name="Version">Rises by one with each snapshot of this server.</param>
/// <param name="State">The state.</param>
/// <param name="Reason">Why it is in this state, in words; null when Healthy.</param>
/// <param name="Since">Since when.</param>
/// <param name="Config">The configuration in force.</param>
/// <param name="Shared">The shared instance's connection; null unless one is ready.</param>
/// <param name="Catalog">The last known definitions; never null, kept when the server is away.</param>
internal sealed record ServerSnapshot(
    long Version, ServerState State, string? Reason, DateTimeOffset Since, ServerConfig Config, UpstreamConnection? Shared, ServerCatalog Catalog)
{
    /// <summary>The connections that share the calls, <see cref="Shared"/> first; empty when none is ready. Not to be changed.</summary>
    public UpstreamConnection[] Replicas { get; init; } = [];

    /// <summary>An instance of a changed configuration that is tried beside these; null unless one is.</summary>
    public Trial? Trial { get; init; }

    /// <summary>How many instances there are to be; 1 unless it was configured, scaled or chosen otherwise.</summary>
    public int ReplicasWanted { get; init; } = 1;

    /// <summary>The last failure, in words; kept when the server has recovered.</summary>
    public string? LastFailure { get; init; }

    /// <summary>When the next start is tried, or a server that failed its health checks is checked again; null when neither is planned.</summary>
    public DateTimeOffset? NextRetry { get; init; }

    /// <summary>Number of restarts since the server was deployed.</summary>
    public int Restarts { get; init; }

    /// <summary>Process id of the shared instance; null when it is no child.</summary>
    public int? ProcessId { get; init; }

    /// <summary>What the instance in service is connected to, in words; null when it stands on nothing outside.</summary>
    public string? Backend { get; init; }

    /// <summary>Whether the server has shown that it asks (decision 8.3): owners that can be asked get instances of their own.</summary>
    public bool IsAsking { get; init; }

    /// <summary>What is being done to the server (product A7).</summary>
    public DeploymentState Deployment { get; init; }

    /// <summary>The tools of a server made of <see cref="ITool"/>s, for callers inside this process; else null.</summary>
    public Upstreams.InProcess.ToolSet? Tools { get; init; }

    /// <summary>Whether calls run now (Healthy or Degraded, with a connection).</summary>
    public bool IsCallable => Shared is not null && (State is ServerState.Healthy or ServerState.Degraded);

    /// <summary>Whether an instance is one of those that share the calls, so that any other of them will do as well.</summary>
    public bool IsShared(UpstreamConnection connection) => Array.IndexOf(Replicas, connection) >= 0 || Trial?.Connection == connection;

    /// <summary>Whether calls run, or will when the server is back from a loss that it recovers from by itself.</summary>
    public bool IsCallableOrReturns => IsCallable || IsWorthWaiting || (State == ServerState.Unhealthy && NextRetry is not null);

    /// <summary>Whether a call should wait for the server instead of failing (decision 12).</summary>
    public bool IsWorthWaiting => State is ServerState.Initializing or ServerState.Idle;

    /// <summary>The idle deadline of a call in ticks of the sweep's clock; 0 = none.</summary>
    public long IdleTicks(DeadlineSweep sweep, long defaultTicks) => Config.TimeoutMs > 0 ? sweep.Ticks(TimeSpan.FromMilliseconds(Config.TimeoutMs)) : defaultTicks;
}
