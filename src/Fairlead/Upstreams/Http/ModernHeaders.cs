using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>The headers that repeat what a 2026-07-28 request says in its body (basic/transports, request headers; protocol.md 2.4).</summary>
internal static class ModernHeaders
{
    /// <summary>Prefix of the headers that a tool's schema asks for.</summary>
    public const string ParameterPrefix = "Mcp-Param-";

    private static readonly string?[] s_methods = new string?[Enum.GetValues<McpMethod>().Length];

    /// <summary>Adds <c>MCP-Protocol-Version</c>, <c>Mcp-Method</c>, <c>Mcp-Name</c> and <c>Mcp-Param-*</c>.</summary>
    /// <param name="request">The request; has none of them yet.</param>
    /// <param name="message">Its body.</param>
    /// <param name="envelope">The scan of <paramref name="message"/>; it carries a protocol version.</param>
    /// <param name="parameters">Custom headers of the tool that is called; null or empty = none.</param>
    public static void Add(HttpRequestMessage request, ReadOnlySpan<byte> message, in Envelope envelope, McpHeaderParameter[]? parameters)
    {
        AddToken(request, "MCP-Protocol-Version", envelope.MetaProtocolVersion.Of(message));
        request.Headers.TryAddWithoutValidation("Mcp-Method", MethodOf(message, envelope));
        AddToken(request, "Mcp-Name", NameOf(message, envelope));
        if (parameters is not null && envelope.KnownMethod == McpMethod.ToolsCall)
        {
            foreach (var parameter in parameters)
            {
                if (Find(message, envelope.Arguments, parameter.Path) is { Exists: true } value)
                {
                    AddToken(request, ParameterPrefix + parameter.Name, value.Of(message));
                }
            }
        }
    }

    private static string MethodOf(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        if (envelope.KnownMethod == McpMethod.Unknown)
        {
            return HeaderValues.TryEncodeToken(envelope.Method.Of(message), out var unknown) ? unknown : "";
        }

        ref var known = ref s_methods[(int)envelope.KnownMethod];
        return known ??= System.Text.Encoding.ASCII.GetString(McpMethods.NameOf(envelope.KnownMethod));
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        switch (envelope.KnownMethod)
        {
            case McpMethod.ToolsCall or McpMethod.PromptsGet:
                return envelope.Name.Of(message);
            case McpMethod.ResourcesRead:
                return envelope.Uri.Of(message);
            case McpMethod.TasksGet or McpMethod.TasksUpdate or McpMethod.TasksCancel:
                return JsonMembers.TryFind(message, envelope.Params, "taskId"u8, out var task) ? task.Of(message) : default;
            default:
                return default;
        }
    }

    // Null, objects, arrays and fractions are not mirrored: the server finds them in the body and judges there.
    private static void AddToken(HttpRequestMessage request, string name, ReadOnlySpan<byte> token)
    {
        if (!token.IsEmpty && HeaderValues.TryEncodeToken(token, out var value))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    private static ByteRange Find(ReadOnlySpan<byte> message, ByteRange value, string[] path)
    {
        Span<byte> utf8 = stackalloc byte[256];
        foreach (var name in path)
        {
            var bytes = System.Text.Encoding.UTF8.TryGetBytes(name, utf8, out var written) ? utf8[..written] : System.Text.Encoding.UTF8.GetBytes(name);
            if (!JsonMembers.TryFind(message, value, bytes, out value))
            {
                return default;
            }
        }

        return value;
    }
}
