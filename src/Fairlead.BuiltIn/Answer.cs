using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ModelContextProtocol.Protocol;

namespace Fairlead.BuiltIn;

/// <summary>Results of tools: structured for programs, readable for people and models.</summary>
internal static class Answer
{
    /// <summary>How results and arguments are written. Read-only.</summary>
    public static JsonSerializerOptions Json { get; } = MakeJson();

    /// <summary>A result.</summary>
    /// <param name="value">Becomes <c>structuredContent</c>; fits the tool's output schema.</param>
    /// <param name="text">The same to read.</param>
    public static CallToolResult Of<T>(T value, string text) => new()
    {
        Content = [new TextContentBlock { Text = text }],
        StructuredContent = JsonSerializer.SerializeToElement(value, Json),
    };

    /// <summary>A result whose text is its JSON, indented.</summary>
    public static CallToolResult Of<T>(T value)
    {
        var element = JsonSerializer.SerializeToElement(value, Json);
        return new CallToolResult
        {
            Content = [new TextContentBlock { Text = JsonSerializer.Serialize(element, s_indented) }],
            StructuredContent = element,
        };
    }

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static JsonSerializerOptions MakeJson()
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
            NumberHandling = JsonNumberHandling.Strict,
        };
        json.MakeReadOnly();
        return json;
    }
}
