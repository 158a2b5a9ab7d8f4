using System.Buffers;
using System.Text.Json;
using Fairlead.Sessions;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>A legacy server that refuses a call until its user has visited a page (-32042, 2025-11-25 client/elicitation) in front of a modern client: the client is asked for the visit and calls again.</summary>
/// <remarks>Nothing is held meanwhile: the server has ended the call. The handle only ties the retry to the request.</remarks>
internal static class UrlRound
{
    private const int UrlElicitationRequired = -32042;

    /// <summary>Whether a complete exchange was answered so.</summary>
    public static bool IsIn(Exchange exchange) => exchange.AnswerEnvelope.ErrorCode == UrlElicitationRequired && exchange.AnswerEnvelope.Kind == MessageKind.Error;

    /// <summary>The <c>input_required</c> result, or -32021 when the client did not declare <c>elicitation.url</c>. Null when the error names no page.</summary>
    public static TranslatedAnswer? Translate(Exchange exchange, ClientInput input, ParkedCalls parked)
    {
        using var error = JsonDocument.Parse(exchange.Answer.Slice(exchange.AnswerEnvelope.Error.Start, exchange.AnswerEnvelope.Error.Length).ToArray());
        if (!error.RootElement.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Object
            || !data.TryGetProperty("elicitations", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var pages = list.EnumerateArray().Where(static page => page.ValueKind == JsonValueKind.Object && IsText(page, "url") && IsText(page, "message")).ToArray();
        if (pages.Length == 0)
        {
            return null;
        }

        var request = exchange.Request.Span;
        var id = exchange.RequestEnvelope.Id.Of(request);
        if ((input & ClientInput.Url) == 0)
        {
            return AnswerTranslation.MissingCapabilities(exchange, ClientInput.Url, "needs the user to open a page first; declare elicitation.url to be asked for it");
        }

        var body = new ArrayBufferWriter<byte>(512);
        body.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        body.Write(id);
        body.Write(",\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{"u8);
        for (var i = 0; i < pages.Length; i++)
        {
            body.Write(System.Text.Encoding.ASCII.GetBytes($"{(i == 0 ? "" : ",")}\"u{i + 1}\":{{\"method\":\"elicitation/create\",\"params\":{{\"mode\":\"url\",\"message\":"));
            body.Write(ToolArguments.RawOf(pages[i].GetProperty("message")));
            body.Write(",\"url\":"u8);
            body.Write(ToolArguments.RawOf(pages[i].GetProperty("url")));
            body.Write("}}"u8);
        }

        body.Write("},\"requestState\":"u8);
        body.Write(parked.RepeatHandle(request, exchange.RequestEnvelope));
        body.Write("}}"u8);
        return new TranslatedAnswer(body.WrittenSpan.ToArray(), 200);
    }

    private static bool IsText(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String;
}
