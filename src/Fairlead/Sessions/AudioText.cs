using System.Globalization;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>Says in words what a client cannot be given as sound: audio blocks came with 2025-03-26 (protocol.md 6).</summary>
internal static class AudioText
{
    /// <summary>Whether a client of this revision does not know audio.</summary>
    public static bool IsDueFor(ProtocolVersion version) => version < ProtocolVersion.V20250326;

    /// <summary>Whether a content block is audio.</summary>
    /// <param name="source">The message.</param>
    /// <param name="block">A JSON value in it.</param>
    public static bool IsAudio(ReadOnlySpan<byte> source, ByteRange block) =>
        JsonMembers.TryFind(source, block, "type"u8, out var type) && JsonText.Equals(type.Of(source), "audio"u8);

    /// <summary>The text block that takes the place of an audio block.</summary>
    public static byte[] BlockFor(ReadOnlySpan<byte> source, ByteRange block)
    {
        var data = Find(source, block, "data"u8).Of(source);

        // Four digits of Base64 are three bytes.
        var bytes = data.Length < 2 ? 0 : data[1..^1].TrimEnd((byte)'=').Length * 3L / 4;
        var type = JsonText.ToString(Find(source, block, "mimeType"u8).Of(source)) ?? "of unknown type";
        return TextBlock(source, block, string.Create(CultureInfo.InvariantCulture, $"Audio ({type}, {bytes} bytes) that the client's revision of MCP cannot carry."));
    }

    /// <summary>A text block in the place of another one; annotations say for whom it is and stay, they are in every revision.</summary>
    public static byte[] TextBlock(ReadOnlySpan<byte> source, ByteRange block, string text)
    {
        var annotations = Find(source, block, "annotations"u8);
        var name = annotations.Exists ? ",\"annotations\":"u8 : default;
        return [.. "{\"type\":\"text\",\"text\":"u8, .. JsonText.Quote(text), .. name, .. annotations.Of(source), .. "}"u8];
    }

    private static ByteRange Find(ReadOnlySpan<byte> source, ByteRange container, ReadOnlySpan<byte> member) =>
        container.Exists && JsonMembers.TryFind(source, container, member, out var value) ? value : default;
}
