using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Fairlead.Catalog;
using Fairlead.Upstreams;

namespace Fairlead.Routing;

/// <summary>All servers at one moment, in configuration order.</summary>
/// <param name="Version">Rises by one with each snapshot.</param>
/// <param name="InOrder">The cells in configuration order.</param>
/// <param name="ByName">The cells by name.</param>
internal sealed record FleetSnapshot(long Version, ServerCell[] InOrder, FrozenDictionary<string, ServerCell> ByName)
{
    /// <summary>No servers.</summary>
    public static FleetSnapshot Empty { get; } = new(0, [], FrozenDictionary<string, ServerCell>.Empty);
}

/// <summary>Where the request path finds servers and lists. Written by the control plane, read by everybody without a lock.</summary>
internal sealed class Fleet
{
    private volatile FleetSnapshot _current = FleetSnapshot.Empty;
    private volatile TaskCompletionSource _republished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile CatalogSnapshot _aggregate = CatalogSnapshot.Empty;

    /// <summary>The servers of the moment.</summary>
    public FleetSnapshot Current => _current;

    /// <summary>What the aggregate endpoint offers.</summary>
    public CatalogSnapshot Aggregate => _aggregate;

    /// <summary>Raised after lists have changed and the change can be read: the endpoint whose lists changed, or null for the aggregate. Handlers must not block.</summary>
    public event Action<NamedEndpoint?, CatalogChanges>? CatalogChanged;

    /// <summary>Raised when an instance that belongs to a single owner has other lists than before; which owner is not told. Handlers must not block.</summary>
    public event Action<ServerCell, CatalogChanges>? OwnListsChanged;

    /// <summary>Raised when a server told of an updated resource: the server and the raw URI token in the server's own words.</summary>
    public event Action<ServerCell, byte[]>? ResourceUpdated;

    /// <summary>Raised when a server told how a task fares (<c>notifications/tasks/status</c> of 2025-11-25), in the server's own words. Handlers must not block.</summary>
    public event Action<ServerCell, UpstreamConnection, CallMessage>? TaskChanged;

    /// <summary>Raised once, soon after <see cref="IsShuttingDown"/> was set. Handlers must not block.</summary>
    public event Action? ShutdownBegun;

    /// <summary>Whether new calls are refused because Fairlead is stopping.</summary>
    public bool IsShuttingDown { get; set; }

    /// <summary>Completes when lists need not wait any more for servers that are starting (decision 12). Set by the control plane.</summary>
    public Task FirstListWait { get; set; } = Task.CompletedTask;

    /// <summary>Completes at the next change of any server's state, and when servers are added or removed. For people who watch; the request path never waits for all.</summary>
    public Task AnyChange()
    {
        var republished = _republished.Task;
        return Task.WhenAny([republished, .. _current.InOrder.Select(static cell => cell.Changed)]);
    }

    /// <summary>Finds a server by its name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out ServerCell? cell) => _current.ByName.TryGetValue(name, out cell);

    /// <summary>The profiles by name. They do not change.</summary>
    public FrozenDictionary<string, ProfileEndpoint> Profiles { get; init; } = FrozenDictionary<string, ProfileEndpoint>.Empty;

    /// <summary>Finds the endpoint that a session knows by its name; null for the aggregate, and for one that is gone.</summary>
    public NamedEndpoint? FindEndpoint(string? name)
    {
        if (name is null)
        {
            return null;
        }

        return name.StartsWith(ProfileEndpoint.Prefix, StringComparison.Ordinal)
            ? Profiles.GetValueOrDefault(name[ProfileEndpoint.Prefix.Length..])
            : _current.ByName.GetValueOrDefault(name);
    }

    /// <summary>Whether a server is reached at the endpoint of this name; null = the aggregate.</summary>
    public bool Serves(string? endpoint, ServerCell server) => endpoint is null || FindEndpoint(endpoint)?.Serves(server) == true;

    /// <summary>Ends what belongs to an owner who has gone: a legacy session that ended. Any thread; returns at once.</summary>
    public void ReleaseOwner(object owner)
    {
        foreach (var cell in _current.InOrder)
        {
            cell.ReleaseOwner(owner);
        }
    }

    /// <summary>Publishes another set of servers. Only the control plane calls it.</summary>
    public void Publish(FleetSnapshot snapshot)
    {
        _current = snapshot;
        var told = _republished;
        _republished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        told.TrySetResult();
    }

    /// <summary>Publishes the aggregate and tells everybody what changed. Only the catalogue calls it.</summary>
    public void PublishAggregate(CatalogSnapshot snapshot, CatalogChanges changes)
    {
        _aggregate = snapshot;
        if (changes != CatalogChanges.None)
        {
            CatalogChanged?.Invoke(null, changes);
        }
    }

    /// <summary>Tells everybody that the lists of an endpoint beside the aggregate changed. Only the catalogue calls it.</summary>
    public void Announce(NamedEndpoint endpoint, CatalogChanges changes) => CatalogChanged?.Invoke(endpoint, changes);

    /// <summary>Tells sessions that one of a server's instances which belong to single owners has other lists than before.</summary>
    public void AnnounceOwn(ServerCell cell, CatalogChanges changes) => OwnListsChanged?.Invoke(cell, changes);

    /// <summary>Tells everybody that Fairlead stops. Only the manager calls it, once.</summary>
    public void AnnounceShutdown() => ShutdownBegun?.Invoke();

    /// <summary>Tells everybody that a resource changed.</summary>
    public void AnnounceResource(ServerCell cell, byte[] uriToken) => ResourceUpdated?.Invoke(cell, uriToken);

    /// <summary>Tells everybody how a task fares.</summary>
    public void AnnounceTask(ServerCell cell, UpstreamConnection connection, CallMessage status) => TaskChanged?.Invoke(cell, connection, status);
}
