using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>A web server of raw bytes with the tool <c>hello</c>: at <c>/http/REVISION</c> Streamable HTTP, at <c>/REVISION/sse</c> HTTP+SSE, each in that revision alone.</summary>
internal sealed class HttpRevisionServer : IAsyncDisposable
{
    private const string Modern = "2026-07-28";
    private readonly WebApplication _app;
    private readonly Dictionary<string, Channel<string>> _streams = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _closing = new();

    private HttpRevisionServer(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    public string Url => _app.Urls.Single();

    public static async Task<HttpRevisionServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new HttpRevisionServer(app);
        app.Map("/http/{revision}", (RequestDelegate)server.StreamableAsync);
        app.MapGet("/{revision}/sse", (RequestDelegate)server.StreamAsync);
        app.MapPost("/{revision}/message/{stream}", (RequestDelegate)server.MessageAsync);
        await app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _app.DisposeAsync();
        _closing.Dispose();
    }

    private static string Revision(HttpContext context) => (string)context.Request.RouteValues["revision"]!;

    private async Task StreamableAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = 405;
            return;
        }

        var revision = Revision(context);
        var message = (await JsonNode.ParseAsync(context.Request.Body))!;
        if (message["id"] is null)
        {
            context.Response.StatusCode = 202;
            return;
        }

        // What a server of the era does with a request of the other: an error that is none of the other's.
        var answer = Answer(revision, message);
        context.Response.StatusCode = answer["error"] is null ? 200 : revision == Modern ? 404 : 400;
        context.Response.ContentType = "application/json";
        if ((string?)message["method"] == "initialize")
        {
            context.Response.Headers["Mcp-Session-Id"] = "s-" + revision;
        }

        await context.Response.WriteAsync(answer.ToJsonString());
    }

    private async Task StreamAsync(HttpContext context)
    {
        var id = Guid.NewGuid().ToString("N");
        var said = Channel.CreateUnbounded<string>();
        lock (_streams)
        {
            _streams[id] = said;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _closing.Token);
        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync($"event: endpoint\ndata: /{Revision(context)}/message/{id}\n\n");
        await context.Response.Body.FlushAsync();
        try
        {
            await foreach (var message in said.Reader.ReadAllAsync(either.Token))
            {
                await context.Response.WriteAsync($"event: message\ndata: {message}\n\n");
                await context.Response.Body.FlushAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // Client or server has gone.
        }
    }

    private async Task MessageAsync(HttpContext context)
    {
        var message = (await JsonNode.ParseAsync(context.Request.Body))!;
        context.Response.StatusCode = 202;
        if (message["id"] is not null)
        {
            lock (_streams)
            {
                _streams[(string)context.Request.RouteValues["stream"]!].Writer.TryWrite(Answer(Revision(context), message).ToJsonString());
            }
        }
    }

    private static JsonObject Answer(string revision, JsonNode request)
    {
        var isModern = revision == Modern;
        var result = (string?)request["method"] switch
        {
            "initialize" when !isModern => """{"protocolVersion":"REVISION","capabilities":{"tools":{}},"serverInfo":{"name":"revision","version":"1"}}""",
            "server/discover" when isModern => """{"supportedVersions":["REVISION"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}""",
            "ping" when !isModern => "{}",
            "tools/list" => """{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]}""",
            "tools/call" => """{"content":[{"type":"text","text":"hello from REVISION"}]}""",
            _ => null,
        };
        var answer = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = request["id"]!.DeepClone() };
        if (result is null)
        {
            answer["error"] = new JsonObject { ["code"] = -32601, ["message"] = "Method not found" };
            return answer;
        }

        var body = JsonNode.Parse(result.Replace("REVISION", revision, StringComparison.Ordinal))!.AsObject();
        if (isModern)
        {
            body["resultType"] = "complete";
            if ((string?)request["method"] == "tools/list")
            {
                body["ttlMs"] = 0;
                body["cacheScope"] = "private";
            }
        }

        answer["result"] = body;
        return answer;
    }
}
