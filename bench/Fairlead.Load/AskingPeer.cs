using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.Load;

/// <summary>A legacy server (2025-11-25) whose one tool asks its user and answers with what it was told; on stdio, and on Streamable HTTP. It parses, because nobody measures it.</summary>
internal static class AskingPeer
{
    private const string Initialized = """{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"asking-peer","version":"1"}}""";
    private const string Tools = """{"tools":[{"name":"ask","inputSchema":{"type":"object"}}]}""";
    private const string Question = """{"message":"Who?","requestedSchema":{"type":"object","properties":{"who":{"type":"string"}}}}""";
    private const string Done = """{"content":[{"type":"text","text":"done"}]}""";

    /// <summary>Serves on stdio until the end of stdin.</summary>
    public static async Task<int> RunStdioAsync()
    {
        var open = new Dictionary<string, string>(StringComparer.Ordinal);
        var number = 0;
        while (await Console.In.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            using var message = JsonDocument.Parse(line);
            var root = message.RootElement;
            var id = root.TryGetProperty("id", out var token) ? token.GetRawText() : null;
            if (!root.TryGetProperty("method", out var method))
            {
                if (id is not null && open.Remove(id, out var call))
                {
                    Console.Out.WriteLine(Result(call, Done));
                }
            }
            else if (method.GetString() == "tools/call")
            {
                open[$"{number}"] = id!;
                Console.Out.WriteLine(Ask(number++));
            }
            else if (id is not null)
            {
                Console.Out.WriteLine(Answer(id, method.GetString()));
            }
        }

        return 0;
    }

    /// <summary>The server on HTTP, not started yet; any free port.</summary>
    public static WebApplication BuildHttp()
    {
        var open = new ConcurrentDictionary<string, TaskCompletionSource>(StringComparer.Ordinal);
        var number = 0;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.MapPost("/mcp", (RequestDelegate)(async context =>
        {
            using var message = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted).ConfigureAwait(false);
            var root = message.RootElement;
            var id = root.TryGetProperty("id", out var token) ? token.GetRawText() : null;
            if (!root.TryGetProperty("method", out var method))
            {
                context.Response.StatusCode = 202;
                if (id is not null && open.TryRemove(id, out var told))
                {
                    told.SetResult();
                }
            }
            else if (id is null)
            {
                context.Response.StatusCode = 202;
            }
            else if (method.GetString() != "tools/call")
            {
                context.Response.ContentType = "application/json";
                context.Response.Headers["Mcp-Session-Id"] = "one";
                await context.Response.WriteAsync(Answer(id, method.GetString()), context.RequestAborted).ConfigureAwait(false);
            }
            else
            {
                var mine = Interlocked.Increment(ref number);
                var told = open[$"{mine}"] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync($"data: {Ask(mine)}\n\n", context.RequestAborted).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
                await told.Task.WaitAsync(context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await context.Response.WriteAsync($"data: {Result(id, Done)}\n\n", context.RequestAborted).ConfigureAwait(false);
            }
        }));
        return app;
    }

    private static string Answer(string id, string? method) => method switch
    {
        "initialize" => Result(id, Initialized),
        "tools/list" => Result(id, Tools),
        "ping" => Result(id, "{}"),
        _ => $$$"""{"error":{"code":-32601,"message":"Method not found"},"jsonrpc":"2.0","id":{{{id}}}}""",
    };

    private static string Ask(int number) => "{\"method\":\"elicitation/create\",\"params\":" + Question + ",\"jsonrpc\":\"2.0\",\"id\":" + number + "}";

    private static string Result(string id, string result) => "{\"result\":" + result + ",\"jsonrpc\":\"2.0\",\"id\":" + id + "}";
}
