using System.Threading.Channels;
using Fairlead.Tests.Upstreams.Http;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Tests.Upstreams.Sse;

/// <summary>A server of HTTP+SSE with one tool, <c>hello</c>; what differs is the test's.</summary>
internal sealed class SseScript
{
    private readonly Channel<string> _said = Channel.CreateUnbounded<string>();

    /// <summary>The data of the endpoint event.</summary>
    public string Endpoint { get; init; } = "/message?sessionId=7";

    /// <summary>Answers GET instead of opening the stream; null = open it.</summary>
    public Func<HttpContext, Task>? Get { get; init; }

    /// <summary>Answers a POSTed <c>tools/call</c>; null = 202 and the text hello on the stream.</summary>
    public Func<SseScript, HttpContext, RawRequest, Task>? Call { get; init; }

    /// <summary>Starts the server.</summary>
    public Task<RawUpstream> StartAsync() => RawUpstream.StartAsync(AnswerAsync);

    /// <summary>Ends the stream.</summary>
    public void Cut() => _said.Writer.TryComplete();

    /// <summary>Sends a message on the stream.</summary>
    public void Say(string message) => _said.Writer.TryWrite(message);

    private async Task AnswerAsync(RawUpstream upstream, HttpContext context, RawRequest request)
    {
        if (request.Method == "GET")
        {
            await (Get is null ? StreamAsync(upstream, context) : Get(context));
            return;
        }

        if (context.Request.Path + context.Request.QueryString != "/message?sessionId=7")
        {
            await context.AnswerAsync(404, "text/html", "<p>Cannot POST</p>");
            return;
        }

        if (request.RpcMethod == "tools/call" && Call is not null)
        {
            await Call(this, context, request);
            return;
        }

        await context.AnswerAsync(202, "", "Accepted");
        var result = request.RpcMethod switch
        {
            "initialize" => """{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"raw","version":"1"}}""",
            "tools/list" => """{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]}""",
            "tools/call" => """{"content":[{"type":"text","text":"hello"}]}""",
            _ => null,
        };
        if (result is not null)
        {
            Say("{\"result\":" + result + ",\"jsonrpc\":\"2.0\",\"id\":" + request.Id + "}");
        }
    }

    private async Task StreamAsync(RawUpstream upstream, HttpContext context)
    {
        await context.StartEventsAsync();
        await context.WriteAsync($"event: endpoint\ndata: {Endpoint}\n\n");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, upstream.Closing);
        try
        {
            await foreach (var message in _said.Reader.ReadAllAsync(either.Token))
            {
                await context.EventAsync(message);
            }
        }
        catch (OperationCanceledException)
        {
            // Client or server has gone.
        }
    }
}
