using System.Globalization;
using System.Text;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Turns blocks of content that a client's revision does not know into text that says the same: resource links before 2025-06-18, audio before 2025-03-26 (protocol.md 6).</summary>
/// <remarks>Only for clients older than their server: between equals nothing is looked at.</remarks>
internal static class ContentEdits
{
    /// <summary>Whether the answer of a call may hold blocks that its client does not know.</summary>
    public static bool AreDue(Exchange exchange) =>
        exchange.ClientVersion < ProtocolVersion.V20250618 && exchange.ClientVersion < exchange.Connection!.Identity.Version;

    /// <summary>Edits the blocks of a tool's result, or of a prompt's messages.</summary>
    /// <param name="splice">Of the answer.</param>
    /// <param name="exchange">Answered with a result.</param>
    public static void Apply(scoped ref Splice splice, Exchange exchange)
    {
        var source = exchange.Answer;
        var result = exchange.AnswerEnvelope.Result;
        switch (exchange.RequestEnvelope.KnownMethod)
        {
            case McpMethod.ToolsCall when JsonMembers.TryFind(source, result, "content"u8, out var content):
                foreach (var block in new JsonElements(source, content))
                {
                    Edit(ref splice, exchange.ClientVersion, source, block);
                }

                break;
            case McpMethod.PromptsGet when JsonMembers.TryFind(source, result, "messages"u8, out var messages):
                foreach (var message in new JsonElements(source, messages))
                {
                    if (JsonMembers.TryFind(source, message, "content"u8, out var block))
                    {
                        Edit(ref splice, exchange.ClientVersion, source, block);
                    }
                }

                break;
            default:
                break;
        }
    }

    private static void Edit(scoped ref Splice splice, ProtocolVersion client, ReadOnlySpan<byte> source, ByteRange block)
    {
        if (!JsonMembers.TryFind(source, block, "type"u8, out var type))
        {
            return;
        }

        if (JsonText.Equals(type.Of(source), "resource_link"u8))
        {
            splice.Replace(block, TextBlock(DescribeLink(source, block), source, block));
        }
        else if (client < ProtocolVersion.V20250326 && JsonText.Equals(type.Of(source), "audio"u8))
        {
            splice.Replace(block, TextBlock(DescribeAudio(source, block), source, block));
        }
    }

    private static string DescribeLink(ReadOnlySpan<byte> source, ByteRange block)
    {
        var text = new StringBuilder("Resource: ").Append(Text(source, block, "title"u8) ?? Text(source, block, "name"u8) ?? "without a name");
        Line(text, "URI", Text(source, block, "uri"u8));
        Line(text, "Description", Text(source, block, "description"u8));
        Line(text, "Type", Text(source, block, "mimeType"u8));
        return text.ToString();
    }

    private static void Line(StringBuilder text, string what, string? value)
    {
        if (value is not null)
        {
            text.Append('\n').Append(what).Append(": ").Append(value);
        }
    }

    private static string DescribeAudio(ReadOnlySpan<byte> source, ByteRange block)
    {
        var kind = Text(source, block, "mimeType"u8) ?? "of unknown type";
        var bytes = JsonMembers.TryFind(source, block, "data"u8, out var data) ? DecodedLength(data.Of(source)) : 0;
        return string.Create(CultureInfo.InvariantCulture, $"Audio ({kind}, {bytes} bytes) that the client's revision of MCP cannot carry.");
    }

    /// <summary>Bytes behind a Base64 string token.</summary>
    private static int DecodedLength(ReadOnlySpan<byte> token)
    {
        var digits = token.Length < 2 ? default : token[1..^1].TrimEnd((byte)'=');
        return (int)(digits.Length * 3L / 4);
    }

    private static string? Text(ReadOnlySpan<byte> source, ByteRange block, ReadOnlySpan<byte> member) =>
        JsonMembers.TryFind(source, block, member, out var value) ? JsonText.ToString(value.Of(source)) : null;

    /// <summary>A text block; annotations say for whom it is and stay, they are in every revision.</summary>
    private static byte[] TextBlock(string text, ReadOnlySpan<byte> source, ByteRange block)
    {
        ReadOnlySpan<byte> name = JsonMembers.TryFind(source, block, "annotations"u8, out var annotations) ? ",\"annotations\":"u8 : default;
        return [.. "{\"type\":\"text\",\"text\":"u8, .. JsonText.Quote(text), .. name, .. annotations.Of(source), .. "}"u8];
    }
}
