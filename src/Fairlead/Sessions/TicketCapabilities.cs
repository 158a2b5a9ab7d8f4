using System.Buffers;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>Brings what a client said of itself into the room that a session id has (2025-11-25, basic/transports: the id is a header value).</summary>
internal static class TicketCapabilities
{
    /// <summary>The capabilities as they are, when they are not too long; else those that servers ask by (elicitation, sampling, roots) with their flags.</summary>
    /// <param name="capabilities">A raw JSON object.</param>
    /// <param name="bytesMax">At least 128.</param>
    public static byte[] Fit(byte[] capabilities, int bytesMax)
    {
        if (capabilities.Length <= bytesMax)
        {
            return capabilities;
        }

        var buffer = new ArrayBufferWriter<byte>(128);
        var separator = "{"u8;
        Add(buffer, capabilities, "elicitation"u8, "form"u8, "url"u8, ref separator);
        Add(buffer, capabilities, "sampling"u8, "tools"u8, "context"u8, ref separator);
        Add(buffer, capabilities, "roots"u8, "listChanged"u8, default, ref separator);
        buffer.Write(separator.SequenceEqual("{"u8) ? "{}"u8 : "}"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The clientInfo as it is, else its name and version, else nothing: whatever is not too long.</summary>
    public static byte[] FitInfo(byte[] clientInfo, int bytesMax)
    {
        if (clientInfo.Length <= bytesMax)
        {
            return clientInfo;
        }

        var root = new ByteRange(0, clientInfo.Length);
        if (!JsonMembers.TryFind(clientInfo, root, "name"u8, out var name) || !JsonMembers.TryFind(clientInfo, root, "version"u8, out var version))
        {
            return [];
        }

        byte[] brief = [.. "{\"name\":"u8, .. name.Of(clientInfo), .. ",\"version\":"u8, .. version.Of(clientInfo), .. "}"u8];
        return brief.Length <= bytesMax ? brief : [];
    }

    /// <summary>Copies one capability, with those of its two flags that the client set. What it means when neither is set stays as it was.</summary>
    private static void Add(
        ArrayBufferWriter<byte> buffer, byte[] capabilities, ReadOnlySpan<byte> name, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ref ReadOnlySpan<byte> separator)
    {
        if (!JsonMembers.TryFind(capabilities, new ByteRange(0, capabilities.Length), name, out var value) || value.Of(capabilities)[0] != (byte)'{')
        {
            return;
        }

        buffer.Write(separator);
        separator = ","u8;
        buffer.Write("\""u8);
        buffer.Write(name);
        buffer.Write("\":"u8);
        var inner = "{"u8;
        foreach (var member in new JsonMembers(capabilities, value))
        {
            var token = member.Value.Of(capabilities);
            var isFlag = JsonText.Equals(member.Name.Of(capabilities), first) || (!second.IsEmpty && JsonText.Equals(member.Name.Of(capabilities), second));
            if (isFlag && (token[0] == (byte)'{' || token.SequenceEqual("true"u8)))
            {
                buffer.Write(inner);
                inner = ","u8;
                buffer.Write(member.Name.Of(capabilities));
                buffer.Write(token[0] == (byte)'{' ? ":{}"u8 : ":true"u8);
            }
        }

        buffer.Write(inner.SequenceEqual("{"u8) ? "{}"u8 : "}"u8);
    }
}
