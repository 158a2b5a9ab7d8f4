using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Health;
using Fairlead.Routing;
using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>Composes what everybody sees of a server from what its actor knows.</summary>
/// <remarks>Used by the actor's loop alone. Always holds: at the end of a turn the published connection is that of <see cref="Instance"/>.</remarks>
internal sealed class ServerStatus(FleetResources resources, ServerCell cell)
{
    // Why the serving instance is not Healthy, if it is not: its lists, over that its health checks as long as they only doubt, over that a flood, and over all checks that failed.
    private ServerState _serving = ServerState.Healthy;
    private string? _flaw;
    private string? _flood;
    private HealthVerdict _health = HealthVerdict.Good;
    private string? _backend;

    /// <summary>The shared instance in service; null when there is none.</summary>
    public ServerInstance? Instance { get; private set; }

    /// <summary>The instances beside it that share its calls.</summary>
    public Func<UpstreamConnection[]> Others { get; init; } = static () => [];

    /// <summary>The state of a server that nothing has been done to yet, and why.</summary>
    public static (ServerState State, string? Reason) First(ServerConfig config) =>
        config.Disabled ? (ServerState.Disabled, config.ByHand.Disabled == true ? $"it was disabled by hand; fairlead enable {config.Name} brings it back" : "it is disabled in its configuration")
        : config.ByHand.Maintenance is { } why ? (ServerState.Maintenance, why)
        : config.IsMissingAuth ? (ServerState.MissingAuth, $"not set: {string.Join(", ", config.MissingVariables)}; set it in the environment or in .env beside the configuration")
        : (ServerState.Initializing, "it is about to start");

    /// <summary>Puts an instance into service; what is published next names it.</summary>
    /// <param name="instance">Ready.</param>
    /// <param name="backend">What it is connected to, in words; null when it stands on nothing.</param>
    public void Attach(ServerInstance instance, string? backend)
    {
        Instance = instance;
        _backend = backend is null ? null : resources.Redactor.Redact(backend);
        _flood = instance.Connection.Flood;
        _health = HealthVerdict.Good;
    }

    /// <summary>Takes the shared instance out of service; what is published next names it no more. The caller ends it.</summary>
    public ServerInstance? Detach()
    {
        var instance = Instance;
        Instance = null;
        return instance;
    }

    /// <summary>Publishes the next snapshot.</summary>
    /// <param name="state">The state.</param>
    /// <param name="reason">Why; null when Healthy.</param>
    /// <param name="change">Further changes; null = none.</param>
    public void Publish(ServerState state, string? reason, Func<ServerSnapshot, ServerSnapshot>? change = null)
    {
        var old = cell.Current;

        // Detached within this turn, and its successor not attached yet: calls that come now must meet neither a gap nor a refusal. The detached one passes them on.
        var isBetween = Instance is null && state is (ServerState.Healthy or ServerState.Degraded);
        var next = old with
        {
            Version = old.Version + 1,
            State = state,
            Reason = reason,
            Since = state == old.State ? old.Since : resources.Time.GetUtcNow(),
            Shared = isBetween ? old.Shared : Instance?.Connection,
            Replicas = isBetween ? old.Replicas : Instance is null ? [] : Others() is { Length: > 0 } others ? [Instance.Connection, .. others] : [Instance.Connection],
            Backend = Instance is null ? null : _backend,
            ProcessId = Instance?.ProcessId,
            NextRetry = state == old.State ? old.NextRetry : null,
        };
        cell.Publish(change is null ? next : change(next));
    }

    /// <summary>Publishes a change that leaves state and reason as they are.</summary>
    public void PublishSame(Func<ServerSnapshot, ServerSnapshot> change) => Publish(cell.Current.State, cell.Current.Reason, change);

    /// <summary>Publishes the instance in service with its lists: Healthy, or Degraded with the reason.</summary>
    public void PublishServing(CatalogReading reading)
    {
        _serving = reading.IsComplete ? ServerState.Healthy : ServerState.Degraded;
        _flaw = reading.IsComplete ? null : resources.Redactor.Redact("not all of its lists could be read: " + string.Join(" ", reading.Notes.Take(3)));
        var tools = resources.InProcess.FindTools(cell.Current.Config);
        PublishComposed(
            snapshot => snapshot with
            {
                // The same object for the same lists: whoever compared with it need not compare again.
                Catalog = CatalogComparison.AreEqual(snapshot.Catalog, reading.Catalog) ? snapshot.Catalog : reading.Catalog,
                Deployment = DeploymentState.Deployed,
                Tools = tools,
            });
    }

    /// <summary>Publishes that a flood of the instance in service began or is over.</summary>
    public void PublishFlood()
    {
        _flood = Instance?.Connection.Flood;
        PublishComposed();
    }

    /// <summary>Publishes what the health checks of the instance in service say: Unhealthy refuses calls with the reason, while the instance stays.</summary>
    public void PublishHealth(HealthVerdict verdict)
    {
        _health = verdict;
        PublishComposed(verdict.State == ServerState.Unhealthy ? snapshot => snapshot with { LastFailure = verdict.Reason, NextRetry = verdict.NextCheck } : null);
    }

    private void PublishComposed(Func<ServerSnapshot, ServerSnapshot>? change = null)
    {
        var (state, reason) = _health.State == ServerState.Unhealthy ? (ServerState.Unhealthy, _health.Reason)
            : _flood is not null ? (ServerState.Degraded, _flood)
            : _health.State == ServerState.Degraded ? (ServerState.Degraded, _health.Reason)
            : (_serving, _flaw);
        Publish(state, reason, change);
    }
}
