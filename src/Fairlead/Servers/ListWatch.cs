using System.Text;
using Fairlead.Actors;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>Reads a server's lists, reads them again when the server says that they changed, and passes on which resources were updated.</summary>
/// <remarks>Notifications come on the reader's thread: it is never held.</remarks>
internal sealed partial class ListWatch : IDisposable
{
    // A hint of 0 says that nothing may be kept, not that the list changes all the time.
    private const long PollMsMin = 60_000;
    private const long PollMsMax = 300_000;

    private readonly FleetResources _resources;
    private readonly ServerCell _cell;
    private readonly BackgroundWork _work;
    private readonly Func<UpstreamConnection, CatalogReading, Task> _publish;
    private readonly ILogger _logger;
    private readonly ListChangeDebouncer _debouncer;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private volatile UpstreamConnection? _changed;
    private volatile bool _missed;

    /// <summary>Watches nothing yet.</summary>
    /// <param name="resources">What all servers share.</param>
    /// <param name="cell">The server.</param>
    /// <param name="work">Keeps the readings.</param>
    /// <param name="publish">Told of lists that were read again.</param>
    /// <param name="logger">The server's log.</param>
    public ListWatch(FleetResources resources, ServerCell cell, BackgroundWork work, Func<UpstreamConnection, CatalogReading, Task> publish, ILogger logger)
    {
        _resources = resources;
        _cell = cell;
        _work = work;
        _publish = publish;
        _logger = logger;
        _debouncer = new ListChangeDebouncer(resources.Time, changes => _work.Run(() => ReadAgainAsync(changes)));
    }

    /// <summary>Reads all lists. Never throws for what the server does: what it did not give is taken from what was known.</summary>
    public Task<CatalogReading> ReadAllAsync(ServerConfig config, UpstreamConnection connection, CancellationToken cancellationToken) =>
        ReadAsync(config, connection, CatalogChanges.None, cancellationToken);

    /// <summary>Tells that a connection has come into service; what it signalled before that is looked at again.</summary>
    public void Adopted(UpstreamConnection connection)
    {
        if (_missed)
        {
            _missed = false;
            Suspect(connection);
        }
    }

    /// <summary>Reads all lists again soon, as after a session that the server had forgotten.</summary>
    public void Suspect(UpstreamConnection connection) => Signal(connection, CatalogChanges.Tools | CatalogChanges.Prompts | CatalogChanges.Resources);

    /// <summary>Reads all lists again whenever they have become stale by the server's own words (2026-07-28, basic/utilities/caching), for servers that do not tell of changes. Until cancelled.</summary>
    public async Task PollAsync(UpstreamConnection connection, CancellationToken cancellationToken)
    {
        while (true)
        {
            var ttlMs = _cell.Current.Catalog.Hints.Where(static hint => hint.TtlMs != 0).Select(static hint => hint.TtlMs).DefaultIfEmpty(long.MaxValue).Min();
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Clamp(ttlMs, PollMsMin, PollMsMax)), _resources.Time, cancellationToken).ConfigureAwait(false);
            Suspect(connection);
        }
    }

    /// <summary>Reads the tools again, publishes them, and gives the custom headers of one of them.</summary>
    /// <param name="connection">Whose tools.</param>
    /// <param name="tool">The raw string token of the tool's name.</param>
    /// <param name="cancellationToken">Ends the wait and the reading.</param>
    /// <returns>Null when the tool wants none or is gone.</returns>
    public async Task<McpHeaderParameter[]?> HeadersOfAsync(UpstreamConnection connection, byte[] tool, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _end.Token);
        await ReadAndPublishAsync(connection, CatalogChanges.Tools, either.Token).ConfigureAwait(false);
        return _cell.Current.Catalog.Tools.FirstOrDefault(entry => JsonText.Equals(tool, Encoding.UTF8.GetBytes(entry.Name))) is { Headers.Length: > 0 } found ? found.Headers : null;
    }

    /// <summary>Receives a notification that belongs to no call. Never blocks.</summary>
    public void Notified(UpstreamConnection connection, CallMessage message)
    {
        switch (message.Envelope.KnownMethod)
        {
            case McpMethod.NotificationsToolsListChanged:
                Signal(connection, CatalogChanges.Tools);
                break;
            case McpMethod.NotificationsPromptsListChanged:
                Signal(connection, CatalogChanges.Prompts);
                break;
            case McpMethod.NotificationsResourcesListChanged:
                Signal(connection, CatalogChanges.Resources);
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

    /// <summary>Ends readings, begun or not.</summary>
    public void Stop()
    {
        _debouncer.Dispose();
        _end.Cancel();
    }

    /// <summary>After <see cref="Stop"/>, when no reading is under way any more.</summary>
    public void Dispose()
    {
        _debouncer.Dispose();
        _end.Dispose();
        _oneAtATime.Dispose();
    }

    private void Signal(UpstreamConnection connection, CatalogChanges changes)
    {
        if (_cell.Current.Shared != connection)
        {
            // Not in service, or not yet: what it says must not hide what the one in service says.
            _missed = true;
            return;
        }

        _changed = connection;
        _debouncer.Signal(changes);
    }

    private async Task ReadAgainAsync(CatalogChanges changes)
    {
        if (_changed is not { } connection || _cell.Current.Shared != connection)
        {
            _missed = true;
            return;
        }

        await ReadAndPublishAsync(connection, changes, _end.Token).ConfigureAwait(false);
    }

    private async Task ReadAndPublishAsync(UpstreamConnection connection, CatalogChanges changes, CancellationToken cancellationToken)
    {
        // One after the other, publishing included: an older reading must not be published after a later one.
        await _oneAtATime.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _publish(connection, await ReadAsync(_cell.Current.Config, connection, changes, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private async Task<CatalogReading> ReadAsync(ServerConfig config, UpstreamConnection connection, CatalogChanges which, CancellationToken cancellationToken)
    {
        var reader = new ServerCatalogReader(_resources.Options.Limits, config.EffectiveTransport, TimeSpan.FromMilliseconds(config.TimeoutMs));
        var reading = await reader.ReadAsync(connection, _cell.Current.Catalog, which, cancellationToken).ConfigureAwait(false);
        foreach (var note in reading.Notes)
        {
            LogNote(_logger, connection.Server, note);
        }

        return reading;
    }

    [LoggerMessage(EventIds.ServerListsFailed, LogLevel.Warning, "Server {Server}: {Note}")]
    private static partial void LogNote(ILogger logger, string server, string note);
}
