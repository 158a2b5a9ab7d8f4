using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Fairlead.Wire;

namespace Fairlead.Measuring;

/// <summary>Tells a good answer from any other: a complete JSON-RPC result with the request's id that is not <c>isError</c>, as JSON or as an event stream.</summary>
/// <remarks>
/// The first good answer is kept. One that differs from it in nothing but the id is good without being read again: that costs a comparison of bytes instead of a parse.
/// Not thread-safe.
/// </remarks>
internal sealed class AnswerCheck(bool checksId)
{
    private const int ShownMax = 300;
    private const int EventBytesMax = 64 * 1024 * 1024;

    private readonly byte[] _id = new byte[McpRequest.IdDigits];
    private byte[] _known = [];
    private int _knownIdAt = -1;

    /// <summary>Judges an answer.</summary>
    /// <param name="answer">A complete one.</param>
    /// <param name="id">The id of its request.</param>
    /// <returns>Null when it is good; else what it is, one line.</returns>
    public string? Judge(HttpAnswer answer, long id)
    {
        if (answer.Status != 200)
        {
            return $"status {answer.Status}: {Shown(answer.Body)}";
        }

        if (IsKnown(answer.Body, id))
        {
            return null;
        }

        var fault = answer.IsEventStream ? JudgeEvents(answer.Body, id) : JudgeMessage(answer.Body, id, out _);
        if (fault is null)
        {
            Learn(answer.Body, id);
        }

        return fault;
    }

    /// <summary>Judges an answer that is not of the protocol: any 2xx that is as long as the first.</summary>
    /// <inheritdoc cref="Judge"/>
    /// <param name="answer">A complete one.</param>
    /// <param name="expects">What the first one must hold.</param>
    public string? JudgeRaw(HttpAnswer answer, string expects)
    {
        if (answer.Status is < 200 or > 299)
        {
            return $"status {answer.Status}: {Shown(answer.Body)}";
        }

        if (_known.Length == 0)
        {
            if (answer.Body.IndexOf(Encoding.UTF8.GetBytes(expects)) < 0)
            {
                return $"not the expected answer: {Shown(answer.Body)}";
            }

            _known = answer.Body.ToArray();
        }

        return answer.Body.Length == _known.Length ? null : $"the answer has {answer.Body.Length} bytes where the first had {_known.Length}: {Shown(answer.Body)}";
    }

    /// <summary>The message with that id in an event stream; empty when there is none.</summary>
    /// <param name="body">The whole stream.</param>
    /// <param name="id">The id of the request.</param>
    public byte[] FindMessage(ReadOnlySpan<byte> body, long id)
    {
        using var events = new SseParser(EventBytesMax);
        while (events.Read(ref body) == SseRead.Event)
        {
            if (events.IsMessage && !events.Data.IsEmpty)
            {
                JudgeMessage(events.Data, id, out var isAnswer);
                if (isAnswer)
                {
                    return events.Data.ToArray();
                }
            }
        }

        return [];
    }

    private static string Shown(ReadOnlySpan<byte> body)
    {
        var text = Encoding.UTF8.GetString(body[..Math.Min(body.Length, ShownMax)]).ReplaceLineEndings(" ");
        return body.Length > ShownMax ? text + "..." : text;
    }

    private bool IsKnown(ReadOnlySpan<byte> body, long id)
    {
        if (body.Length != _known.Length || body.IsEmpty)
        {
            return false;
        }

        if (_knownIdAt < 0)
        {
            return !checksId && body.SequenceEqual(_known);
        }

        Utf8Formatter.TryFormat(id, _id, out var digits);
        var after = _knownIdAt + digits;
        return body[.._knownIdAt].SequenceEqual(_known.AsSpan(0, _knownIdAt)) && body[_knownIdAt..after].SequenceEqual(_id.AsSpan(0, digits)) && body[after..].SequenceEqual(_known.AsSpan(after));
    }

    private void Learn(ReadOnlySpan<byte> body, long id)
    {
        _known = body.ToArray();
        Utf8Formatter.TryFormat(id, _id, out var digits);
        var at = checksId ? body.LastIndexOf(_id.AsSpan(0, digits)) : -1;

        // Twice in one answer: which of them is the id is not known, and each answer is read.
        _knownIdAt = at >= 0 && body.IndexOf(_id.AsSpan(0, digits)) == at ? at : -1;
    }

    private string? JudgeEvents(ReadOnlySpan<byte> body, long id)
    {
        var message = FindMessage(body, id);
        return message.Length == 0 ? $"the event stream ended without an answer to {id}: {Shown(body)}" : JudgeMessage(message, id, out _);
    }

    // isAnswer: whether it is an answer to the request at all, good or not.
    private string? JudgeMessage(ReadOnlySpan<byte> message, long id, out bool isAnswer)
    {
        isAnswer = false;
        try
        {
            var reader = new Utf8JsonReader(message);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return $"no JSON object: {Shown(message)}";
            }

            var (hasId, hasResult, isError, isRefusal) = (false, false, false, false);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("id"u8))
                {
                    reader.Read();
                    hasId = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number) && number == id;
                }
                else if (reader.ValueTextEquals("result"u8))
                {
                    hasResult = true;
                    isError = IsNoSuccess(ref reader);
                }
                else
                {
                    isRefusal |= reader.ValueTextEquals("error"u8);
                    reader.Skip();
                }
            }

            isAnswer = (hasId || !checksId) && (hasResult || isRefusal);
            return isRefusal || isError || !hasResult || !isAnswer ? Shown(message) : null;
        }
        catch (JsonException exception)
        {
            return $"no JSON ({exception.Message}): {Shown(message)}";
        }
    }

    /// <summary>Reads a result to its end and tells whether it is no success: <c>isError</c>, or a <c>resultType</c> that asks for more.</summary>
    private static bool IsNoSuccess(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return false;
        }

        var isError = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isFlag, isType) = (reader.ValueTextEquals("isError"u8), reader.ValueTextEquals("resultType"u8));
            reader.Read();
            isError |= (isFlag && reader.TokenType == JsonTokenType.True) || (isType && !(reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("complete"u8)));
            reader.Skip();
        }

        return isError;
    }
}
