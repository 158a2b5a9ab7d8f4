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

    // Not disposed: a reading may hold it when the instance ends.
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private volatile UpstreamConnection? _connection;
    private volatile LessOffered? _less;

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

    /// <summary>What the instance lacks that the shared one has; null when nothing, or when that is not known.</summary>
    public LessOffered? Less => _less;

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

        // One after the other: an older reading must not take the place of a later one.
        try
        {
            await _oneAtATime.WaitAsync(_end.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            return;
        }

        try
        {
            await ReadAsync(connection, _cell.Current).ConfigureAwait(false);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private async Task ReadAsync(UpstreamConnection connection, ServerSnapshot snapshot)
    {
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

        var before = _less;
        _less = LessOffered.Between(snapshot.Catalog, reading.Catalog);
        var changes = LessOffered.Changes(before, _less);
        if (changes != CatalogChanges.None)
        {
            _resources.Fleet.AnnounceOwn(_cell, changes);
        }
    }
}
