using Fairlead.Wire;

namespace Fairlead.Servers;

/// <summary>The part of a client's capabilities that lets a server ask it something: elicitation, sampling and roots.</summary>
internal static class InteractiveCapabilities
{
    /// <summary>An object without any of them.</summary>
    public static ReadOnlyMemory<byte> None { get; } = "{}"u8.ToArray();

    /// <summary>Cuts a raw capabilities object down to these members, as they were written.</summary>
    /// <returns>The smaller object; empty when the client declared none of them.</returns>
    public static ReadOnlyMemory<byte> Of(ReadOnlySpan<byte> capabilities)
    {
        List<byte>? members = null;
        foreach (var member in new JsonMembers(capabilities, new ByteRange(0, capabilities.Length)))
        {
            var name = member.Name.Of(capabilities);
            if (JsonText.Equals(name, "elicitation"u8) || JsonText.Equals(name, "sampling"u8) || JsonText.Equals(name, "roots"u8))
            {
                (members ??= []).Add(members.Count == 0 ? (byte)'{' : (byte)',');
                members.AddRange(name);
                members.Add((byte)':');
                members.AddRange(member.Value.Of(capabilities));
            }
        }

        members?.Add((byte)'}');
        return members?.ToArray();
    }
}
