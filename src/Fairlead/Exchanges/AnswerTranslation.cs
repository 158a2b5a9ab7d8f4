using System.Buffers;
using System.Text.Json;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>A translated answer.</summary>
/// <param name="Body">The whole JSON-RPC message, with the client's id.</param>
/// <param name="Status">The HTTP status for a modern client.</param>
internal sealed record TranslatedAnswer(byte[] Body, int Status);

/// <summary>The rare answers that must be read and written anew: errors whose code means another thing on the client's hop, and input that cannot be asked for (protocol.md 6, 6.1).</summary>
internal static class AnswerTranslation
{
    private const int ResourceNotFoundLegacy = -32002;
    private const int InvalidParams = -32602;
    private const int HeaderMismatch = -32020;
    private const int MissingCapability = -32021;
    private const int UnsupportedVersion = -32022;
    private const int UrlElicitationRequired = -32042;

    /// <summary>Translates an error of the server, or returns null when its bytes may pass.</summary>
    public static TranslatedAnswer? Error(Exchange exchange, bool upstreamIsModern)
    {
        var clientIsModern = exchange.ClientVersion.IsModern();
        var code = exchange.AnswerEnvelope.ErrorCode;
        return code switch
        {
            ResourceNotFoundLegacy when clientIsModern => new TranslatedAnswer(WithCode(exchange, InvalidParams), 200),
            InvalidParams when !clientIsModern && upstreamIsModern && IsMissingResource(exchange) => new TranslatedAnswer(WithCode(exchange, ResourceNotFoundLegacy), 200),
            MissingCapability when clientIsModern && upstreamIsModern && CapabilityRefusal.Compose(exchange) is { } refusal => new TranslatedAnswer(refusal, 400),

            // These speak of Fairlead's own request to the server, never of the client's (protocol.md 2.4, error code space).
            HeaderMismatch or MissingCapability or UnsupportedVersion => new TranslatedAnswer(Hidden(exchange, code), 200),
            UrlElicitationRequired when clientIsModern || exchange.ClientVersion < ProtocolVersion.V20251125 => new TranslatedAnswer(Hidden(exchange, code), 200),
            _ => null,
        };
    }

    /// <summary>What a legacy client gets when a modern server asks for input that cannot be had: the refusal of protocol.md 6.1. Null when the server did not ask.</summary>
    public static byte[]? InputRequired(Exchange exchange) => Exchanges.InputRequired.IsIn(exchange)
        ? ToolErrorOrError(exchange, ForwardErrors.Message(ForwardError.InputNotPossible, exchange.Connection!.Server, exchange.InputFault), null)
        : null;

    /// <summary>-32021 of our own (2026-07-28, HTTP status 400): the call cannot be done for a client that declares so little.</summary>
    /// <param name="exchange">The call.</param>
    /// <param name="needed">What the client would have to declare.</param>
    /// <param name="why">Words that follow the server's name.</param>
    public static TranslatedAnswer MissingCapabilities(Exchange exchange, ClientInput needed, string why) => new(
        Compose(
            exchange.RequestEnvelope.Id.Of(exchange.Request.Span), MissingCapability, $"The server '{exchange.Cell!.Name}' {why}.",
            [.. "{\"requiredCapabilities\":"u8, .. ClientInputs.ToCapabilities(needed), .. "}"u8]),
        400);

    /// <summary>Whether a complete exchange failed as far as its client is concerned: an error, or a tool's result that says so.</summary>
    public static bool IsFailure(Exchange exchange)
    {
        ref readonly var envelope = ref exchange.AnswerEnvelope;
        return exchange.Error == ForwardError.None
            && (envelope.Kind == MessageKind.Error
                || (JsonMembers.TryFind(exchange.Answer, envelope.Result, "isError"u8, out var isError) && isError.Of(exchange.Answer).SequenceEqual("true"u8)));
    }

    /// <summary>An error message of ours with the client's id.</summary>
    /// <param name="id">The raw id token; empty = null id.</param>
    /// <param name="code">JSON-RPC code.</param>
    /// <param name="message">What went wrong and how to mend it.</param>
    /// <param name="data">Raw JSON for <c>data</c>, or empty.</param>
    public static byte[] Compose(ReadOnlySpan<byte> id, int code, string message, ReadOnlySpan<byte> data)
    {
        var buffer = new ArrayBufferWriter<byte>(128 + message.Length + data.Length);
        buffer.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        buffer.Write(id.IsEmpty ? "null"u8 : id);
        buffer.Write(",\"error\":{\"code\":"u8);
        buffer.Write(System.Text.Encoding.ASCII.GetBytes(code.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        buffer.Write(",\"message\":"u8);
        buffer.Write(JsonText.Quote(message));
        if (!data.IsEmpty)
        {
            buffer.Write(",\"data\":"u8);
            buffer.Write(data);
        }

        buffer.Write("}}"u8);
        var body = buffer.WrittenSpan.ToArray();

        // Data of a server may be laid out on several lines; in JSON they are whitespace, but in an SSE event or on a pipe they would end the message (protocol.md 2.1).
        body.AsSpan().Replace((byte)'\n', (byte)' ');
        body.AsSpan().Replace((byte)'\r', (byte)' ');
        return body;
    }

    /// <summary>What a client reads when a call failed on the way; <c>data</c> names the server, the error in the word of the API, and the reason as metrics tell it.</summary>
    public static byte[] Failure(Exchange exchange)
    {
        var server = exchange.Cell?.Name ?? "";
        byte[] data = [.. "{\"server\":"u8, .. JsonText.Quote(server), .. ",\"error\":"u8, .. JsonText.Quote(CallFailures.Word(exchange.Error)), .. ",\"reason\":\""u8, .. System.Text.Encoding.ASCII.GetBytes(ForwardErrors.Tag(exchange.Error)), .. RetryAfter(exchange)];
        var message = ForwardErrors.Message(exchange.Error, server, exchange.ErrorDetail);
        return Compose(exchange.RequestEnvelope.Id.Of(exchange.Request.Span), ForwardErrors.JsonRpcCode, message, data);
    }

    private static byte[] RetryAfter(Exchange exchange) => System.Text.Encoding.ASCII.GetBytes(
        exchange.RetryAfterMs > 0 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\",\"retryAfterMs\":{exchange.RetryAfterMs}}}") : "\"}");

    private static byte[] Hidden(Exchange exchange, int code)
    {
        using var error = JsonDocument.Parse(exchange.Answer.Slice(exchange.AnswerEnvelope.Error.Start, exchange.AnswerEnvelope.Error.Length).ToArray());
        var text = error.RootElement.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.String ? message.GetString() : "no message";
        var server = exchange.Connection!.Server;
        var sentence = code switch
        {
            MissingCapability => $"The server '{server}' needs a capability that this client did not declare: {text}",
            UrlElicitationRequired => $"The server '{server}' needs the user to open a page first: {text}{Urls(error.RootElement)}",
            _ => $"The server '{server}' refused Fairlead's request (code {code}): {text}",
        };
        byte[] data = [.. "{\"server\":"u8, .. JsonText.Quote(server), .. ",\"upstream\":"u8, .. System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(error.RootElement), .. "}"u8];

        // What is wrong between Fairlead and the server is no outcome of the tool (protocol.md 6.1).
        return code is HeaderMismatch or UnsupportedVersion
            ? Compose(exchange.RequestEnvelope.Id.Of(exchange.Request.Span), ForwardErrors.JsonRpcCode, sentence, data)
            : ToolErrorOrError(exchange, sentence, data);
    }

    private static string Urls(JsonElement error)
    {
        if (!error.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Object
            || !data.TryGetProperty("elicitations", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return "";
        }

        var urls = list.EnumerateArray()
            .Where(static entry => entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty("url", out var url) && url.ValueKind == JsonValueKind.String)
            .Select(static entry => entry.GetProperty("url").GetString());
        return " " + string.Join(' ', urls);
    }

    /// <summary>A tool's failure is told in its result, where a model can read it; any other call fails with -32603.</summary>
    private static byte[] ToolErrorOrError(Exchange exchange, string text, byte[]? data)
    {
        var id = exchange.RequestEnvelope.Id.Of(exchange.Request.Span);
        if (exchange.RequestEnvelope.KnownMethod != McpMethod.ToolsCall)
        {
            return Compose(id, ForwardErrors.JsonRpcCode, text, data);
        }

        ReadOnlySpan<byte> type = exchange.ClientVersion.IsModern() ? "\"resultType\":\"complete\","u8 : default;
        return
        [
            .. "{\"jsonrpc\":\"2.0\",\"id\":"u8, .. id, .. ",\"result\":{"u8, .. type, .. "\"content\":[{\"type\":\"text\",\"text\":"u8, .. JsonText.Quote(text),
            .. "}],\"isError\":true}}"u8,
        ];
    }

    /// <summary>Whether the error says that the resource of a resources/read does not exist: 2026-07-28 tells it by <c>data.uri</c> (server/resources, Error Handling).</summary>
    private static bool IsMissingResource(Exchange exchange) =>
        exchange.RequestEnvelope.KnownMethod == McpMethod.ResourcesRead
        && JsonMembers.TryFind(exchange.Answer, exchange.AnswerEnvelope.Error, "data"u8, out var data) && JsonMembers.TryFind(exchange.Answer, data, "uri"u8, out _);

    private static byte[] WithCode(Exchange exchange, int code)
    {
        using var error = JsonDocument.Parse(exchange.Answer.Slice(exchange.AnswerEnvelope.Error.Start, exchange.AnswerEnvelope.Error.Length).ToArray());
        var message = error.RootElement.TryGetProperty("message", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
        var data = error.RootElement.TryGetProperty("data", out var value) ? DataOf(exchange, System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(value)) : MissingUri(exchange);
        return Compose(exchange.RequestEnvelope.Id.Of(exchange.Request.Span), code, message, data);
    }

    private static ReadOnlySpan<byte> DataOf(Exchange exchange, ReadOnlySpan<byte> raw)
    {
        if (!ContentEdits.IsReadByAnotherUri(exchange))
        {
            return raw;
        }

        var splice = new Splice(raw, stackalloc byte[Splice.ScratchBytes]);
        ContentEdits.ApplyToErrorData(ref splice, exchange, raw, new ByteRange(0, raw.Length));
        var data = new byte[splice.ResultLength];
        splice.WriteTo(data);
        splice.Dispose();
        return data;
    }

    /// <summary>The <c>data.uri</c> that 2026-07-28 wants where the server gave no data; empty when the call was about no resource.</summary>
    private static ReadOnlySpan<byte> MissingUri(Exchange exchange)
    {
        var uri = exchange.RequestEnvelope.Uri.Of(exchange.Request.Span);
        byte[] data = exchange.RequestEnvelope.KnownMethod == McpMethod.ResourcesRead ? [.. "{\"uri\":"u8, .. uri, .. "}"u8] : [];
        return data;
    }
}
