using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>The messages of a <c>sampling/createMessage</c> as a client of an older revision reads them (protocol.md 6).</summary>
internal static class SamplingEdits
{
    /// <summary>Whether a client of this revision must be asked in other words.</summary>
    public static bool AreDueFor(ProtocolVersion version) => version < ProtocolVersion.V20251125;

    /// <summary>Edits the messages. Audio becomes text for clients that do not know it; since 2025-11-25 a message may have several blocks, which are as many messages for clients before that.</summary>
    /// <param name="splice">Of <paramref name="source"/>.</param>
    /// <param name="source">The question, or its params alone.</param>
    /// <param name="parameters">The params in it.</param>
    /// <param name="version">What the client speaks; <see cref="AreDueFor"/>.</param>
    public static void Apply(scoped ref Splice splice, ReadOnlySpan<byte> source, ByteRange parameters, ProtocolVersion version)
    {
        var messages = Find(source, parameters, "messages"u8);
        if (!messages.Exists || source[messages.Start] != (byte)'[')
        {
            return;
        }

        foreach (var message in new JsonElements(source, messages))
        {
            var content = Find(source, message, "content"u8);
            if (!content.Exists)
            {
                continue;
            }

            if (source[content.Start] == (byte)'[')
            {
                splice.Replace(message, OneForEachBlock(source, message, content, version));
            }
            else if (AudioText.IsDueFor(version) && AudioText.IsAudio(source, content))
            {
                splice.Replace(content, AudioText.BlockFor(source, content));
            }
        }
    }

    private static byte[] OneForEachBlock(ReadOnlySpan<byte> source, ByteRange message, ByteRange content, ProtocolVersion version)
    {
        var before = source[message.Start..content.Start];
        var after = source[content.End..message.End];
        var all = new List<byte>();
        foreach (var block in new JsonElements(source, content))
        {
            if (all.Count != 0)
            {
                all.Add((byte)',');
            }

            all.AddRange(before);
            all.AddRange(AudioText.IsDueFor(version) && AudioText.IsAudio(source, block) ? AudioText.BlockFor(source, block) : block.Of(source));
            all.AddRange(after);
        }

        // A message without any block says nothing, and an older revision has no way to say nothing but this.
        return all.Count != 0 ? [.. all] : [.. before, .. "{\"type\":\"text\",\"text\":\"\"}"u8, .. after];
    }

    private static ByteRange Find(ReadOnlySpan<byte> source, ByteRange container, ReadOnlySpan<byte> member) =>
        container.Exists && JsonMembers.TryFind(source, container, member, out var value) ? value : default;
}
