using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Fairlead.Routing;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>The HTTP+SSE transport of 2024-11-05 (protocol.md 2.2): one GET stream that says where to POST and carries every answer. Serves all legacy revisions.</summary>
/// <remarks>The connection is the session: when the stream drops, its calls are cancelled and nothing can be resumed.</remarks>
internal sealed class SseFront
{
    private const string SessionParameter = "sessionId";

    private readonly McpFront _front;
    private readonly LegacyMessages _messages;
    private readonly ConcurrentDictionary<string, SseConnection> _connections = new(StringComparer.Ordinal);

    /// <summary>Handles requests for <paramref name="front"/>.</summary>
    public SseFront(McpFront front)
    {
        _front = front;
        _messages = new LegacyMessages(front);
    }

    /// <summary>Handles any verb at <c>/sse</c> and <c>/mcp/{server}/sse</c>: GET opens a connection.</summary>
    public Task StreamAsync(HttpContext context)
    {
        if (!McpEndpoint.TryFindServer(context, _front, out var cell))
        {
            return McpEndpoint.UnknownServerAsync(context, _front);
        }

        if (!HttpMethods.IsGet(context.Request.Method))
        {
            // Clients that know both transports POST here first and take a refusal for "HTTP+SSE".
            context.Response.Headers.Allow = "GET";
            var streamable = cell is null ? "/mcp" : "/mcp/" + cell.Name;
            return JsonRpcReply.ErrorAsync(context, StatusCodes.Status405MethodNotAllowed, -32600, $"GET opens the stream of HTTP+SSE (2024-11-05) here; Streamable HTTP is at {streamable}.");
        }

        var accept = context.Request.Headers.Accept.ToString();
        if (accept.Length != 0 && !accept.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) && !accept.Contains("*/*", StringComparison.Ordinal))
        {
            return JsonRpcReply.ErrorAsync(context, StatusCodes.Status406NotAcceptable, -32600, "This is an event stream: send Accept: text/event-stream.");
        }

        if (_connections.Count >= _front.Options.Limits.SessionsMax)
        {
            context.Response.Headers.RetryAfter = "60";
            return JsonRpcReply.ErrorAsync(
                context, StatusCodes.Status503ServiceUnavailable, -32603, $"{_front.Options.Limits.SessionsMax} connections are open; end some or raise sessionsMax.");
        }

        return RunAsync(context, cell);
    }

    /// <summary>Handles any verb at <c>/message</c> and <c>/mcp/{server}/message</c>: POST brings one message of a connection.</summary>
    public async Task MessageAsync(HttpContext context)
    {
        var request = context.Request;
        if (!HttpMethods.IsPost(request.Method))
        {
            context.Response.Headers.Allow = "POST";
            await JsonRpcReply.ErrorAsync(context, StatusCodes.Status405MethodNotAllowed, -32600, "Send JSON-RPC messages by POST.").ConfigureAwait(false);
            return;
        }

        if (!McpEndpoint.TryFindServer(context, _front, out var cell))
        {
            await McpEndpoint.UnknownServerAsync(context, _front).ConfigureAwait(false);
            return;
        }

        if (!_connections.TryGetValue(request.Query[SessionParameter].ToString(), out var connection) || !ReferenceEquals(connection.Cell, cell))
        {
            await JsonRpcReply.ErrorAsync(
                context, StatusCodes.Status404NotFound, -32600, "This connection is unknown or has ended; open another with GET at the sse endpoint.").ConfigureAwait(false);
            return;
        }

        if (!McpEndpoint.IsJson(request.ContentType))
        {
            await JsonRpcReply.ErrorAsync(context, StatusCodes.Status415UnsupportedMediaType, -32600, "The Content-Type must be application/json.").ConfigureAwait(false);
            return;
        }

        var body = await RequestBody.ReadAsync(request, _front.Options.Limits.RequestBodyBytesMax).ConfigureAwait(false);
        if (body.IsTooLarge)
        {
            await McpEndpoint.TooLargeAsync(context, _front).ConfigureAwait(false);
            return;
        }

        var error = EnvelopeScanner.Scan(body.Memory.Span, _front.Limits, out var envelope);
        if (error != ScanError.None)
        {
            var (code, message) = JsonRpcReply.Describe(error, _front.Limits.DepthMax, _front.Limits.IdBytesMax);
            await JsonRpcReply.ErrorAsync(context, StatusCodes.Status400BadRequest, code, message, envelope.Id.Of(body.Memory.Span)).ConfigureAwait(false);
            body.Return();
            return;
        }

        // Answers come on the stream: the POST is over as soon as its message has been taken.
        connection.Take(body, envelope);
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        await context.Response.WriteAsync("Accepted", context.RequestAborted).ConfigureAwait(false);
    }

    private async Task RunAsync(HttpContext context, NamedEndpoint? cell)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var prefix = context.Request.PathBase + (cell is null ? "" : "/mcp/" + cell.Name);
        using var connection = new SseConnection(_front, _messages, cell, await SseResponse.StartAsync(context, _front).ConfigureAwait(false), context.RequestAborted);
        _connections[id] = connection;
        try
        {
            await connection.RunAsync(Encoding.ASCII.GetBytes($"{prefix}/message?{SessionParameter}={id}")).ConfigureAwait(false);
        }
        finally
        {
            _connections.TryRemove(id, out _);
            await connection.EndAsync().ConfigureAwait(false);
        }
    }
}
