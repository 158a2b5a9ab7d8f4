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

        // Told of changes from before its subscriptions stand, so that none between is missed.
        var listener = new Listener(cell, filter.Lists, id);
        _front.Listeners.Add(listener);
        TaskListen? tasks = null;
        try
        {
            await SubscribeAsync(filter, listener, cell, context.RequestAborted).ConfigureAwait(false);
            if (filter.TaskIds.Length > 0)
            {
                tasks = await TaskListen.StartAsync(
                    _front.Tasks, cell, filter.TaskIds, id, listener.Tell, _front.TimeProvider, context.RequestAborted).ConfigureAwait(false);
            }

            var response = await SseResponse.StartAsync(context, _front).ConfigureAwait(false);
            await response.WriteAsync(Acknowledgement(filter, listener, tasks?.Honoured ?? [], id)).ConfigureAwait(false);
            while (response.IsOpen)
            {
                if (_front.Fleet.IsShuttingDown)
                {
                    // A graceful end is an ordinary result (protocol.md 3).
                    await response.WriteAsync(Goodbye(id)).ConfigureAwait(false);
                    return;
                }

                var more = listener.Messages.WaitToReadAsync(context.RequestAborted).AsTask();
                await KeepAlive.UntilAsync(more, response.WriteKeepAliveAsync, _front.TimeProvider, context.RequestAborted).ConfigureAwait(false);
                while (response.IsOpen && listener.Messages.TryRead(out var message))
                {
                    await response.WriteAsync(message).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _front.Listeners.Remove(listener);
            if (tasks is not null)
            {
                await tasks.DisposeAsync().ConfigureAwait(false);
            }

            foreach (var resource in listener.Subscribed.Values)
            {
                await _front.Subscriptions.RemoveAsync(resource).ConfigureAwait(false);
            }
        }
    }

    private async Task SubscribeAsync(Filter filter, Listener listener, NamedEndpoint? cell, CancellationToken cancellationToken)
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
                listener.Subscribed[uri] = resource;
            }
        }
    }

    private static byte[] Acknowledgement(Filter filter, Listener listener, IReadOnlyList<string> taskIds, ReadOnlySpan<byte> id)
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

        if (!listener.Subscribed.IsEmpty)
        {
            honoured.Add("\"resourceSubscriptions\":[" + string.Join(',', filter.Wanted.Where(listener.Subscribed.ContainsKey)) + "]");
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
