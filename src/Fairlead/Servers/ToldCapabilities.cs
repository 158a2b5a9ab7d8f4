using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead.Servers;

/// <summary>What an instance of a client's own is told of it: what lets a server ask (elicitation, sampling and roots), and its extensions.</summary>
internal static class ToldCapabilities
{
    /// <summary>Cuts a client's raw capabilities object down to these members, as they were written; "{}" when there are none.</summary>
    public static ReadOnlyMemory<byte> Of(Caller caller)
    {
        ReadOnlySpan<byte> capabilities = caller.Capabilities;
        List<byte> members = [(byte)'{'];
        foreach (var member in new JsonMembers(capabilities, new ByteRange(0, capabilities.Length)))
        {
            var name = member.Name.Of(capabilities);
            if (JsonText.Equals(name, "elicitation"u8) || JsonText.Equals(name, "sampling"u8) || JsonText.Equals(name, "roots"u8))
            {
                Add(members, name, member.Value.Of(capabilities));
            }
        }

        if (caller.Extensions.Length != 0)
        {
            Add(members, "\"extensions\""u8, caller.Extensions);
        }

        members.Add((byte)'}');
        return members.ToArray();
    }

    private static void Add(List<byte> members, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (members.Count > 1)
        {
            members.Add((byte)',');
        }

        members.AddRange(name);
        members.Add((byte)':');
        members.AddRange(value);
    }
}
