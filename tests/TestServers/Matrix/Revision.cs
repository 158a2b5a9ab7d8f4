namespace Fairlead.TestServers.Matrix;

/// <summary>A revision of the protocol and what a server of it has (protocol.md 1).</summary>
/// <param name="Text">As it stands on the wire.</param>
internal sealed record Revision(string Text)
{
    /// <summary>All of them that have a handshake.</summary>
    public static IReadOnlyList<string> Legacy { get; } = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

    /// <summary>Stateless, without requests from server to client.</summary>
    public bool IsModern => Text == "2026-07-28";

    /// <summary>Progress messages, the completions capability.</summary>
    public bool HasCompletionsCapability => IsAtLeast("2025-03-26");

    /// <summary>Elicitation by form.</summary>
    public bool HasElicitation => IsAtLeast("2025-06-18");

    /// <summary>Elicitation by URL, tools in sampling, tasks.</summary>
    public bool HasUrlsToolsAndTasks => IsAtLeast("2025-11-25");

    /// <summary>Whether this is <paramref name="other"/> or a later one: revisions are dates.</summary>
    public bool IsAtLeast(string other) => string.CompareOrdinal(Text, other) >= 0;
}
