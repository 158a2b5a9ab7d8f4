using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Fairlead.Catalog;
using Fairlead.Routing;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>The listen streams that are open, and what they are told. One subscription to the fleet for all of them: a stream comes and goes at the same cost however many there are.</summary>
internal sealed class Listeners : IDisposable
{
    private readonly Fleet _fleet;
    private readonly ConcurrentDictionary<Listener, bool> _open = new();

    /// <summary>Listens until disposed.</summary>
    public Listeners(Fleet fleet)
    {
        _fleet = fleet;
        fleet.CatalogChanged += ListsChanged;
        fleet.ResourceUpdated += ResourceUpdated;
        fleet.ShutdownBegun += ShutdownBegun;
    }

    /// <summary>How many there are, counted now.</summary>
    public int Count => _open.Count;

    /// <summary>Tells a stream of changes from here on.</summary>
    public void Add(Listener listener) => _open.TryAdd(listener, true);

    /// <summary>A stream has ended.</summary>
    public void Remove(Listener listener) => _open.TryRemove(listener, out _);

    /// <inheritdoc/>
    public void Dispose()
    {
        _fleet.CatalogChanged -= ListsChanged;
        _fleet.ResourceUpdated -= ResourceUpdated;
        _fleet.ShutdownBegun -= ShutdownBegun;
    }

    private void ListsChanged(NamedEndpoint? changed, CatalogChanges changes)
    {
        foreach (var (listener, _) in _open)
        {
            listener.ListsChanged(changed, changes);
        }
    }

    private void ResourceUpdated(ServerCell server, byte[] uri)
    {
        if (_open.IsEmpty)
        {
            return;
        }

        var updated = new SubscribedResource(server, SubscribedResource.Spell(uri));
        foreach (var (listener, _) in _open)
        {
            listener.ResourceUpdated(updated);
        }
    }

    private void ShutdownBegun()
    {
        foreach (var (listener, _) in _open)
        {
            listener.End();
        }
    }
}

/// <summary>What one listen stream is to be told: written by whoever learns of a change, read by the stream.</summary>
/// <param name="endpoint">Whose lists it hears of; null = the aggregate's.</param>
/// <param name="lists">Which of them.</param>
/// <param name="id">The raw id token of the request.</param>
internal sealed class Listener(NamedEndpoint? endpoint, CatalogChanges lists, byte[] id)
{
    // A client that does not read loses old changes, not new ones: "changed" twice says no more than once.
    private const int QueueMax = 64;

    private readonly Channel<byte[]> _queue = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(QueueMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    /// <summary>Resources that a server agreed to tell about, by the client's raw URI tokens. Updates are looked up while more are added.</summary>
    public ConcurrentDictionary<string, SubscribedResource> Subscribed { get; } = new(StringComparer.Ordinal);

    /// <summary>The messages, in order; it ends when Fairlead stops.</summary>
    public ChannelReader<byte[]> Messages => _queue.Reader;

    /// <summary>Sends a message to the client; the oldest one that it has not read gives way.</summary>
    public void Tell(byte[] message) => _queue.Writer.TryWrite(message);

    /// <summary>Lists of an endpoint have changed.</summary>
    public void ListsChanged(NamedEndpoint? changed, CatalogChanges changes)
    {
        if (!ReferenceEquals(changed, endpoint) || (changes & lists) == CatalogChanges.None)
        {
            return;
        }

        foreach (var method in SessionBroadcast.Notifications(changes & lists))
        {
            Tell(Notification(method, default, id));
        }
    }

    /// <summary>A resource has changed.</summary>
    public void ResourceUpdated(SubscribedResource updated)
    {
        foreach (var (known, resource) in Subscribed)
        {
            if (resource == updated)
            {
                Tell(Notification("notifications/resources/updated", Encoding.UTF8.GetBytes(known), id));
            }
        }
    }

    /// <summary>Nothing follows.</summary>
    public void End() => _queue.Writer.TryComplete();

    private static byte[] Notification(string method, ReadOnlySpan<byte> uri, ReadOnlySpan<byte> id)
    {
        ReadOnlySpan<byte> member = uri.IsEmpty ? default : "\"uri\":"u8;
        ReadOnlySpan<byte> comma = uri.IsEmpty ? default : ","u8;
        return
        [
            .. "{\"jsonrpc\":\"2.0\",\"method\":\""u8, .. Encoding.ASCII.GetBytes(method), .. "\",\"params\":{"u8, .. member, .. uri, .. comma,
            .. "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":"u8, .. id, .. "}}}"u8,
        ];
    }
}
