using System.Threading.Channels;
using Fairlead.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.Tests.Upstreams.Http;

/// <summary>What came over the wire.</summary>
internal sealed record RawRequest(string Method, Dictionary<string, string> Headers, string Body)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);

    /// <summary>The JSON-RPC method, read as text.</summary>
    public string RpcMethod => Text("\"method\":\"");

    /// <summary>The JSON-RPC id token.</summary>
    public string Id => Text("\"id\":", ',', '}');

    private string Text(string before, params char[] ends)
    {
        var at = Body.IndexOf(before, StringComparison.Ordinal);
        if (at < 0)
        {
            return "";
        }

        var start = at + before.Length;
        var end = Body.IndexOfAny(ends.Length == 0 ? ['"'] : ends, start);
        return Body[start..end];
    }
}

/// <summary>A real web server whose every answer is a test's own bytes. It records what it was sent.</summary>
internal sealed class RawUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Channel<RawRequest> _arrivals = Channel.CreateUnbounded<RawRequest>();
    private readonly List<RawRequest> _requests = [];
    private readonly CancellationTokenSource _closing = new();

    private RawUpstream(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    public Uri Url { get; private set; } = new("http://localhost");

    /// <summary>Cancelled when the server goes: what hangs must let go then.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <summary>All requests so far, in order of arrival.</summary>
    public IReadOnlyList<RawRequest> Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    public static async Task<RawUpstream> StartAsync(Func<RawUpstream, HttpContext, RawRequest, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var upstream = new RawUpstream(app);
        app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync(context.RequestAborted);
            var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
            var request = new RawRequest(context.Request.Method, headers, body);
            upstream.Arrived(request);
            await answer(upstream, context, request);
        });
        await app.StartAsync();
        upstream.Url = new Uri(app.Urls.Single() + "/mcp");
        return upstream;
    }

    /// <summary>The next request, in order of arrival, that fits; those before it are passed over.</summary>
    public async Task<RawRequest> NextAsync(Func<RawRequest, bool> fits, string what)
    {
        while (true)
        {
            var request = await Guard.WithinAsync(_arrivals.Reader.ReadAsync(), what);
            if (fits(request))
            {
                return request;
            }
        }
    }

    public Task<RawRequest> NextAsync(string rpcMethod) => NextAsync(request => request.RpcMethod == rpcMethod, $"a request {rpcMethod} at the server");

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _app.DisposeAsync();
        _closing.Dispose();
    }

    private void Arrived(RawRequest request)
    {
        lock (_requests)
        {
            _requests.Add(request);
        }

        _arrivals.Writer.TryWrite(request);
    }
}

/// <summary>Short ways to answer.</summary>
internal static class RawAnswers
{
    public const string Events = "text/event-stream";

    public static Task AnswerAsync(this HttpContext context, int status, string contentType, string body)
    {
        context.Response.StatusCode = status;
        if (contentType.Length != 0)
        {
            context.Response.ContentType = contentType;
        }

        var bytes = System.Text.Encoding.UTF8.GetBytes(body);
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes).AsTask();
    }

    public static Task JsonAsync(this HttpContext context, string body, int status = 200) => context.AnswerAsync(status, "application/json", body);

    public static Task ResultAsync(this HttpContext context, RawRequest request, string result) =>
        context.JsonAsync($$"""{"result":{{result}},"jsonrpc":"2.0","id":{{request.Id}}}""");

    /// <summary>A JSON-RPC error with the request's id.</summary>
    public static Task ErrorAsync(this HttpContext context, RawRequest request, string error, int status = 200) =>
        context.JsonAsync("{\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",\"error\":" + error + "}", status);

    /// <summary>Starts an event stream: the head is sent.</summary>
    public static async Task StartEventsAsync(this HttpContext context)
    {
        context.Response.ContentType = Events;
        await context.Response.StartAsync();
        await context.Response.Body.FlushAsync();
    }

    public static async Task WriteAsync(this HttpContext context, string text)
    {
        await context.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text));
        await context.Response.Body.FlushAsync();
    }

    public static Task EventAsync(this HttpContext context, string data, string? id = null) =>
        context.WriteAsync((id is null ? "" : $"id: {id}\n") + $"event: message\ndata: {data}\n\n");

    public static Task StatusAsync(this HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    /// <summary>Waits until the client or the server goes.</summary>
    public static async Task HangAsync(this HttpContext context, RawUpstream upstream)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, upstream.Closing);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, either.Token).ContinueWith(_ => { }, TaskScheduler.Default);
    }
}

/// <summary>A legacy server's handshake, as most servers have it; everything else is the test's.</summary>
internal sealed class LegacyScript
{
    private int _sessions;

    /// <summary>Whether it hands out session ids: s1, s2, ...</summary>
    public bool HasSessions { get; init; } = true;

    /// <summary>The raw capabilities that it declares.</summary>
    public string Capabilities { get; init; } = """{"tools":{}}""";

    /// <summary>Answers requests other than the handshake's.</summary>
    public required Func<RawUpstream, HttpContext, RawRequest, Task> Call { get; init; }

    /// <summary>Answers GET; null = 405.</summary>
    public Func<RawUpstream, HttpContext, RawRequest, Task>? Get { get; init; }

    /// <summary>How many sessions were opened.</summary>
    public int Sessions => _sessions;

    public Task<RawUpstream> StartAsync() => RawUpstream.StartAsync(AnswerAsync);

    /// <summary>Answers one request: the handshake, or what the test says.</summary>
    public Task AnswerAsync(RawUpstream upstream, HttpContext context, RawRequest request)
    {
        switch (request)
        {
            case { Method: "GET" }:
                return Get is null ? context.StatusAsync(405) : Get(upstream, context, request);
            case { Method: "DELETE" }:
                return context.StatusAsync(200);
            case { RpcMethod: "server/discover" }:
                return context.JsonAsync("""{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Mcp-Session-Id header is required"},"id":null}""", 400);
            case { RpcMethod: "initialize" }:
                var number = Interlocked.Increment(ref _sessions);
                if (HasSessions)
                {
                    context.Response.Headers["Mcp-Session-Id"] = $"s{number}";
                }

                return context.ResultAsync(request, $$$"""{"protocolVersion":"2025-11-25","capabilities":{{{Capabilities}}},"serverInfo":{"name":"raw","version":"1"}}""");
            case { RpcMethod: "notifications/initialized" }:
                return context.StatusAsync(202);
            default:
                return Call(upstream, context, request);
        }
    }
}

/// <summary>A 2026-07-28 server's discovery; everything else is the test's.</summary>
internal static class ModernScript
{
    public const string Discovered = """{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}""";

    public static Task<RawUpstream> StartAsync(Func<RawUpstream, HttpContext, RawRequest, Task> call) => RawUpstream.StartAsync(
        (upstream, context, request) => request.RpcMethod == "server/discover" ? context.ResultAsync(request, Discovered) : call(upstream, context, request));
}
