using System.Text.Json;
using System.Text.Unicode;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Reads the body of a tool call, <c>{"arguments":{...}}</c>, without taking the arguments apart: they go to the server as they were written.</summary>
internal static class CallBody
{
    /// <summary>How a good body looks, as a sentence.</summary>
    public const string Shape = "Send {\"arguments\":{...}}.";

    /// <summary>The bytes of the arguments, a part of <paramref name="body"/>; empty when there are none.</summary>
    /// <param name="body">The whole body; empty = no arguments.</param>
    /// <param name="depthMax">Deepest nesting.</param>
    /// <exception cref="BadRequest">It is not one JSON object with at most the member <c>arguments</c>, an object.</exception>
    public static ReadOnlyMemory<byte> Arguments(ReadOnlyMemory<byte> body, int depthMax)
    {
        if (body.IsEmpty)
        {
            return default;
        }

        if (!Utf8.IsValid(body.Span))
        {
            throw new BadRequest($"The body is not UTF-8. {Shape}");
        }

        try
        {
            return Read(body, depthMax);
        }
        catch (JsonException exception)
        {
            throw new BadRequest($"The body is not JSON, or nested deeper than {depthMax} levels: {exception.Message} {Shape}");
        }
    }

    private static ReadOnlyMemory<byte> Read(ReadOnlyMemory<byte> body, int depthMax)
    {
        var reader = new Utf8JsonReader(body.Span, new JsonReaderOptions { MaxDepth = depthMax });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new BadRequest($"The body is {Name(reader.TokenType)}, not an object. {Shape}");
        }

        ReadOnlyMemory<byte>? arguments = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals("arguments"u8))
            {
                throw new BadRequest($"The member '{reader.GetString()}' is not known here; arguments of the tool stand inside \"arguments\". {Shape}");
            }

            if (arguments is not null)
            {
                // Two readers could see two different calls in it.
                throw new BadRequest("The member arguments stands twice; send it once.");
            }

            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw new BadRequest($"arguments is {Name(reader.TokenType)}, not an object. {Shape}");
            }

            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            arguments = body[start..(int)reader.BytesConsumed];
        }

        reader.Read(); // Nothing may follow; if something does, this throws.
        return arguments ?? default;
    }

    private static string Name(JsonTokenType token) => token switch
    {
        JsonTokenType.StartArray => "an array",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.Null => "null",
        _ => "a boolean",
    };
}
