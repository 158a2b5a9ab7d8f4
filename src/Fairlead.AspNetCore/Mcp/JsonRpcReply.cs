using System.Buffers;
using Fairlead.Exchanges;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Writes whole JSON-RPC messages as HTTP answers.</summary>
internal static class JsonRpcReply
{
    private const string Json = "application/json";

    /// <summary>An error answer. <paramref name="id"/> is the raw token of the request's id, empty when it could not be read.</summary>
    /// <remarks>In 2025 revisions an answer to something that is no request carries no id at all: null is not in their schema.</remarks>
    public static Task ErrorAsync(HttpContext context, int status, int code, string message, ReadOnlySpan<byte> id = default, ReadOnlySpan<byte> data = default) =>
        BytesAsync(context, status, AnswerTranslation.Compose(id, code, message, data));

    /// <summary>A result answer whose <paramref name="result"/> is ready-made JSON.</summary>
    public static Task ResultAsync(HttpContext context, ReadOnlySpan<byte> id, ReadOnlySpan<byte> result)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = Json;
        var length = ResultLength(id, result);
        response.ContentLength = length;
        WriteResult(response.BodyWriter, id, result);
        return Task.CompletedTask;
    }

    /// <summary>A result answer of any length: a long one goes to a client that must keep reading. It is written from where it lies, never put together first.</summary>
    public static Task ResultAsync(McpFront front, HttpContext context, ReadOnlySpan<byte> id, ReadOnlyMemory<byte> result)
    {
        if (result.Length <= StalledClient.FreeBytes)
        {
            return ResultAsync(context, id, result.Span);
        }

        var response = context.Response;
        response.ContentType = Json;
        response.ContentLength = ResultLength(id, result.Span);
        WriteResultStart(response.BodyWriter, id);
        return StalledClient.WriteAsync(context, front, result, (byte)'}').AsTask();
    }

    /// <summary>A whole message.</summary>
    public static Task BytesAsync(HttpContext context, int status, ReadOnlySpan<byte> message)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = Json;
        response.ContentLength = message.Length;
        response.BodyWriter.Write(message);
        return Task.CompletedTask;
    }

    /// <summary>Writes <c>{"jsonrpc":"2.0","id":ID,"result":RESULT}</c>.</summary>
    public static void WriteResult(IBufferWriter<byte> writer, ReadOnlySpan<byte> id, ReadOnlySpan<byte> result)
    {
        WriteResultStart(writer, id);
        writer.Write(result);
        writer.Write("}"u8);
    }

    /// <summary>What a scan error is called on the wire.</summary>
    public static (int Code, string Message) Describe(ScanError error, int depthMax, int idBytesMax) => error switch
    {
        ScanError.NotJson => (-32700, "The body is not JSON; send one JSON-RPC message in UTF-8."),
        ScanError.TooDeep => (-32700, $"The body is nested deeper than {depthMax} levels; send it flatter or raise jsonDepthMax."),
        ScanError.InvalidId => (-32600, "The id must be a string or a number."),
        ScanError.IdTooLong => (-32600, $"The id is longer than {idBytesMax} bytes; send a shorter one or raise idBytesMax."),
        ScanError.DuplicateMember => (-32600, "A member stands twice in the message, its params or its _meta; send each once."),
        ScanError.MixedKinds => (-32600, "The message is a request and an answer at once; send a method, or a result, or an error."),
        _ => (-32600, "The body is not a JSON-RPC 2.0 message: it needs \"jsonrpc\":\"2.0\" and a method, a result or an error."),
    };

    private static void WriteResultStart(IBufferWriter<byte> writer, ReadOnlySpan<byte> id)
    {
        writer.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        writer.Write(id);
        writer.Write(",\"result\":"u8);
    }

    private static int ResultLength(ReadOnlySpan<byte> id, ReadOnlySpan<byte> result) =>
        "{\"jsonrpc\":\"2.0\",\"id\":"u8.Length + id.Length + ",\"result\":"u8.Length + result.Length + 1;
}
