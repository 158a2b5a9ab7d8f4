using Fairlead.Catalog;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Requests of a legacy session that change what it is told: log level and resource subscriptions.</summary>
internal static class LegacyRequests
{
    /// <summary><c>logging/setLevel</c>: kept for the session, and every legacy server of the endpoint that logs is set to the most verbose level that any session wants.
    /// An instance of the session's own is told with the session's next call.</summary>
    public static async Task SetLevelAsync(McpFront front, LegacyReply reply, NamedEndpoint? cell, LegacySession session, ReadOnlyMemory<byte> body, Envelope envelope)
    {
        var request = OwnRequest.Now(envelope, front.TimeProvider);
        var id = envelope.Id.Of(body.Span).ToArray();
        var level = envelope.Params.Exists && JsonMembers.TryFind(body.Span, envelope.Params, "level"u8, out var place) && LogLevels.IsKnown(place.Of(body.Span))
            ? JsonText.ToString(place.Of(body.Span))
            : null;
        if (level is null)
        {
            front.RecordOwn(request, body.Span, -32602, reply, session);
            await reply.ErrorAsync(
                200, -32602, $"params.level must be one of {LogSeverity.Names}.", id).ConfigureAwait(false);
            return;
        }

        session.SetLogLevel(level);
        var servers = cell is null ? front.Fleet.Current.InOrder : [.. front.Fleet.Current.InOrder.Where(cell.Serves)];
        await Task.WhenAll(servers.Select(server => TellAsync(front, server))).WaitAsync(reply.Gone).ConfigureAwait(false);
        front.RecordOwn(request, body.Span, 0, reply, session);
        await reply.ResultAsync(id, LegacyReply.NoResult).ConfigureAwait(false);
    }

    /// <summary><c>resources/subscribe</c> and <c>resources/unsubscribe</c>.</summary>
    public static async Task SubscribeAsync(McpFront front, LegacyReply reply, NamedEndpoint? cell, LegacySession session, ReadOnlyMemory<byte> body, Envelope envelope)
    {
        var request = OwnRequest.Now(envelope, front.TimeProvider);
        var id = envelope.Id.Of(body.Span).ToArray();
        var (code, message) = await SubscribeAsync(front, cell, session, envelope.KnownMethod, envelope.Uri.Of(body.Span).ToArray(), reply.Gone).ConfigureAwait(false);
        front.RecordOwn(request, body.Span, code, reply, session);
        var writing = code == 0 ? reply.ResultAsync(id, LegacyReply.NoResult) : reply.ErrorAsync(200, code, message, id);
        await writing.ConfigureAwait(false);
    }

    /// <returns>The error to answer with; 0 when it went well.</returns>
    private static async ValueTask<(int Code, string Message)> SubscribeAsync(
        McpFront front, NamedEndpoint? cell, LegacySession session, McpMethod method, byte[] token, CancellationToken gone)
    {
        if (token.Length == 0)
        {
            return (-32602, "params.uri is missing.");
        }

        var uri = SubscribedResource.Spell(token);
        if (method == McpMethod.ResourcesUnsubscribe)
        {
            if (session.Subscriptions.TryRemove(uri, out var subscribed))
            {
                await front.Subscriptions.RemoveAsync(subscribed).ConfigureAwait(false);
            }

            return (0, "");
        }

        if (!front.OfferedAt(cell).TryRoute(ListKind.Resources, token, out var route))
        {
            return (-32002, $"Resource not found: {JsonText.ToString(token)}");
        }

        var resource = SubscribedResource.At(route, token);
        if (session.Subscriptions.TryAdd(uri, resource) && await front.Subscriptions.AddAsync(resource, gone).ConfigureAwait(false) is { } refusal)
        {
            session.Subscriptions.TryRemove(uri, out _);
            return (-32602, $"The server '{route.Cell.Name}' refused the subscription: {refusal}.");
        }

        return (0, "");
    }

    private static Task TellAsync(McpFront front, ServerCell server)
    {
        if (server.Current is not { IsCallable: true, Shared: { } connection })
        {
            return Task.CompletedTask;
        }

        // A session hears a server at the server's own endpoint, at profiles that have it, or at the aggregate: what any of them wants, the server must send.
        var listeners = front.Sessions.All.Where(session => front.Fleet.Serves(session.Endpoint, server));
        return connection.Verbosity.SetAsync(listeners.Select(session => LogSeverity.Of(session.LogLevel)).Append(LogSeverity.None).Min());
    }
}
