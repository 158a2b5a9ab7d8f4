using Fairlead.Routing;
using Fairlead.Sessions;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>GET and DELETE of legacy sessions: the standalone stream, resumption, the end of a session (protocol.md 2.3).</summary>
internal sealed class LegacyStreams
{
    private readonly McpFront _front;

    /// <summary>Handles requests for <paramref name="front"/>.</summary>
    public LegacyStreams(McpFront front) => _front = front;

    /// <summary>Opens the standalone stream, or resumes the stream that <c>Last-Event-ID</c> names.</summary>
    public async Task GetAsync(HttpContext context, NamedEndpoint? cell)
    {
        if (!context.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase))
        {
            context.Response.Headers.Allow = "POST, GET, DELETE";
            await JsonRpcReply.ErrorAsync(context, StatusCodes.Status406NotAcceptable, -32600, "GET opens an event stream: send Accept: text/event-stream.").ConfigureAwait(false);
            return;
        }

        var session = LegacyPost.FindSession(context, cell, context.Request.Headers["MCP-Protocol-Version"].ToString(), _front, out var refusal);
        if (session is null)
        {
            await JsonRpcReply.ErrorAsync(context, refusal.Status, -32600, refusal.Message).ConfigureAwait(false);
            return;
        }

        var lastEventId = context.Request.Headers["Last-Event-ID"].ToString();
        var stream = session.Log.Standalone;
        long after = 0;
        if (lastEventId.Length != 0 && (!SessionEvent.TryParseId(lastEventId, out var number, out after) || (stream = session.Log.Find(number)) is null))
        {
            await JsonRpcReply.ErrorAsync(
                context, StatusCodes.Status400BadRequest, -32600, "This Last-Event-ID is unknown or too old to resume from: what it waited for is lost. Send that request again; the session goes on.").ConfigureAwait(false);
            return;
        }

        if (!session.TryOpenStream(_front.Options.Limits.StreamsPerSessionMax))
        {
            await JsonRpcReply.ErrorAsync(
                context, StatusCodes.Status429TooManyRequests, -32600,
                $"{_front.Options.Limits.StreamsPerSessionMax} streams of this session are open; close one or raise streamsPerSessionMax.").ConfigureAwait(false);
            return;
        }

        try
        {
            session.Touch();
            await FollowAsync(context, stream!, lastEventId.Length == 0 ? stream!.Delivered : after).ConfigureAwait(false);
        }
        finally
        {
            session.CloseStream();
        }
    }

    /// <summary>Ends a session; its id is unknown from here on, also after a restart.</summary>
    public Task DeleteAsync(HttpContext context, NamedEndpoint? cell)
    {
        var session = LegacyPost.FindSession(context, cell, context.Request.Headers["MCP-Protocol-Version"].ToString(), _front, out var refusal);
        if (session is null)
        {
            return JsonRpcReply.ErrorAsync(context, refusal.Status, -32600, refusal.Message);
        }

        _front.Sessions.End(session);
        context.Response.StatusCode = StatusCodes.Status200OK;
        return Task.CompletedTask;
    }

    private async Task FollowAsync(HttpContext context, SessionStream stream, long after)
    {
        var ticket = stream.TakeOver();
        var response = await SseResponse.StartAsync(context, _front).ConfigureAwait(false);
        while (stream.IsReader(ticket) && response.IsOpen)
        {
            var (events, ended, news) = stream.ReadAfter(after);
            foreach (var one in events)
            {
                after = one.Sequence;
                if (one.Message.Length != 0 && !await response.WriteAsync(one.Message, one.Id).ConfigureAwait(false))
                {
                    return;
                }

                stream.Delivered = after;
            }

            if (ended)
            {
                return;
            }

            await KeepAlive.UntilAsync(news, response.WriteKeepAliveAsync, _front.TimeProvider, context.RequestAborted).ConfigureAwait(false);
        }
    }
}
