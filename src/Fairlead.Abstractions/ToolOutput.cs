using System.Buffers;
using System.Text.Json;

namespace Fairlead;

/// <summary>What a tool gives back: a raw <c>CallToolResult</c> object, and whether it stands for a failure.</summary>
/// <remarks>A tool that gives the same answer often makes it once and returns it again: the bytes are never changed.</remarks>
public readonly struct ToolOutput
{
    /// <summary>Wraps a result that is JSON already.</summary>
    /// <param name="resultUtf8">A JSON object with at least <c>content</c>; it must not be changed afterwards.</param>
    /// <param name="isError">Must equal the object's <c>isError</c> member (absent = false).</param>
    public ToolOutput(ReadOnlyMemory<byte> resultUtf8, bool isError = false)
    {
        ResultUtf8 = resultUtf8;
        IsError = isError;
    }

    /// <summary>The raw result object.</summary>
    public ReadOnlyMemory<byte> ResultUtf8 { get; }

    /// <summary>Whether the tool failed.</summary>
    public bool IsError { get; }

    /// <summary>A result of one text.</summary>
    public static ToolOutput Text(string text) => Compose(text, structuredUtf8: default, isError: false);

    /// <summary>A failure that the model may read and react to.</summary>
    /// <param name="text">What was wrong and how to mend it.</param>
    public static ToolOutput Error(string text) => Compose(text, structuredUtf8: default, isError: true);

    /// <summary>A structured result, with the same JSON as text for clients that read only text (MCP 2025-11-25, server/tools, Structured Content).</summary>
    /// <param name="structuredUtf8">A JSON object.</param>
    public static ToolOutput Structured(ReadOnlyMemory<byte> structuredUtf8) =>
        Compose(System.Text.Encoding.UTF8.GetString(structuredUtf8.Span), structuredUtf8, isError: false);

    private static ToolOutput Compose(string text, ReadOnlyMemory<byte> structuredUtf8, bool isError)
    {
        var buffer = new ArrayBufferWriter<byte>(64 + text.Length + structuredUtf8.Length);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("content"u8);
            writer.WriteStartObject();
            writer.WriteString("type"u8, "text"u8);
            writer.WriteString("text"u8, text);
            writer.WriteEndObject();
            writer.WriteEndArray();
            if (!structuredUtf8.IsEmpty)
            {
                writer.WritePropertyName("structuredContent"u8);
                writer.WriteRawValue(structuredUtf8.Span);
            }

            if (isError)
            {
                writer.WriteBoolean("isError"u8, true);
            }

            writer.WriteEndObject();
        }

        return new ToolOutput(buffer.WrittenSpan.ToArray(), isError);
    }
}
