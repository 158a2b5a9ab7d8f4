using Fairlead.Actors;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Servers;

/// <summary>What an instance of one owner has to offer: servers show some tools only to clients that declared something. Read once, and again when the instance says so.</summary>
/// <remarks>One for each instance; ends with it.</remarks>
internal sealed class OwnLists : IDisposable
{
    private readonly FleetResources _resources;
    private readonly ServerCell _cell;
    private readonly ListChangeDebouncer _debouncer;
    private readonly CancellationTokenSource _end = new();
    private volatile UpstreamConnection? _connection;
    private volatile Reading? _last;

    /// <summary>Watches nothing yet.</summary>
    /// <param name="resources">What all servers share.</param>
    /// <param name="cell">The server.</param>
    /// <param name="work">Keeps the readings.</param>
    public OwnLists(FleetResources resources, ServerCell cell, BackgroundWork work)
    {
        _resources = resources;
        _cell = cell;
        _debouncer = new ListChangeDebouncer(resources.Time, _ => work.Run(ReadAsync));
    }

    /// <summary>What the instance offers; null when that is what the shared one offers, or is not known for its lists as they are now.</summary>
    public ServerCatalog? Differing => _last is { } last && ReferenceEquals(last.Shared, _cell.Current.Catalog) ? last.Own : null;

    /// <summary>Receives a notification of the instance that belongs to no call. Never blocks.</summary>
    public void Notified(UpstreamConnection connection, CallMessage message)
    {
        switch (message.Envelope.KnownMethod)
        {
            case McpMethod.NotificationsToolsListChanged or McpMethod.NotificationsPromptsListChanged or McpMethod.NotificationsResourcesListChanged:
                _debouncer.Signal(CatalogChanges.Tools);
                break;
            case McpMethod.NotificationsResourcesUpdated when message.Envelope.Uri.Exists:
                _resources.Fleet.AnnounceResource(_cell, message.Envelope.Uri.Of(message.Bytes).ToArray());
                break;
            case McpMethod.NotificationsTasksStatus:
                _resources.Fleet.AnnounceTask(_cell, connection, message);
                break;
            default:
                break;
        }
    }

    /// <summary>Reads the lists of an instance that is ready and keeps them, when they are not those of the shared instance.</summary>
    public Task ReadAsync(UpstreamConnection connection)
    {
        _connection = connection;
        return ReadAsync();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _debouncer.Dispose();
        _end.Cancel();
        _end.Dispose();
    }

    private async Task ReadAsync()
    {
        if (_connection is not { } connection)
        {
            return;
        }

        var snapshot = _cell.Current;
        var reader = new ServerCatalogReader(_resources.Options.Limits, snapshot.Config.EffectiveTransport, TimeSpan.FromMilliseconds(snapshot.Config.TimeoutMs));
        CatalogReading reading;
        try
        {
            reading = await reader.ReadAsync(connection, snapshot.Catalog, CatalogChanges.None, _end.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // The instance has ended.
            return;
        }

        // What could not be read is not known: the shared lists stand for it.
        if (!reading.IsComplete)
        {
            return;
        }

        var before = Differing ?? snapshot.Catalog;
        _last = OwnerLists.Differences(snapshot.Catalog, reading.Catalog) == CatalogChanges.None ? null : new Reading(snapshot.Catalog, reading.Catalog);
        var changes = OwnerLists.Differences(before, reading.Catalog);
        if (changes != CatalogChanges.None)
        {
            _resources.Fleet.AnnounceOwn(_cell, changes);
        }
    }

    private sealed record Reading(ServerCatalog Shared, ServerCatalog Own);
}
