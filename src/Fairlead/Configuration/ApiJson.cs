using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fairlead.Configuration;

/// <summary>How the management API writes and reads JSON, over HTTP and for callers in other languages inside this process: camelCase, the words of the configuration.</summary>
internal static class ApiJson
{
    /// <summary>The options; never changed.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        Converters = { new Word<ServerTransport>(), new Word<ServerOwner>(), new Word<RolloutStrategy>(), new Word<FaultKind>(), new Word<InstanceRole>(), new JsonStringEnumConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>A value in the word of the configuration.</summary>
    private sealed class Word<T> : JsonConverter<T>
        where T : struct, Enum
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetString() is { } word && OptionWords.TryWord(typeToConvert, word, out var value)
                ? (T)value
                : throw new JsonException($"It must be one of {string.Join(", ", OptionWords.Words(typeToConvert))}.");

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(OptionWords.Word(value));
    }
}
