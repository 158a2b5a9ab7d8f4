using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Fairlead.Catalog;
using Fairlead.Exchanges.Tasks;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary><c>subscriptions/listen</c> of 2026-07-28 (protocol.md 3): an acknowledgement, then only what was asked for, each tagged with the request's id, until the client closes.</summary>
internal sealed class ListenStream
{
    // A client that does not read loses old changes, not new ones: "changed" twice says no more than once.
    private const int QueueMax = 64;

    private readonly McpFront _front;

    /// <summary>Handles requests for <paramref name="front"/>.</summary>
    public ListenStream(McpFront front) => _front = front;

    /// <summary>Handles one listen from its beginning to its end.</summary>
    public async Task HandleAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body, Envelope envelope)
    {
        var id = envelope.Id.Of(body.Span).ToArray();
        if (Filter.Read(body, envelope) is not { } filter)
        {
            await JsonRpcReply.ErrorAsync(context, 400, -32602, "params.notifications must be an object that names what to listen to.", id).ConfigureAwait(false);
            return;
        }

        var queue = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(QueueMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        void ListsChanged(NamedEndpoint? changed, CatalogChanges changes)
        {
            if (ReferenceEquals(changed, cell))
            {
                foreach (var method in SessionBroadcast.Notifications(changes & filter.Lists))
                {
                    queue.Writer.TryWrite(Notification(method, default, id));
                }
            }
        }

        void ResourceUpdated(ServerCell server, byte[] uri)
        {
            var updated = new SubscribedResource(server, SubscribedResource.Spell(uri));
            foreach (var (known, resource) in filter.Subscribed)
            {
                if (resource == updated)
                {
                    queue.Writer.TryWrite(Notification("notifications/resources/updated", Encoding.UTF8.GetBytes(known), id));
                }
            }
        }

        _front.Fleet.CatalogChanged += ListsChanged;
        _front.Fleet.ResourceUpdated += ResourceUpdated;
        TaskListen? tasks = null;
        try
        {
            await SubscribeAsync(filter, cell, context.RequestAborted).ConfigureAwait(false);
            if (filter.TaskIds.Length > 0)
            {
                tasks = await TaskListen.StartAsync(
                    _front.Tasks, cell, filter.TaskIds, id, message => queue.Writer.TryWrite(message), _front.TimeProvider, context.RequestAborted).ConfigureAwait(false);
            }

            var response = await SseResponse.StartAsync(context, _front).ConfigureAwait(false);
            await response.WriteAsync(Acknowledgement(filter, tasks?.Honoured ?? [], id)).ConfigureAwait(false);
            while (response.IsOpen)
            {
                var more = queue.Reader.WaitToReadAsync(context.RequestAborted).AsTask();
                await KeepAlive.UntilAsync(more, response.WriteKeepAliveAsync, _front.TimeProvider, context.RequestAborted).ConfigureAwait(false);
                while (queue.Reader.TryRead(out var message))
                {
                    await response.WriteAsync(message).ConfigureAwait(false);
                }

                if (_front.Fleet.IsShuttingDown)
                {
                    // A graceful end is an ordinary result (protocol.md 3).
                    await response.WriteAsync(Goodbye(id)).ConfigureAwait(false);
                    return;
                }
            }
        }
        finally
        {
            _front.Fleet.CatalogChanged -= ListsChanged;
            _front.Fleet.ResourceUpdated -= ResourceUpdated;
            if (tasks is not null)
            {
                await tasks.DisposeAsync().ConfigureAwait(false);
            }

            foreach (var resource in filter.Subscribed.Values)
            {
                await _front.Subscriptions.RemoveAsync(resource).ConfigureAwait(false);
            }
        }
    }

    private async Task SubscribeAsync(Filter filter, NamedEndpoint? cell, CancellationToken cancellationToken)
    {
        foreach (var uri in filter.Wanted)
        {
            // What no server can do is left out of the acknowledgement (protocol.md 6).
            var token = Encoding.UTF8.GetBytes(uri);
            if (!_front.OfferedAt(cell).TryRoute(ListKind.Resources, token, out var route))
            {
                continue;
            }

            var resource = SubscribedResource.At(route, token);
            if (await _front.Subscriptions.AddAsync(resource, cancellationToken).ConfigureAwait(false) is null)
            {
                filter.Subscribed[uri] = resource;
            }
        }
    }

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

    private static byte[] Acknowledgement(Filter filter, IReadOnlyList<string> taskIds, ReadOnlySpan<byte> id)
    {
        var honoured = new List<string>();
        if (filter.Lists.HasFlag(CatalogChanges.Tools))
        {
            honoured.Add("\"toolsListChanged\":true");
        }

        if (filter.Lists.HasFlag(CatalogChanges.Prompts))
        {
            honoured.Add("\"promptsListChanged\":true");
        }

        if (filter.Lists.HasFlag(CatalogChanges.Resources))
        {
            honoured.Add("\"resourcesListChanged\":true");
        }

        if (!filter.Subscribed.IsEmpty)
        {
            honoured.Add("\"resourceSubscriptions\":[" + string.Join(',', filter.Wanted.Where(filter.Subscribed.ContainsKey)) + "]");
        }

        if (taskIds.Count > 0)
        {
            honoured.Add("\"taskIds\":[" + string.Join(',', taskIds) + "]");
        }

        return
        [
            .. "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":{"u8,
            .. Encoding.UTF8.GetBytes(string.Join(',', honoured)), .. "},\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":"u8, .. id, .. "}}}"u8,
        ];
    }

    private static byte[] Goodbye(ReadOnlySpan<byte> id) =>
    [
        .. "{\"jsonrpc\":\"2.0\",\"id\":"u8, .. id, .. ",\"result\":{\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":"u8, .. id, .. "}}}"u8,
    ];

    /// <summary>What one listen asked for.</summary>
    private sealed record Filter(CatalogChanges Lists, string[] Wanted, string[] TaskIds)
    {
        /// <summary>Resources that a server agreed to tell about, by the client's raw URI tokens. Updates are looked up while more are added.</summary>
        public ConcurrentDictionary<string, SubscribedResource> Subscribed { get; } = new(StringComparer.Ordinal);

        public static Filter? Read(ReadOnlyMemory<byte> body, in Envelope envelope)
        {
            using var document = JsonDocument.Parse(body.Slice(envelope.Params.Start, envelope.Params.Length));
            if (!document.RootElement.TryGetProperty("notifications", out var wanted) || wanted.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            var lists = (IsTrue(wanted, "toolsListChanged") ? CatalogChanges.Tools : CatalogChanges.None)
                | (IsTrue(wanted, "promptsListChanged") ? CatalogChanges.Prompts : CatalogChanges.None)
                | (IsTrue(wanted, "resourcesListChanged") ? CatalogChanges.Resources : CatalogChanges.None);
            var mayHearOfTasks = TaskForms.DeclaresExtension(body.Span, envelope.MetaClientCapabilities);
            return new Filter(lists, Texts(wanted, "resourceSubscriptions"), mayHearOfTasks ? Texts(wanted, "taskIds") : []);
        }

        private static string[] Texts(JsonElement element, string name) => element.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Where(text => text.ValueKind == JsonValueKind.String).Select(text => text.GetRawText()).Distinct().ToArray()
            : [];

        private static bool IsTrue(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
    }
}
