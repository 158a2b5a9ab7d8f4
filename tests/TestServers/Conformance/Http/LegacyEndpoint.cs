using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Http;

/// <summary>
/// Streamable HTTP of 2025-11-25 (basic/transports): a session per <c>initialize</c>, each with an SDK server of its own, a standalone GET stream,
/// and resumption of every stream from memory. Owns the sessions; they end by DELETE or with the process.
/// </summary>
internal sealed class LegacyEndpoint(Fixture fixture, CancellationToken stopping) : IAsyncDisposable
{
    private const string SessionHeader = "Mcp-Session-Id";
    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);

    /// <summary>Handles any request to the endpoint.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var version = context.Request.Headers["MCP-Protocol-Version"].ToString();
        if (version is not ("" or "2025-03-26" or "2025-06-18" or "2025-11-25"))
        {
            // What servers of that time say: no id, a code without a meaning of its own.
            await HttpAnswers.ErrorAsync(context, StatusCodes.Status400BadRequest, -32000, $"Bad Request: Unsupported protocol version '{version}'");
            return;
        }

        switch (context.Request.Method)
        {
            case "POST":
                await PostAsync(context);
                break;
            case "GET":
                await GetAsync(context);
                break;
            case "DELETE":
                await DeleteAsync(context);
                break;
            default:
                context.Response.Headers.Allow = "POST, GET, DELETE";
                context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
                break;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var session in _sessions.Values)
        {
            await session.DisposeAsync();
        }
    }

    private async Task PostAsync(HttpContext context)
    {
        if (await HttpAnswers.ReadMessageAsync(context) is not { } message)
        {
            return;
        }

        Session? session;
        if (message is JsonRpcRequest { Method: RequestMethods.Initialize } && !context.Request.Headers.ContainsKey(SessionHeader))
        {
            session = new Session(fixture);
            _sessions[session.Id] = session;
        }
        else
        {
            session = await FindAsync(context);
        }

        if (session is null)
        {
            return;
        }

        context.Response.Headers[SessionHeader] = session.Id;
        HttpAnswers.StartEventStream(context);
        if (!await session.Transport.HandlePostRequestAsync(message, context.Response.Body, context.RequestAborted))
        {
            HttpAnswers.Accepted(context);
        }
    }

    private async Task GetAsync(HttpContext context)
    {
        if (await FindAsync(context) is not { } session)
        {
            return;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var lastEventId = context.Request.Headers["Last-Event-ID"].ToString();
        try
        {
            if (lastEventId.Length > 0)
            {
                if (await session.Replay.GetStreamReaderAsync(lastEventId, ended.Token) is not { } reader)
                {
                    var refusal = $"Last-Event-ID '{lastEventId}' is not of this session; start a new stream.";
                    await HttpAnswers.ErrorAsync(context, StatusCodes.Status400BadRequest, -32600, refusal);
                    return;
                }

                HttpAnswers.StartEventStream(context);
                await ReplayStore.CopyAsync(reader, context.Response.Body, ended.Token);
            }
            else if (session.TakeStandaloneStream())
            {
                HttpAnswers.StartEventStream(context);
                await session.Transport.HandleGetRequestAsync(context.Response.Body, ended.Token);
            }
            else
            {
                const string Refusal = "This session has had its standalone stream; resume it with Last-Event-ID.";
                await HttpAnswers.ErrorAsync(context, StatusCodes.Status409Conflict, -32600, Refusal);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The client left or the server stops: how such a stream normally ends.
        }
    }

    private async Task DeleteAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } session && _sessions.TryRemove(session.Id, out _))
        {
            await session.DisposeAsync();
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
    }

    private async Task<Session?> FindAsync(HttpContext context)
    {
        var id = context.Request.Headers[SessionHeader].ToString();
        if (id.Length == 0)
        {
            await HttpAnswers.ErrorAsync(context, StatusCodes.Status400BadRequest, -32000, "Bad Request: Mcp-Session-Id header is required");
            return null;
        }

        if (_sessions.TryGetValue(id, out var session))
        {
            return session;
        }

        await HttpAnswers.ErrorAsync(context, StatusCodes.Status404NotFound, -32001, "Session not found");
        return null;
    }

    private sealed class Session : IAsyncDisposable
    {
        private readonly McpServer _server;
        private readonly Task _run;
        private int _standaloneTaken;

        public Session(Fixture fixture)
        {
            Transport = new StreamableHttpServerTransport { SessionId = Id, EventStreamStore = Replay };
            _server = McpServer.Create(Transport, fixture.CreateOptions());
            _run = _server.RunAsync();
        }

        public string Id { get; } = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));

        public ReplayStore Replay { get; } = new();

        public StreamableHttpServerTransport Transport { get; }

        // The SDK's transport opens its standalone stream once; what it sends after the client left waits in the replay store.
        public bool TakeStandaloneStream() => Interlocked.Exchange(ref _standaloneTaken, 1) == 0;

        public async ValueTask DisposeAsync()
        {
            await Transport.DisposeAsync();
            await _run;
            await _server.DisposeAsync();
        }
    }
}
