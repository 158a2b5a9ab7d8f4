using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>POSTs of the revisions 2025-03-26 to 2025-11-25 (protocol.md 2.3): sessions, questions to the client, streams that can be resumed.</summary>
internal sealed class LegacyPost
{
    private const string SessionHeader = "Mcp-Session-Id";

    private readonly McpFront _front;
    private readonly LegacyMessages _messages;

    /// <summary>Handles requests for <paramref name="front"/>.</summary>
    public LegacyPost(McpFront front)
    {
        _front = front;
        _messages = new LegacyMessages(front);
    }

    /// <summary>Opens a session.</summary>
    public Task InitializeAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body, in Envelope envelope) =>
        _messages.InitializeAsync(new HttpLegacyReply(_front, context, null), cell, body, envelope, session => context.Response.Headers[SessionHeader] = session.Id);

    /// <summary>Handles any other message of a session.</summary>
    public ValueTask HandleAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body, in Envelope envelope, string versionHeader)
    {
        var session = FindSession(context, cell, versionHeader, _front, out var refusal);

        // The id is echoed where there is one to echo; 2025 schemas know no null id.
        return session is null
            ? new ValueTask(JsonRpcReply.ErrorAsync(context, refusal.Status, -32600, refusal.Message, envelope.Kind == MessageKind.Request ? envelope.Id.Of(body.Span) : default))
            : _messages.HandleAsync(new HttpLegacyReply(_front, context, session), cell, session, body, envelope);
    }

    /// <summary>Handles a batch of 2025-03-26: each message by itself, the answers together.</summary>
    public ValueTask BatchAsync(HttpContext context, NamedEndpoint? cell, ReadOnlyMemory<byte> body, in Envelope envelope, string versionHeader)
    {
        var session = FindSession(context, cell, versionHeader, _front, out var refusal);
        if (session is null)
        {
            return new ValueTask(JsonRpcReply.ErrorAsync(context, refusal.Status, -32600, refusal.Message));
        }

        return session.Version == ProtocolVersion.V20250326
            ? new ValueTask(RunBatchAsync(context, cell, session, body, envelope.Root))
            : new ValueTask(JsonRpcReply.ErrorAsync(
                context, StatusCodes.Status400BadRequest, -32600, $"Batches belong to revision 2025-03-26 alone, and this session speaks {session.Version.Format()}; send each message by itself."));
    }

    private async Task RunBatchAsync(HttpContext context, NamedEndpoint? cell, LegacySession session, ReadOnlyMemory<byte> body, ByteRange root)
    {
        using var batch = new LegacyBatch(_front, _messages, context, session, cell);
        await batch.HandleAsync(body, root).ConfigureAwait(false);
    }

    /// <summary>Finds the session that a request names and checks the version header (protocol.md 2.3).</summary>
    public static LegacySession? FindSession(HttpContext context, NamedEndpoint? cell, string versionHeader, McpFront front, out (int Status, string Message) refusal)
    {
        var id = context.Request.Headers[SessionHeader].ToString();
        if (id.Length == 0)
        {
            refusal = (StatusCodes.Status400BadRequest, "The Mcp-Session-Id header is missing; begin with initialize. (2026-07-28 clients send their version in params._meta instead.)");
            return null;
        }

        switch (front.Sessions.Find(id, cell?.Name, out var session))
        {
            case SessionLookup.Full:
                context.Response.Headers.RetryAfter = "60";
                refusal = (StatusCodes.Status503ServiceUnavailable, $"{front.Options.Limits.SessionsMax} sessions are open; end some or raise sessionsMax.");
                return null;
            case SessionLookup.Unknown:
                refusal = (StatusCodes.Status404NotFound, "This session is unknown or has ended; begin again with initialize.");
                return null;
            default:
                break;
        }

        refusal = default;
        if (versionHeader.Length != 0 && !ProtocolVersions.Parse(versionHeader).IsLegacy())
        {
            refusal = (StatusCodes.Status400BadRequest, $"MCP-Protocol-Version '{versionHeader}' is not supported; this session speaks {session!.Version.Format()}.");
            return null;
        }

        return session;
    }
}
