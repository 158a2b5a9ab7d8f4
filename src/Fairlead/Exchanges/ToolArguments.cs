using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Fairlead.Exchanges;

/// <summary>Arguments in any of the forms the API takes, as the bytes that go to the server (decision 16).</summary>
internal static class ToolArguments
{
    // The default encoder writes every character beyond ASCII as an escape: legal, but larger and not what was given.
    private static readonly JsonSerializerOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Bytes from anything.</summary>
    /// <param name="arguments">Null (no arguments at all), bytes, a <see cref="JsonElement"/>, or anything that <see cref="JsonSerializer"/> writes as an object.</param>
    /// <exception cref="ArgumentException">It is not one JSON object.</exception>
    public static ReadOnlyMemory<byte> From(object? arguments) => arguments switch
    {
        null => default,
        byte[] bytes => Checked(bytes),
        ReadOnlyMemory<byte> bytes => Checked(bytes),
        _ => Checked(Serialise(arguments)),
    };

    /// <summary>Bytes that a caller gave, once it is certain that they are one JSON object: anything else would break the message around them.</summary>
    /// <exception cref="ArgumentException">They are not.</exception>
    public static ReadOnlyMemory<byte> Checked(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return default;
        }

        return IsObject(bytes.Span) ? bytes : throw new ArgumentException(
            "The arguments of a tool are one JSON object. Give an object, a dictionary, a JsonElement of an object, the UTF-8 text of one, or null for none.", nameof(bytes));
    }

    /// <summary>JSON from anything serialisable.</summary>
    public static byte[] Serialise(object value) => value switch
    {
        byte[] bytes => bytes,
        ReadOnlyMemory<byte> bytes => bytes.ToArray(),
        JsonElement element => RawOf(element),
        _ => JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), s_options),
    };

    /// <summary>The text of an element as it was read: numbers and escapes unchanged.</summary>
    public static byte[] RawOf(JsonElement element) => element.ValueKind == JsonValueKind.Undefined ? [] : JsonMarshal.GetRawUtf8Value(element).ToArray();

    private static bool IsObject(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var reader = new Utf8JsonReader(bytes);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
