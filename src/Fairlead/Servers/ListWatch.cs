using Fairlead.Actors;
using Fairlead.Catalog;
using Fairlead.Diagnostics;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>Reads a server's lists, and reads them again when the server says that they changed; passes on which resources were updated.</summary>
/// <remarks>Notifications come on the reader's thread: it is never held. Servers send them in storms (protocol.md 7), so one reading serves all that come within the debounce time.</remarks>
internal sealed partial class ListWatch : IDisposable
{
    private static readonly TimeSpan s_debounce = TimeSpan.FromMilliseconds(150);

    private readonly FleetResources _resources;
    private readonly ServerCell _cell;
    private readonly BackgroundWork _work;
    private readonly Func<UpstreamConnection, CatalogReading, Task> _publish;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private int _pending;

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
    }

    /// <summary>Reads all lists. Never throws for what the server does: what it did not give is taken from what was known.</summary>
    public async Task<CatalogReading> ReadAsync(UpstreamConnection connection, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var config = _cell.Current.Config;
            var reader = new ServerCatalogReader(_resources.Options.Limits, config.EffectiveTransport, TimeSpan.FromMilliseconds(config.TimeoutMs));
            var reading = await reader.ReadAsync(connection, _cell.Current.Catalog, CatalogChanges.None, cancellationToken).ConfigureAwait(false);
            foreach (var note in reading.Notes)
            {
                LogNote(_logger, connection.Server, note);
            }

            return reading;
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Receives a notification that belongs to no call. Never blocks.</summary>
    public void Notified(UpstreamConnection connection, CallMessage message)
    {
        switch (message.Envelope.KnownMethod)
        {
            case McpMethod.NotificationsToolsListChanged or McpMethod.NotificationsPromptsListChanged or McpMethod.NotificationsResourcesListChanged:
                if (Interlocked.Exchange(ref _pending, 1) == 0)
                {
                    _work.Run(() => ReadSoonAsync(connection));
                }

                break;
            case McpMethod.NotificationsResourcesUpdated when message.Envelope.Uri.Exists:
                _resources.Fleet.AnnounceResource(_cell, message.Envelope.Uri.Of(message.Bytes).ToArray());
                break;
            default:
                break;
        }
    }

    /// <summary>Ends readings, begun or not.</summary>
    public void Stop() => _end.Cancel();

    /// <summary>After <see cref="Stop"/>, when no reading is under way any more.</summary>
    public void Dispose()
    {
        _end.Dispose();
        _oneAtATime.Dispose();
    }

    private async Task ReadSoonAsync(UpstreamConnection connection)
    {
        await Task.Delay(s_debounce, _resources.Time, _end.Token).ConfigureAwait(false);
        Volatile.Write(ref _pending, 0);
        var reading = await ReadAsync(connection, _end.Token).ConfigureAwait(false);
        await _publish(connection, reading).ConfigureAwait(false);
    }

    [LoggerMessage(EventIds.ServerListsFailed, LogLevel.Warning, "Server {Server}: {Note}")]
    private static partial void LogNote(ILogger logger, string server, string note);
}
