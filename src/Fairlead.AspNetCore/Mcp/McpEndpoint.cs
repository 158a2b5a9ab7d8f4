using Fairlead.Routing;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>One MCP endpoint over Streamable HTTP, both eras on one path (protocol.md 4.1): step 1 and 2 of the road, then the era's own handler.</summary>
internal sealed class McpEndpoint
{
    /// <summary>The server of an identity endpoint, as the route names it.</summary>
    public const string ServerRouteValue = "server";

    /// <summary>The profile of a profile's endpoint, as the route names it.</summary>
    public const string ProfileRouteValue = "profile";

    private readonly McpFront _front;
    private readonly ModernPost _modern;
    private readonly LegacyPost _legacy;
    private readonly LegacyStreams _streams;

    /// <summary>Handles requests for <paramref name="front"/>.</summary>
    public McpEndpoint(McpFront front)
    {
        _front = front;
        _modern = new ModernPost(front);
        _legacy = new LegacyPost(front);
        _streams = new LegacyStreams(front);
    }

    /// <summary>Handles any verb at <c>/mcp</c>, <c>/mcp/{server}</c> and <c>/mcp/p/{profile}</c>.</summary>
    public Task HandleAsync(HttpContext context)
    {
        if (!TryFindServer(context, _front, out var cell))
        {
            return UnknownServerAsync(context, _front);
        }

        var request = context.Request;
        if (HttpMethods.IsPost(request.Method))
        {
            return PostAsync(context, cell);
        }

        // 2026-07-28 has POST only; legacy sessions use GET and DELETE (protocol.md 2.4, 4.1 step 1).
        var modern = ProtocolVersions.Parse(request.Headers["MCP-Protocol-Version"].ToString()).IsModern();
        if (!modern && HttpMethods.IsGet(request.Method))
        {
            return _streams.GetAsync(context, cell);
        }

        if (!modern && HttpMethods.IsDelete(request.Method))
        {
            return _streams.DeleteAsync(context, cell);
        }

        context.Response.Headers.Allow = modern ? "POST" : "POST, GET, DELETE";
        return JsonRpcReply.ErrorAsync(context, StatusCodes.Status405MethodNotAllowed, -32600, $"{request.Method} is not used here; send JSON-RPC messages by POST.");
    }

    /// <summary>Finds the endpoint that the route names, or the server whose own port it is; null for the aggregate.</summary>
    /// <returns>False when there is none of that name, or the own port is another server's.</returns>
    public static bool TryFindServer(HttpContext context, McpFront front, out NamedEndpoint? cell)
    {
        cell = null;
        var names = context.Request.RouteValues;
        ServerCell? server = null;
        if (front.Ports.TryGet(context.Connection, out var owner))
        {
            var isKnown = front.Fleet.TryGet(owner, out server) && (!names.TryGetValue(ServerRouteValue, out var named) || owner == (string)named!);
            cell = server;
            return isKnown;
        }

        if (names.TryGetValue(ServerRouteValue, out var name))
        {
            var isKnown = front.Fleet.TryGet((string)name!, out server);
            cell = server;
            return isKnown;
        }

        if (names.TryGetValue(ProfileRouteValue, out name))
        {
            cell = front.Fleet.Profiles.GetValueOrDefault((string)name!);
            return cell is not null;
        }

        return true;
    }

    /// <summary>The route names a server or profile that does not exist, or a server that is not served at this port.</summary>
    public static Task UnknownServerAsync(HttpContext context, McpFront front)
    {
        var names = context.Request.RouteValues;
        string message;
        if (front.Ports.TryGet(context.Connection, out var owner))
        {
            message = $"This port serves {owner} alone, at /mcp. Other servers are on Fairlead's main port.";
        }
        else if (names.TryGetValue(ProfileRouteValue, out var profile))
        {
            var known = front.Fleet.Profiles.Keys.Order(StringComparer.Ordinal).ToArray();
            message = $"There is no profile '{profile}' here; " + (known.Length == 0 ? "none is configured (profiles)." : $"the profiles are {string.Join(", ", known)}.");
        }
        else
        {
            message = $"There is no server '{names[ServerRouteValue]}' here; fairlead ps lists the servers.";
        }

        return JsonRpcReply.ErrorAsync(context, StatusCodes.Status404NotFound, -32600, message);
    }

    /// <summary>The body is over the limit.</summary>
    public static Task TooLargeAsync(HttpContext context, McpFront front) => JsonRpcReply.ErrorAsync(
        context, StatusCodes.Status413PayloadTooLarge, -32600,
        $"The body is longer than {front.Options.Limits.RequestBodyBytesMax} bytes; send less or raise requestBodyBytesMax.");

    private Task PostAsync(HttpContext context, NamedEndpoint? cell)
    {
        var request = context.Request;
        if (!IsJson(request.ContentType))
        {
            return JsonRpcReply.ErrorAsync(context, StatusCodes.Status415UnsupportedMediaType, -32600, "The Content-Type must be application/json.");
        }

        var reading = RequestBody.ReadAsync(request, _front.Options.Limits.RequestBodyBytesMax);
        return reading.IsCompletedSuccessfully ? AnswerAsync(context, cell, reading.Result) : AnswerLaterAsync(context, cell, reading);
    }

    private async Task AnswerLaterAsync(HttpContext context, NamedEndpoint? cell, ValueTask<RequestBody> reading) =>
        await AnswerAsync(context, cell, await reading.ConfigureAwait(false)).ConfigureAwait(false);

    // Parted in two so that what is kept while the server works is small: the box of the last step is allocated for every call.
    private Task AnswerAsync(HttpContext context, NamedEndpoint? cell, RequestBody body) => body.IsTooLarge
        ? TooLargeAsync(context, _front)
        : ReturnAfterAsync(DispatchAsync(context, cell, body.Memory), body);

    private static async Task ReturnAfterAsync(ValueTask answering, RequestBody body)
    {
        try
        {
            await answering.ConfigureAwait(false);
        }
        finally
        {
            body.Return();
        }
    }

    private ValueTask DispatchAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body)
    {
        var error = EnvelopeScanner.Scan(body.Span, _front.Limits, out var envelope);
        if (error != ScanError.None)
        {
            var (code, message) = JsonRpcReply.Describe(error, _front.Limits.DepthMax, _front.Limits.IdBytesMax);
            return new ValueTask(JsonRpcReply.ErrorAsync(context, StatusCodes.Status400BadRequest, code, message, envelope.Id.Of(body.Span)));
        }

        var version = context.Request.Headers["MCP-Protocol-Version"].ToString();
        switch (EraClassifier.ClassifyPost(envelope, body.Span, version, _front.Limits))
        {
            case EraVerdict.Modern:
                return _modern.HandleAsync(context, cell, body, envelope, version);
            case EraVerdict.ModernNotification:
                context.Response.StatusCode = StatusCodes.Status202Accepted;
                return default;
            case EraVerdict.ModernMissingMeta:
                return new ValueTask(JsonRpcReply.ErrorAsync(
                    context, StatusCodes.Status400BadRequest, -32602,
                    "params._meta needs io.modelcontextprotocol/protocolVersion and io.modelcontextprotocol/clientCapabilities.", envelope.Id.Of(body.Span)));
            case EraVerdict.InitializeWithModernHeader:
                return new ValueTask(JsonRpcReply.ErrorAsync(
                    context, StatusCodes.Status400BadRequest, -32020,
                    "initialize belongs to revisions up to 2025-11-25, but MCP-Protocol-Version says 2026-07-28.", envelope.Id.Of(body.Span)));
            case EraVerdict.Batch:
                return _legacy.BatchAsync(context, cell, body, envelope, version);
            case EraVerdict.BatchRefused:
                return new ValueTask(JsonRpcReply.ErrorAsync(
                    context, StatusCodes.Status400BadRequest, -32600, "This batch is empty or holds what no batch may: 2026-07-28 has none, initialize stands alone. Send each message by itself."));
            case EraVerdict.LegacyInitialize:
                return new ValueTask(_legacy.InitializeAsync(context, cell, body, envelope));
            default:
                return _legacy.HandleAsync(context, cell, body, envelope, version);
        }
    }

    /// <summary>Whether a content type is that of JSON.</summary>
    public static bool IsJson(string? contentType)
    {
        if (contentType is null)
        {
            return false;
        }

        const string Json = "application/json";
        return contentType.StartsWith(Json, StringComparison.OrdinalIgnoreCase)
            && (contentType.Length == Json.Length || contentType[Json.Length] is ';' or ' ');
    }
}
