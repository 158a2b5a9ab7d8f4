using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>What clients declare in <c>extensions</c> of their capabilities, as far as servers are told of it (2026-07-28, basic, capabilities; older revisions allow the key).</summary>
internal static class ClientExtensions
{
    /// <summary>What Fairlead declares where it speaks for all clients: MCP Apps, so that tools with a page are listed (docs/adr/0004).</summary>
    public static ReadOnlySpan<byte> Shared => "{\"io.modelcontextprotocol/ui\":{\"mimeTypes\":[\"text/html;profile=mcp-app\"]}}"u8;

    /// <summary>The raw object of a client's extensions without tasks, which are translated for each hop; empty when nothing is left. Allocates: once for each client.</summary>
    /// <param name="capabilities">The raw capabilities object; anything else declares nothing.</param>
    public static byte[] Of(ReadOnlySpan<byte> capabilities)
    {
        if (capabilities.IsEmpty || capabilities[0] != (byte)'{'
            || !JsonMembers.TryFind(capabilities, new ByteRange(0, capabilities.Length), "extensions"u8, out var declared) || capabilities[declared.Start] != (byte)'{')
        {
            return [];
        }

        List<byte>? members = null;
        foreach (var member in new JsonMembers(capabilities, declared))
        {
            if (!JsonText.Equals(member.Name.Of(capabilities), TaskForms.ExtensionName))
            {
                (members ??= []).Add(members.Count == 0 ? (byte)'{' : (byte)',');
                members.AddRange(member.Name.Of(capabilities));
                members.Add((byte)':');
                members.AddRange(member.Value.Of(capabilities));
            }
        }

        members?.Add((byte)'}');
        return members?.ToArray() ?? [];
    }

    /// <summary>Whether a server that was told <see cref="Shared"/> was told all of these.</summary>
    /// <param name="extensions">What <see cref="Of"/> gives.</param>
    public static bool AreShared(ReadOnlySpan<byte> extensions)
    {
        if (!extensions.IsEmpty)
        {
            foreach (var member in new JsonMembers(extensions, new ByteRange(0, extensions.Length)))
            {
                if (!JsonText.Equals(member.Name.Of(extensions), "io.modelcontextprotocol/ui"u8))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
