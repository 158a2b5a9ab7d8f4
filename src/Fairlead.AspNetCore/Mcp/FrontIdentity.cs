using System.Buffers;
using Fairlead.Catalog;
using Fairlead.Wire;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>What an endpoint says of itself: our own identity on the aggregate, the server's on an identity endpoint.</summary>
internal static class FrontIdentity
{
    private static ReadOnlySpan<byte> Own => "{\"name\":\"fairlead\",\"title\":\"Fairlead\",\"version\":\"0.1.0\"}"u8;

    /// <summary>The result of <c>server/discover</c>.</summary>
    public static byte[] DiscoverResult(CatalogSnapshot offered)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        buffer.Write("{\"resultType\":\"complete\","u8);
        buffer.Write(offered.Caching.ToMembers());
        buffer.Write(",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":"u8);
        buffer.Write(offered.Capabilities(modern: true).Span);
        WriteInstructions(buffer, offered);
        buffer.Write(",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":"u8);
        buffer.Write(Info(offered));
        buffer.Write("}}"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The result of <c>initialize</c>.</summary>
    public static byte[] InitializeResult(CatalogSnapshot offered, ProtocolVersion version)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        buffer.Write("{\"protocolVersion\":\""u8);
        buffer.Write(ProtocolVersions.Utf8Of(version));
        buffer.Write("\",\"capabilities\":"u8);
        buffer.Write(offered.Capabilities(modern: false).Span);
        buffer.Write(",\"serverInfo\":"u8);
        buffer.Write(Info(offered));
        WriteInstructions(buffer, offered);
        buffer.Write("}"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private static ReadOnlySpan<byte> Info(CatalogSnapshot offered) => offered.ServerInfo.IsEmpty ? Own : offered.ServerInfo.Span;

    private static void WriteInstructions(ArrayBufferWriter<byte> buffer, CatalogSnapshot offered)
    {
        if (!offered.Instructions.IsEmpty)
        {
            buffer.Write(",\"instructions\":"u8);
            buffer.Write(offered.Instructions.Span);
        }
    }
}
