using System.Text;
using Fairlead.Catalog;
using Fairlead.Diagnostics;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Tells legacy sessions, on their standalone stream, what changed: lists and resources they subscribed to.</summary>
internal sealed partial class SessionBroadcast : IDisposable
{
    private static readonly CatalogChanges[] s_kinds = [CatalogChanges.Tools, CatalogChanges.Prompts, CatalogChanges.Resources];

    private readonly Fleet _fleet;
    private readonly SessionTable _sessions;
    private readonly ResourceSubscriptions _subscriptions;
    private readonly ILogger _logger;

    /// <summary>Listens until disposed.</summary>
    public SessionBroadcast(Fleet fleet, SessionTable sessions, ResourceSubscriptions subscriptions, ILogger logger)
    {
        _fleet = fleet;
        _sessions = sessions;
        _subscriptions = subscriptions;
        _logger = logger;
        fleet.CatalogChanged += ListsChanged;
        fleet.OwnListsChanged += OwnListsChanged;
        fleet.ResourceUpdated += ResourceUpdated;
        sessions.Ended += SessionEnded;
        sessions.Revived += SessionRevived;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _fleet.CatalogChanged -= ListsChanged;
        _fleet.OwnListsChanged -= OwnListsChanged;
        _fleet.ResourceUpdated -= ResourceUpdated;
        _sessions.Ended -= SessionEnded;
        _sessions.Revived -= SessionRevived;
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

    private void ListsChanged(NamedEndpoint? cell, CatalogChanges changes) => Tell(changes, session => session.Endpoint == cell?.Name);

    private void OwnListsChanged(ServerCell cell, CatalogChanges changes) => Tell(changes, session => _fleet.Serves(session.Endpoint, cell));

    private void Tell(CatalogChanges changes, Func<LegacySession, bool> isConcerned)
    {
        foreach (var method in Notifications(changes))
        {
            var message = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","method":"{{method}}"}""");
            foreach (var session in _sessions.All)
            {
                if (isConcerned(session))
                {
                    session.Log.Standalone.Append(message);
                }
            }
        }
    }

    private void ResourceUpdated(ServerCell cell, byte[] uriToken)
    {
        var updated = new SubscribedResource(cell, SubscribedResource.Spell(uriToken));
        foreach (var session in _sessions.All)
        {
            // The client may know the resource by another URI than the server, so its own subscription is searched for.
            foreach (var (uri, resource) in session.Subscriptions)
            {
                if (resource == updated)
                {
                    session.Log.Standalone.Append(Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":{{{uri}}}}}"""));
                }
            }
        }
    }

    /// <summary>Tells a client whose session goes on after a restart what it cannot know: lists may have changed meanwhile, and what was kept for it is gone.</summary>
    private void SessionRevived(LegacySession session)
    {
        LogRevived(_logger, session.Endpoint ?? "all servers", session.Created);
        var capabilities = (_fleet.FindEndpoint(session.Endpoint)?.Offered ?? _fleet.Aggregate).Capabilities(modern: false).Span;
        foreach (var change in s_kinds)
        {
            // Only what was declared at initialize may be sent (2025-11-25, server/tools, Capabilities).
            if (Declares(capabilities, change))
            {
                foreach (var method in Notifications(change))
                {
                    session.Log.Standalone.Append(Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","method":"{{method}}"}"""));
                }
            }
        }

        if (JsonMembers.TryFind(capabilities, new ByteRange(0, capabilities.Length), "logging"u8, out _))
        {
            session.Log.Standalone.Append(
            [
                .. "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"notice\",\"logger\":\"fairlead\",\"data\":"u8,
                .. "\"Fairlead was restarted. This session goes on; its resource subscriptions, its log level and answers that were under way are lost.\"}}"u8,
            ]);
        }
    }

    private static bool Declares(ReadOnlySpan<byte> capabilities, CatalogChanges change)
    {
        var name = change switch
        {
            CatalogChanges.Tools => "tools"u8,
            CatalogChanges.Prompts => "prompts"u8,
            _ => "resources"u8,
        };
        return JsonMembers.TryFind(capabilities, new ByteRange(0, capabilities.Length), name, out _);
    }

    private void SessionEnded(LegacySession session)
    {
        _fleet.ReleaseOwner(session);
        foreach (var resource in session.Subscriptions.Values)
        {
            // Whoever unsubscribes last ends the upstream subscription; the server may be gone already, which is as good.
            _ = _subscriptions.RemoveAsync(resource);
        }
    }

    [LoggerMessage(EventIds.SessionRevived, LogLevel.Debug, "A session at {Endpoint} that began {Created:u} goes on in this process.")]
    private static partial void LogRevived(ILogger logger, string endpoint, DateTimeOffset created);
}
