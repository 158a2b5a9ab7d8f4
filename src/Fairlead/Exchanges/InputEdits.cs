using Fairlead.Sessions;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>What must be changed in a question that crosses from one era to the other (protocol.md 1.2, elicitation and sampling).</summary>
internal static class InputEdits
{
    /// <summary>The params of a modern server's question as a legacy client of this revision reads them; empty = none.</summary>
    public static byte[] ForLegacy(InputRequest request, ProtocolVersion version)
    {
        var source = request.Parameters;
        var root = new ByteRange(0, source.Length);
        if (request.Method == McpMethod.SamplingCreateMessage && SamplingEdits.AreDueFor(version) && source.Length != 0)
        {
            var messages = new Splice(source, stackalloc byte[Splice.ScratchBytes]);
            SamplingEdits.Apply(ref messages, source, root, version);
            var edited = messages.ToArray();
            messages.Dispose();
            return edited;
        }

        if (request.Method != McpMethod.ElicitationCreate || source.Length == 0 || source[0] != (byte)'{')
        {
            return source;
        }

        var hasMode = JsonMembers.TryFind(source, root, "mode"u8, out var mode);
        if (hasMode && JsonText.Equals(mode.Of(source), "url"u8) && !JsonMembers.TryFind(source, root, "elicitationId"u8, out _))
        {
            // 2025-11-25 tells elicitations of this mode apart by an id; no completion will be told of it, which is optional there.
            using var splice = new Splice(source, stackalloc byte[Splice.ScratchBytes]);
            splice.AppendMember(root, "elicitationId"u8, JsonText.Quote(Guid.NewGuid().ToString("D")));
            return splice.ToArray();
        }

        if (hasMode && version < ProtocolVersion.V20251125)
        {
            // 2025-06-18 has forms only, and no word for it.
            using var splice = new Splice(source, stackalloc byte[Splice.ScratchBytes]);
            splice.RemoveMember(mode);
            return splice.ToArray();
        }

        return source;
    }

    /// <summary>The params of a legacy server's question as a modern client reads them; empty = none.</summary>
    public static byte[] ForModern(McpMethod method, ReadOnlySpan<byte> source, ByteRange parameters)
    {
        if (!parameters.Exists)
        {
            return [];
        }

        var own = parameters.Of(source).ToArray();
        if (own[0] != (byte)'{')
        {
            return own;
        }

        var root = new ByteRange(0, own.Length);
        using var splice = new Splice(own, stackalloc byte[Splice.ScratchBytes]);
        if (method == McpMethod.ElicitationCreate && JsonMembers.TryFind(own, root, "elicitationId"u8, out var id))
        {
            // 2026-07-28 knows no ids of elicitations.
            splice.RemoveMember(id);
        }

        if (JsonMembers.TryFind(own, root, "_meta"u8, out var meta) && own[meta.Start] == (byte)'{' && JsonMembers.TryFind(own, meta, "progressToken"u8, out var token))
        {
            // Nor do its clients report progress (protocol.md 1.1): the token is of the hop to the server, and there it ends.
            splice.RemoveMember(token);
        }

        return splice.ToArray();
    }
}
