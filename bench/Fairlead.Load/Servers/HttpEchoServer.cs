using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.Load.Servers;

/// <summary>The echo server on Streamable HTTP, for servers behind the gateway that are no children. It reads each message once, and answers in JSON or on an event stream.</summary>
internal static class HttpEchoServer
{
    private const string Modern = "2026-07-28";

    private static byte[] s_tools = [];
    private static byte[] s_modernTools = [];

    public static Task<int> RunAsync(LoadArguments arguments)
    {
        var era = arguments.Text("--era", "dual");
        var isStream = arguments.Text("--answers", "json") == "sse";
        var tools = arguments.Number("--tools", 1);
        (s_tools, s_modernTools) = (Encoding.UTF8.GetBytes(EchoText.Tools(tools)), Encoding.UTF8.GetBytes(EchoText.ModernTools(tools)));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
        });
        var app = builder.Build();
        app.Run(context => context.Request.Method switch
        {
            "POST" => PostAsync(context, era, isStream),
            "DELETE" => Task.CompletedTask,
            _ => RefuseMethod(context),
        });
        return BareServer.ServeAsync(app);
    }

    private static Task RefuseMethod(HttpContext context)
    {
        context.Response.StatusCode = 405;
        context.Response.Headers.Allow = "POST";
        return Task.CompletedTask;
    }

    private static async Task PostAsync(HttpContext context, string era, bool isStream)
    {
        var body = await ReadAllAsync(context).ConfigureAwait(false);
        var message = Message.Read(body.Buffer);
        var answer = new ArrayBufferWriter<byte>(message.Text.Length + 512);
        if (message.Id.Length == 0)
        {
            context.Response.StatusCode = 202;
        }
        else
        {
            answer.Write(isStream ? "data: {\"result\":"u8 : "{\"result\":"u8);
            var isKnown = TryAnswer(context, message, era, answer);
            if (!isKnown)
            {
                answer.Clear();
                answer.Write(isStream ? "data: {\"error\":"u8 : "{\"error\":"u8);
                answer.Write("{\"code\":-32601,\"message\":\"This server does not know that method.\"}"u8);
                context.Response.StatusCode = message.IsModern ? 404 : 200;
            }

            answer.Write(",\"jsonrpc\":\"2.0\",\"id\":"u8);
            answer.Write(message.Id);
            answer.Write(isStream ? "}\n\n"u8 : "}"u8);
            context.Response.ContentType = isStream ? "text/event-stream" : "application/json";
        }

        context.Request.BodyReader.AdvanceTo(body.Buffer.End);
        if (isStream)
        {
            // A stream does not know its length beforehand.
            await context.Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
        }
        else
        {
            context.Response.ContentLength = answer.WrittenCount;
        }

        context.Response.BodyWriter.Write(answer.WrittenSpan);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Writes the result of a method that this server has in that era.</summary>
    private static bool TryAnswer(HttpContext context, Message message, string era, ArrayBufferWriter<byte> answer)
    {
        var takesModern = era != "legacy" && message.IsModern;
        var takesLegacy = era != "modern" && !message.IsModern;
        switch (message.Method)
        {
            case "tools/call" when takesModern || takesLegacy:
                answer.Write(takesModern ? "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":"u8 : "{\"content\":[{\"type\":\"text\",\"text\":"u8);
                answer.Write(message.Text.Length == 0 ? "\"\""u8 : message.Text);
                answer.Write("}]}"u8);
                return true;
            case "tools/list" when takesModern || takesLegacy:
                answer.Write(takesModern ? s_modernTools : s_tools);
                return true;
            case "server/discover" when takesModern:
                answer.Write("""{"resultType":"complete","ttlMs":60000,"cacheScope":"public","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"echo","version":"1.0.0"}}}"""u8);
                return true;
            case "initialize" when takesLegacy:
                context.Response.Headers["Mcp-Session-Id"] = Guid.NewGuid().ToString("N");
                answer.Write("""{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1.0.0"}}"""u8);
                return true;
            case "ping" when takesLegacy:
                answer.Write("{}"u8);
                return true;
            default:
                return false;
        }
    }

    private static async ValueTask<System.IO.Pipelines.ReadResult> ReadAllAsync(HttpContext context)
    {
        while (true)
        {
            var read = await context.Request.BodyReader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            if (read.IsCompleted)
            {
                return read;
            }

            context.Request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>What an answer needs of a message. The texts are raw JSON tokens.</summary>
    private readonly ref struct Message
    {
        public string Method { get; private init; }

        public ReadOnlySpan<byte> Id { get; private init; }

        public ReadOnlySpan<byte> Text { get; private init; }

        public bool IsModern { get; private init; }

        public static Message Read(ReadOnlySequence<byte> body)
        {
            var bytes = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
            var reader = new Utf8JsonReader(bytes);
            var (method, isModern) = ("", false);
            ReadOnlySpan<byte> id = default, text = default;
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                if (reader.CurrentDepth == 1 && reader.ValueTextEquals("method"u8))
                {
                    reader.Read();
                    method = Known(reader.ValueSpan);
                }
                else if (reader.CurrentDepth == 1 && reader.ValueTextEquals("id"u8))
                {
                    reader.Read();
                    id = bytes[(int)reader.TokenStartIndex..(int)reader.BytesConsumed];
                }
                else if (reader.CurrentDepth == 3 && reader.ValueTextEquals("message"u8))
                {
                    reader.Read();
                    text = bytes[(int)reader.TokenStartIndex..(int)reader.BytesConsumed];
                }
                else if (reader.CurrentDepth == 3 && reader.ValueTextEquals("io.modelcontextprotocol/protocolVersion"u8))
                {
                    reader.Read();
                    isModern = reader.ValueTextEquals(Modern);
                }
            }

            return new Message { Method = method, Id = id, Text = text, IsModern = isModern };
        }

        // The frequent one without a new string.
        private static string Known(ReadOnlySpan<byte> method) => method.SequenceEqual("tools/call"u8) ? "tools/call" : Encoding.UTF8.GetString(method);
    }
}
