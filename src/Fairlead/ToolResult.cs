using System.Text;
using System.Text.Json;
using Fairlead.Wire;

namespace Fairlead;

/// <summary>What a tool gave back. The bytes are its own: nothing pooled, nothing that changes later.</summary>
public sealed class ToolResult
{
    // The parsed result, boxed: a result that nobody looks into stays small.
    private object? _root;

    internal ToolResult(ReadOnlyMemory<byte> raw, bool isError)
    {
        Raw = raw;
        IsError = isError;
    }

    /// <summary>The whole result object as the server wrote it, UTF-8.</summary>
    public ReadOnlyMemory<byte> Raw { get; }

    /// <summary>Whether the tool said that it failed.</summary>
    public bool IsError { get; }

    /// <summary>The content blocks, an array. Undefined (<see cref="JsonValueKind.Undefined"/>) when the server sent none. Parsed when first asked for.</summary>
    public JsonElement Content => Member("content"u8) ?? default;

    /// <summary>The structured result; null when the tool gave none.</summary>
    public JsonElement? StructuredContent => Member("structuredContent"u8);

    /// <summary>The texts of all text blocks, one after the other on lines of their own; empty when there is none.</summary>
    public string Text
    {
        get
        {
            if (Content.ValueKind != JsonValueKind.Array)
            {
                return "";
            }

            var text = new StringBuilder();
            foreach (var block in Content.EnumerateArray())
            {
                if (block.ValueKind == JsonValueKind.Object && block.TryGetProperty("type"u8, out var type) && type.ValueEquals("text"u8)
                    && block.TryGetProperty("text"u8, out var words) && words.ValueKind == JsonValueKind.String)
                {
                    text.Append(text.Length == 0 ? "" : "\n").Append(words.GetString());
                }
            }

            return text.ToString();
        }
    }

    /// <summary>The text of the result, marked when it is an error.</summary>
    public override string ToString() => IsError ? "error: " + Text : Text;

    /// <summary>Wraps an answer's <c>result</c>, which must not change any more.</summary>
    internal static ToolResult FromAnswer(ReadOnlyMemory<byte> raw) =>
        new(raw, JsonMembers.TryFind(raw.Span, new ByteRange(0, raw.Length), "isError"u8, out var isError) && isError.Of(raw.Span).SequenceEqual("true"u8));

    private JsonElement? Member(ReadOnlySpan<byte> name)
    {
        if (_root is null)
        {
            using var document = JsonDocument.Parse(Raw);
            _root = document.RootElement.Clone();
        }

        var root = (JsonElement)_root;
        return root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var value) ? value : null;
    }
}
