using System.Buffers;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>What a legacy client said of itself at <c>initialize</c>, in the form that a modern request carries (protocol.md 6, L→M).</summary>
/// <param name="MetaMembers">Raw members for <c>params._meta</c>: protocolVersion, clientCapabilities, clientInfo.</param>
internal sealed record LegacyClient(byte[] MetaMembers)
{
    /// <summary>A raw <c>logLevel</c> member, once the client has set a level; else empty.</summary>
    public byte[] LogLevelMember { get; init; } = [];

    /// <summary>The level that the client has set; <see cref="LogSeverity.None"/> before.</summary>
    public int LogLevel { get; init; } = LogSeverity.None;

    /// <summary>Translates the words of a handshake.</summary>
    /// <param name="capabilities">The raw client capabilities object.</param>
    /// <param name="clientInfo">The raw clientInfo; empty when there is none.</param>
    /// <param name="version">The negotiated revision: capabilities that came later are not passed on.</param>
    /// <param name="canBeAsked">False for a request whose answer cannot carry questions: elicitation, sampling and roots are left out.</param>
    public static LegacyClient From(ReadOnlySpan<byte> capabilities, ReadOnlySpan<byte> clientInfo, ProtocolVersion version, bool canBeAsked)
    {
        var writer = new ArrayBufferWriter<byte>(256);
        writer.Write("\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":"u8);
        WriteCapabilities(writer, capabilities, canBeAsked ? ClientInputs.Of(capabilities, version) : ClientInput.None);
        if (!clientInfo.IsEmpty)
        {
            writer.Write(",\"io.modelcontextprotocol/clientInfo\":"u8);
            writer.Write(clientInfo);
        }

        return new LegacyClient(writer.WrittenSpan.ToArray());
    }

    // elicitation gets its modes, roots loses listChanged, tasks are an extension of their own form now; everything unknown is passed on.
    private static void WriteCapabilities(ArrayBufferWriter<byte> writer, ReadOnlySpan<byte> capabilities, ClientInput input)
    {
        var separator = "{"u8;
        if (!capabilities.IsEmpty && capabilities[0] == (byte)'{')
        {
            foreach (var member in new JsonMembers(capabilities, new ByteRange(0, capabilities.Length)))
            {
                var name = member.Name.Of(capabilities);
                var value = JsonText.ToString(name) switch
                {
                    "elicitation" => Elicitation(input),
                    "sampling" => (input & ClientInput.Sampling) != 0 ? Sampling(member.Value.Of(capabilities), input) : default,
                    "roots" => (input & ClientInput.Roots) != 0 ? "{}"u8 : default,
                    "tasks" => default,
                    "extensions" => ClientExtensions.Of(capabilities),
                    _ => member.Value.Of(capabilities),
                };
                if (!value.IsEmpty)
                {
                    writer.Write(separator);
                    writer.Write(name);
                    writer.Write(":"u8);
                    writer.Write(value);
                    separator = ","u8;
                }
            }
        }

        writer.Write(separator.SequenceEqual("{"u8) ? "{}"u8 : "}"u8);
    }

    private static ReadOnlySpan<byte> Elicitation(ClientInput input) => (input & (ClientInput.Form | ClientInput.Url)) switch
    {
        ClientInput.Form => "{\"form\":{}}"u8,
        ClientInput.Url => "{\"url\":{}}"u8,
        ClientInput.Form | ClientInput.Url => "{\"form\":{},\"url\":{}}"u8,
        _ => default,
    };

    // Members that came with 2025-11-25 count only from there on; then the client's own object says it best.
    private static ReadOnlySpan<byte> Sampling(ReadOnlySpan<byte> value, ClientInput input) => (input & ClientInput.SamplingTools) != 0 ? value : "{}"u8;
}
