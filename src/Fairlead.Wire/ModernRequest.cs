namespace Fairlead.Wire;

/// <summary>What is wrong with a modern request (protocol.md 4.1, step 8; section 2.4 has the table of codes).</summary>
public enum ModernFault : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The claimed version is a string, but not 2026-07-28. 400, -32022.</summary>
    UnsupportedVersion,

    /// <summary>The claimed version is no string. 400, -32602.</summary>
    VersionNotText,

    /// <summary><c>MCP-Protocol-Version</c> is missing. 400, -32020.</summary>
    VersionHeaderMissing,

    /// <summary><c>MCP-Protocol-Version</c> differs from <c>_meta</c>. 400, -32020.</summary>
    VersionHeaderDiffers,

    /// <summary><c>Mcp-Method</c> is missing. 400, -32020.</summary>
    MethodHeaderMissing,

    /// <summary><c>Mcp-Method</c> differs from <c>method</c>. 400, -32020.</summary>
    MethodHeaderDiffers,

    /// <summary><c>Mcp-Name</c> is missing. 400, -32020.</summary>
    NameHeaderMissing,

    /// <summary><c>Mcp-Name</c> differs from the body, or is not a legal value. 400, -32020.</summary>
    NameHeaderDiffers,

    /// <summary><c>_meta</c> lacks <c>clientCapabilities</c>, or it is no object. 400, -32602.</summary>
    ClientCapabilitiesMissing,

    /// <summary>The method does not exist in 2026-07-28. 404, -32601.</summary>
    UnknownMethod,
}

/// <summary>Checks of a modern request over Streamable HTTP, in the order of protocol.md 4.1.</summary>
public static class ModernRequest
{
    /// <summary>Finds the first fault.</summary>
    /// <param name="envelope">A request with a claim (<see cref="EraVerdict.Modern"/>).</param>
    /// <param name="body">Its bytes.</param>
    /// <param name="versionHeader">Value of <c>MCP-Protocol-Version</c>; empty when absent.</param>
    /// <param name="methodHeader">Value of <c>Mcp-Method</c>; empty when absent.</param>
    /// <param name="nameHeader">Value of <c>Mcp-Name</c>; empty when absent.</param>
    /// <remarks>A call whose body lacks the name has no fault here: the handler answers -32602 for it. <c>Mcp-Param-*</c> need the tool's schema:
    /// <see cref="HeaderValues.Matches"/>.</remarks>
    public static ModernFault Check(
        in Envelope envelope, ReadOnlySpan<byte> body, ReadOnlySpan<char> versionHeader, ReadOnlySpan<char> methodHeader, ReadOnlySpan<char> nameHeader)
    {
        var claim = envelope.MetaProtocolVersion.Of(body);
        if (!JsonText.IsString(claim))
        {
            return ModernFault.VersionNotText;
        }

        if (!ProtocolVersions.ParseToken(claim).IsModern())
        {
            return ModernFault.UnsupportedVersion;
        }

        if (versionHeader.IsEmpty)
        {
            return ModernFault.VersionHeaderMissing;
        }

        if (!HeaderValues.Matches(versionHeader, claim))
        {
            return ModernFault.VersionHeaderDiffers;
        }

        if (methodHeader.IsEmpty)
        {
            return ModernFault.MethodHeaderMissing;
        }

        if (!HeaderValues.Matches(methodHeader, envelope.Method.Of(body)))
        {
            return ModernFault.MethodHeaderDiffers;
        }

        var name = MirroredName(envelope, body);
        if (name.Exists)
        {
            if (nameHeader.IsEmpty && name.Length > 2)
            {
                return ModernFault.NameHeaderMissing;
            }

            if (!HeaderValues.Matches(nameHeader, name.Of(body)))
            {
                return ModernFault.NameHeaderDiffers;
            }
        }

        if (!envelope.MetaClientCapabilities.Exists || body[envelope.MetaClientCapabilities.Start] != (byte)'{')
        {
            return ModernFault.ClientCapabilitiesMissing;
        }

        return envelope.KnownMethod.IsRequestOf(ProtocolVersion.V20260728) ? ModernFault.None : ModernFault.UnknownMethod;
    }

    /// <summary>The JSON-RPC error code of a fault; 0 for none.</summary>
    public static int CodeOf(ModernFault fault) => fault switch
    {
        ModernFault.None => 0,
        ModernFault.UnsupportedVersion => -32022,
        ModernFault.VersionNotText or ModernFault.ClientCapabilitiesMissing => -32602,
        ModernFault.UnknownMethod => -32601,
        _ => -32020,
    };

    /// <summary>The HTTP status of a fault; 200 for none.</summary>
    public static int StatusOf(ModernFault fault) => fault switch
    {
        ModernFault.None => 200,
        ModernFault.UnknownMethod => 404,
        _ => 400,
    };

    /// <summary>The value that <c>Mcp-Name</c> mirrors for the request's method: name, uri or task id, a string token; absent when it mirrors none or
    /// the body lacks it.</summary>
    public static ByteRange MirroredName(in Envelope envelope, ReadOnlySpan<byte> body)
    {
        switch (envelope.KnownMethod)
        {
            case McpMethod.ToolsCall or McpMethod.PromptsGet:
                return envelope.Name;
            case McpMethod.ResourcesRead:
                return envelope.Uri;
            case McpMethod.TasksGet or McpMethod.TasksCancel or McpMethod.TasksUpdate:
                return JsonMembers.TryFind(body, envelope.Params, "taskId"u8, out var taskId) && JsonText.IsString(taskId.Of(body)) ? taskId : default;
            default:
                return default;
        }
    }
}
