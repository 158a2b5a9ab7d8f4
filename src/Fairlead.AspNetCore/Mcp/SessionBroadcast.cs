using System.Text;
using Fairlead.Catalog;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.Sessions;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Tells legacy sessions, on their standalone stream, what changed: lists and resources they subscribed to.</summary>
internal sealed class SessionBroadcast : IDisposable
{
    private readonly Fleet _fleet;
    private readonly SessionTable _sessions;
    private readonly ResourceSubscriptions _subscriptions;

    /// <summary>Listens until disposed.</summary>
    public SessionBroadcast(Fleet fleet, SessionTable sessions, ResourceSubscriptions subscriptions)
    {
        _fleet = fleet;
        _sessions = sessions;
        _subscriptions = subscriptions;
        fleet.CatalogChanged += ListsChanged;
        fleet.ResourceUpdated += ResourceUpdated;
        sessions.Ended += SessionEnded;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _fleet.CatalogChanged -= ListsChanged;
        _fleet.ResourceUpdated -= ResourceUpdated;
        _sessions.Ended -= SessionEnded;
    }

    /// <summary>The three list_changed notifications, ready to send.</summary>
    public static IEnumerable<string> Notifications(CatalogChanges changes)
    {
        if (changes.HasFlag(CatalogChanges.Tools))
        {
            yield return "notifications/tools/list_changed";
        }

        if (changes.HasFlag(CatalogChanges.Prompts))
        {
            yield return "notifications/prompts/list_changed";
        }

        if (changes.HasFlag(CatalogChanges.Resources))
        {
            yield return "notifications/resources/list_changed";
        }
    }

    private void ListsChanged(ServerCell? cell, CatalogChanges changes)
    {
        foreach (var method in Notifications(changes))
        {
            var message = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","method":"{{method}}"}""");
            foreach (var session in _sessions.All)
            {
                if (session.Endpoint == cell?.Name)
                {
                    session.Log.Standalone.Append(message);
                }
            }
        }
    }

    private void ResourceUpdated(ServerCell cell, byte[] uriToken)
    {
        var uri = Encoding.UTF8.GetString(uriToken);
        byte[]? message = null;
        foreach (var session in _sessions.All)
        {
            if (session.Subscriptions.TryGetValue(uri, out var server) && ReferenceEquals(server, cell))
            {
                message ??= Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":{{{uri}}}}}""");
                session.Log.Standalone.Append(message);
            }
        }
    }

    private void SessionEnded(LegacySession session)
    {
        _fleet.ReleaseOwner(session);
        foreach (var (uri, cell) in session.Subscriptions)
        {
            // Whoever unsubscribes last ends the upstream subscription; the server may be gone already, which is as good.
            _ = _subscriptions.RemoveAsync(cell, Encoding.UTF8.GetBytes(uri));
        }
    }
}
