using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.TestServers.Matrix;

/// <summary>Servers over HTTP, each in one revision: Streamable HTTP at <c>/http/REVISION</c> (protocol.md 2.3, 2.4), HTTP+SSE at <c>/REVISION/sse</c> (2.2).</summary>
internal sealed class HttpTransports
{
    private const string Modern = "2026-07-28";
    private readonly Dictionary<string, MatrixServer> _servers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ModernPeer> _stateless = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);

    private HttpTransports(WorldLink world)
    {
        foreach (var revision in Revision.Legacy)
        {
            Add(world, "sse", revision);
            if (new Revision(revision).IsAtLeast("2025-03-26"))
            {
                Add(world, "http", revision);
            }
        }

        Add(world, "http", Modern);
        _stateless[Modern] = new ModernPeer(_servers["http " + Modern]);
    }

    /// <summary>Serves until it is told to end; prints where first.</summary>
    public static async Task<int> RunAsync(WorldLink world)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        var transports = new HttpTransports(world);
        app.MapPost("/http/{revision}", (RequestDelegate)transports.PostAsync);
        app.MapGet("/http/{revision}", (RequestDelegate)transports.GetAsync);
        app.MapDelete("/http/{revision}", (RequestDelegate)transports.DeleteAsync);
        app.MapGet("/{revision}/sse", (RequestDelegate)transports.StreamAsync);
        app.MapPost("/{revision}/message/{session}", (RequestDelegate)transports.MessageAsync);
        await app.StartAsync();
        Console.WriteLine($"listening {app.Urls.Single()}");

        // The test closes the line when it ends, and the server ends with it.
        await world.ListenAsync();
        await app.StopAsync();
        return 0;
    }

    private void Add(WorldLink world, string key, string revision) => _servers[$"{key} {revision}"] = new MatrixServer($"{key}-by-{revision}", new Revision(revision), world);

    private static string RevisionOf(HttpContext context) => (string)context.Request.RouteValues["revision"]!;

    private static async Task<JsonObject> BodyAsync(HttpContext context) => (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();

    private static bool IsFinal(string message) => JsonNode.Parse(message)!["method"] is null;

    private static Task RefuseAsync(HttpContext context, int status, string reason)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(reason);
    }

    private async Task PostAsync(HttpContext context)
    {
        var revision = RevisionOf(context);
        var message = await BodyAsync(context);
        Peer peer;
        if (revision == Modern)
        {
            if (ModernHeaders.Refuse(context.Request.Headers, message) is { } wrong)
            {
                context.Response.StatusCode = 400;
                await context.Response.WriteAsJsonAsync(new JsonObject { ["jsonrpc"] = "2.0", ["error"] = new RpcError(-32020, wrong).ToJson(), ["id"] = message["id"]?.DeepClone() });
                return;
            }

            peer = _stateless[revision];
        }
        else if ((string?)message["method"] == "initialize")
        {
            var id = Guid.NewGuid().ToString("N");
            var opened = _sessions[id] = new Session(_servers["http " + revision]);
            context.Response.Headers["Mcp-Session-Id"] = id;
            peer = opened.Peer;
        }
        else if (SessionOf(context, revision) is { } session)
        {
            peer = session.Peer;
        }
        else
        {
            // What the reference servers answer: an error that is none of the other era's, without an id.
            context.Response.StatusCode = context.Request.Headers.ContainsKey("Mcp-Session-Id") ? 404 : 400;
            await context.Response.WriteAsJsonAsync(new JsonObject { ["jsonrpc"] = "2.0", ["error"] = new JsonObject { ["code"] = -32000, ["message"] = "Bad Request: no valid session" }, ["id"] = null });
            return;
        }

        if (message["method"] is null || message["id"] is null)
        {
            await peer.ReceiveAsync(message, static _ => { }, CancellationToken.None);
            context.Response.StatusCode = 202;
            return;
        }

        await AnswerAsync(context, peer, message, hasPriming: revision == "2025-11-25");
    }

    /// <summary>JSON when the answer is the first message, else a stream.</summary>
    private static async Task AnswerAsync(HttpContext context, Peer peer, JsonObject message, bool hasPriming)
    {
        var isModern = peer is ModernPeer;
        var said = Channel.CreateUnbounded<string>();

        // In the legacy revisions a connection that ends cancels nothing (protocol.md 2.3).
        var work = ServeAsync();
        async Task ServeAsync()
        {
            try
            {
                await peer.ReceiveAsync(message, text => said.Writer.TryWrite(text), isModern ? context.RequestAborted : CancellationToken.None);
            }
            finally
            {
                said.Writer.Complete();
            }
        }

        try
        {
            var hasStream = false;
            await foreach (var text in said.Reader.ReadAllAsync(context.RequestAborted))
            {
                if (!hasStream && IsFinal(text))
                {
                    context.Response.StatusCode = isModern ? ModernHeaders.StatusOf(text) : 200;
                    context.Response.ContentType = "application/json";
                    await context.Response.WriteAsync(text);
                    break;
                }

                if (!hasStream)
                {
                    hasStream = true;
                    context.Response.ContentType = "text/event-stream";
                    await context.Response.WriteAsync(hasPriming ? "id: 0\ndata: \n\n" : ": a stream\n\n");
                }

                await context.Response.WriteAsync($"event: message\ndata: {text}\n\n");
                await context.Response.Body.FlushAsync();
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody reads any more; the request itself ends as its revision says.
        }

        await work;
    }

    private async Task GetAsync(HttpContext context)
    {
        if (RevisionOf(context) == Modern)
        {
            await RefuseAsync(context, 405, "POST only.");
            return;
        }

        if (SessionOf(context, RevisionOf(context)) is not { } session)
        {
            await RefuseAsync(context, 404, "No such session.");
            return;
        }

        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.FlushAsync();
        await session.WriteAsync(context);
    }

    private async Task DeleteAsync(HttpContext context)
    {
        if (RevisionOf(context) == Modern)
        {
            await RefuseAsync(context, 405, "POST only.");
        }
        else if (_sessions.TryRemove((string?)context.Request.Headers["Mcp-Session-Id"] ?? "", out var session))
        {
            session.Peer.Dispose();
        }
        else
        {
            await RefuseAsync(context, 404, "No such session.");
        }
    }

    private async Task StreamAsync(HttpContext context)
    {
        var revision = RevisionOf(context);
        var id = Guid.NewGuid().ToString("N");
        var session = _sessions[id] = new Session(_servers["sse " + revision]);
        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync($"event: endpoint\ndata: /{revision}/message/{id}\n\n");
        await context.Response.Body.FlushAsync();
        await session.WriteAsync(context);
        _sessions.TryRemove(id, out _);
        session.Peer.Dispose();
        await session.Taken;
    }

    private async Task MessageAsync(HttpContext context)
    {
        if (!_sessions.TryGetValue((string)context.Request.RouteValues["session"]!, out var session))
        {
            await RefuseAsync(context, 404, "No such session.");
            return;
        }

        var message = await BodyAsync(context);
        context.Response.StatusCode = 202;
        session.Take(message);
    }

    /// <summary>The session that the headers name; the revision header must be that of the session, where there was one (2025-06-18, basic/transports).</summary>
    private Session? SessionOf(HttpContext context, string revision)
    {
        var said = (string?)context.Request.Headers["MCP-Protocol-Version"];
        return (said == revision || (said is null && revision == "2025-03-26")) && _sessions.TryGetValue((string?)context.Request.Headers["Mcp-Session-Id"] ?? "", out var session) ? session : null;
    }

    /// <summary>A legacy session and what waits for its stream.</summary>
    private sealed class Session
    {
        private readonly Channel<string> _said = Channel.CreateUnbounded<string>();
        private readonly ConcurrentQueue<Task> _taken = new();

        public Session(MatrixServer server) => Peer = new LegacyPeer(server, Say);

        public LegacyPeer Peer { get; }

        /// <summary>Completes when all that was taken is dealt with.</summary>
        public Task Taken => Task.WhenAll(_taken);

        public void Say(string message) => _said.Writer.TryWrite(message);

        /// <summary>Serves a message while the POST that brought it ends: the next one, with the answer to a question, may come on the same connection.</summary>
        public void Take(JsonObject message) => _taken.Enqueue(Peer.ReceiveAsync(message, Say, CancellationToken.None));

        /// <summary>Writes what is said until the client goes.</summary>
        public async Task WriteAsync(HttpContext context)
        {
            try
            {
                await foreach (var message in _said.Reader.ReadAllAsync(context.RequestAborted))
                {
                    await context.Response.WriteAsync($"event: message\ndata: {message}\n\n");
                    await context.Response.Body.FlushAsync();
                }
            }
            catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
            {
                // The client has gone.
            }
        }
    }
}
