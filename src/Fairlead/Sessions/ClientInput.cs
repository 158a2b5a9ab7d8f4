using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>What a client can be asked for, as it declared it.</summary>
[Flags]
internal enum ClientInput : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A form of its user (<c>elicitation/create</c>, 2025-06-18 and later).</summary>
    Form = 1,

    /// <summary>A visit of its user to a page (<c>elicitation/create</c> of mode <c>url</c>, 2025-11-25 and later).</summary>
    Url = 2,

    /// <summary>Its model (<c>sampling/createMessage</c>).</summary>
    Sampling = 4,

    /// <summary>Its model, with tools to choose from (2025-11-25 and later).</summary>
    SamplingTools = 8,

    /// <summary>Its roots (<c>roots/list</c>).</summary>
    Roots = 16,
}

/// <summary>Reads what clients declare and what questions need (2025-11-25, client/*; 2026-07-28, basic/utilities/mrtr: servers must not ask for what was not declared).</summary>
internal static class ClientInputs
{
    /// <summary>JSON-RPC code of the refusal when the client did not declare the kind of question at all.</summary>
    public const int MethodNotFound = -32601;

    /// <summary>JSON-RPC code of the refusal when it declared the kind, but not this form of it.</summary>
    public const int InvalidParams = -32602;

    /// <summary>What a raw capabilities object declares. A capability that the client's revision does not have counts for nothing.</summary>
    /// <param name="capabilities">A raw JSON object; anything else declares nothing.</param>
    /// <param name="version">The revision that the client speaks.</param>
    public static ClientInput Of(ReadOnlySpan<byte> capabilities, ProtocolVersion version)
    {
        var input = ClientInput.None;
        if (capabilities.IsEmpty || capabilities[0] != (byte)'{')
        {
            return input;
        }

        foreach (var member in new JsonMembers(capabilities, new ByteRange(0, capabilities.Length)))
        {
            var name = member.Name.Of(capabilities);
            if (member.Value.Of(capabilities)[0] != (byte)'{')
            {
                continue;
            }

            if (JsonText.Equals(name, "elicitation"u8) && version >= ProtocolVersion.V20250618)
            {
                // Without a mode it is forms, as it was when there was one kind only.
                var url = version >= ProtocolVersion.V20251125 && JsonMembers.TryFind(capabilities, member.Value, "url"u8, out _);
                var form = !url || JsonMembers.TryFind(capabilities, member.Value, "form"u8, out _);
                input |= (url ? ClientInput.Url : ClientInput.None) | (form ? ClientInput.Form : ClientInput.None);
            }
            else if (JsonText.Equals(name, "sampling"u8))
            {
                input |= ClientInput.Sampling;
                if (version >= ProtocolVersion.V20251125 && JsonMembers.TryFind(capabilities, member.Value, "tools"u8, out _))
                {
                    input |= ClientInput.SamplingTools;
                }
            }
            else if (JsonText.Equals(name, "roots"u8))
            {
                input |= ClientInput.Roots;
            }
        }

        return input;
    }

    /// <summary>What a question needs; None for a method that asks a client nothing.</summary>
    /// <param name="method">The method.</param>
    /// <param name="source">The text that <paramref name="parameters"/> stands in.</param>
    /// <param name="parameters">The place of its params; may be absent.</param>
    public static ClientInput NeedOf(McpMethod method, ReadOnlySpan<byte> source, ByteRange parameters)
    {
        switch (method)
        {
            case McpMethod.ElicitationCreate:
                return Find(source, parameters, "mode"u8, out var mode) && JsonText.Equals(mode.Of(source), "url"u8) ? ClientInput.Url : ClientInput.Form;
            case McpMethod.SamplingCreateMessage:
                return Find(source, parameters, "tools"u8, out _) || Find(source, parameters, "toolChoice"u8, out _)
                    ? ClientInput.Sampling | ClientInput.SamplingTools
                    : ClientInput.Sampling;
            case McpMethod.RootsList:
                return ClientInput.Roots;
            default:
                return ClientInput.None;
        }
    }

    /// <summary>The JSON-RPC code for a question that the client cannot be asked; 0 when it can (protocol.md 6, client lacks the capability).</summary>
    public static int Refusal(ClientInput declared, ClientInput needed)
    {
        if ((declared & needed) == needed)
        {
            return 0;
        }

        var hasKind = needed switch
        {
            ClientInput.Form or ClientInput.Url => (declared & (ClientInput.Form | ClientInput.Url)) != 0,
            ClientInput.Roots => false,
            _ => (declared & ClientInput.Sampling) != 0,
        };
        return hasKind ? InvalidParams : MethodNotFound;
    }

    /// <summary>A raw ClientCapabilities object that declares this much.</summary>
    public static byte[] ToCapabilities(ClientInput input)
    {
        var members = new List<string>();
        if ((input & (ClientInput.Form | ClientInput.Url)) != 0)
        {
            var modes = new[] { (ClientInput.Form, "\"form\":{}"), (ClientInput.Url, "\"url\":{}") }.Where(mode => (input & mode.Item1) != 0).Select(static mode => mode.Item2);
            members.Add("\"elicitation\":{" + string.Join(',', modes) + "}");
        }

        if ((input & ClientInput.Sampling) != 0)
        {
            members.Add((input & ClientInput.SamplingTools) != 0 ? "\"sampling\":{\"tools\":{}}" : "\"sampling\":{}");
        }

        if ((input & ClientInput.Roots) != 0)
        {
            members.Add("\"roots\":{}");
        }

        return System.Text.Encoding.ASCII.GetBytes("{" + string.Join(',', members) + "}");
    }

    /// <summary>What a server reads of such a refusal.</summary>
    public static ReadOnlySpan<byte> RefusalError(int code) => code == InvalidParams
        ? "{\"code\":-32602,\"message\":\"The client declared the capability for this, but not in this form.\"}"u8
        : "{\"code\":-32601,\"message\":\"The client did not declare the capability for this.\"}"u8;

    private static bool Find(ReadOnlySpan<byte> source, ByteRange parameters, ReadOnlySpan<byte> name, out ByteRange value)
    {
        value = default;
        return parameters.Exists && source[parameters.Start] == (byte)'{' && JsonMembers.TryFind(source, parameters, name, out value);
    }
}
