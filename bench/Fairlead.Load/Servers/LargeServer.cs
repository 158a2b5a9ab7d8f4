using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.Load.Servers;

/// <summary>A Streamable HTTP server of 2026-07-28 whose one tool gives a text of any length, in JSON with its length or as an event, without ever holding it.</summary>
internal static class LargeServer
{
    /// <summary>The text is this, again and again: as dense as base64, with an escape in each line as in sources.</summary>
    private static readonly byte[] s_block = MakeBlock();

    private static ReadOnlySpan<byte> Start => "{\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\""u8;

    /// <summary>The <c>large-http</c> mode.</summary>
    public static Task<int> RunAsync(LoadArguments arguments)
    {
        var isStream = arguments.Text("--answers", "json") == "sse";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(context => AnswerAsync(context, isStream));
        return BareServer.ServeAsync(app);
    }

    private static async Task AnswerAsync(HttpContext context, bool isStream)
    {
        if (context.Request.Method != "POST")
        {
            context.Response.StatusCode = 405;
            return;
        }

        using var request = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted).ConfigureAwait(false);
        var id = request.RootElement.GetProperty("id").GetRawText();
        var method = request.RootElement.GetProperty("method").GetString();
        var end = Encoding.UTF8.GetBytes($"\"}}]}},\"jsonrpc\":\"2.0\",\"id\":{id}}}");
        if (method == "tools/call")
        {
            await LargeAsync(context, request.RootElement.GetProperty("params").GetProperty("arguments").GetProperty("bytes").GetInt64(), end, isStream).ConfigureAwait(false);
            return;
        }

        var answer = method switch
        {
            "server/discover" => """
                {"resultType":"complete","ttlMs":60000,"cacheScope":"public","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"large","version":"1.0.0"}}}
                """,
            "tools/list" => """
                {"resultType":"complete","ttlMs":60000,"cacheScope":"public","tools":[{"name":"large","inputSchema":{"type":"object","properties":{"bytes":{"type":"integer"}}}}]}
                """,
            _ => null,
        };
        context.Response.StatusCode = answer is null ? 404 : 200;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(
            "{\"jsonrpc\":\"2.0\",\"id\":" + id + (answer is null ? ",\"error\":{\"code\":-32601,\"message\":\"This server does not know that method.\"}}" : ",\"result\":" + answer.Trim() + "}"),
            context.RequestAborted).ConfigureAwait(false);
    }

    private static async Task LargeAsync(HttpContext context, long bytes, byte[] end, bool isStream)
    {
        var response = context.Response;
        response.ContentType = isStream ? "text/event-stream" : "application/json";
        if (isStream)
        {
            response.BodyWriter.Write("event: message\ndata: "u8);
        }
        else
        {
            response.ContentLength = Start.Length + bytes + end.Length;
        }

        response.BodyWriter.Write(Start);
        for (; bytes > 0; bytes -= s_block.Length)
        {
            await response.BodyWriter.WriteAsync(s_block.AsMemory(0, (int)Math.Min(bytes, s_block.Length)), context.RequestAborted).ConfigureAwait(false);
        }

        response.BodyWriter.Write(end);
        response.BodyWriter.Write(isStream ? "\n\n"u8 : default);
        await response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>64 KiB in lines of 64 bytes, so that no cut at a multiple of 64 parts an escape.</summary>
    private static byte[] MakeBlock()
    {
        var block = new byte[64 * 1024];
        for (var i = 0; i < block.Length; i++)
        {
            block[i] = (i % 64) switch
            {
                62 => (byte)'\\',
                63 => (byte)'n',
                var at => (byte)"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(i * 31 + at) % 64],
            };
        }

        return block;
    }
}
