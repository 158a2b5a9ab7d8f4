using System.Text.Json.Nodes;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>A file of a user in which single members are set and removed while every other byte stays. What form it has is told by its name: TOML, else JSON.</summary>
/// <remarks>Owns the text in memory; nothing is written to the disk here. One thread.</remarks>
/// <param name="path">The file, as it was named.</param>
/// <param name="original">The bytes that are on the disk; null when there is no such file.</param>
internal abstract class EditedFile(string path, byte[]? original)
{
    /// <summary>Largest file that is read: Claude Code keeps more than its servers in one.</summary>
    public const int BytesMax = 64 * 1024 * 1024;

    /// <summary>The file, as it was named.</summary>
    public string Path { get; } = path;

    /// <summary>The bytes that are on the disk; null when there is no such file.</summary>
    public byte[]? Original { get; } = original;

    /// <summary>Reads a file. One that does not exist, or holds nothing but blanks, counts as empty.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="problem">Why it cannot be used, with line and column where it is broken; null when it can.</param>
    public static EditedFile? OpenAny(string path, out string? problem)
    {
        var original = TextFile.ReadBytes(path, BytesMax, out problem);
        return problem is null ? ParseAny(path, original, out problem) : null;
    }

    /// <summary>The same for bytes that were read already.</summary>
    public static EditedFile? ParseAny(string path, byte[]? original, out string? problem) =>
        path.EndsWith(".toml", StringComparison.OrdinalIgnoreCase) ? TomlFile.Parse(path, original, out problem) : JsonFile.Parse(path, original, out problem);

    /// <summary>A copy of the value below the root, by the names of members.</summary>
    /// <returns>False when there is none.</returns>
    public abstract bool TryGet(IReadOnlyList<string> path, out JsonNode? value);

    /// <summary>Sets a member, and makes what is missing on the way to it.</summary>
    /// <param name="path">Names of members; at least one.</param>
    /// <param name="value">The new value.</param>
    /// <exception cref="InvalidDataException">It cannot be set there; the message says where and why. The text is as it was.</exception>
    public abstract void Set(IReadOnlyList<string> path, JsonNode value);

    /// <summary>Takes a member out.</summary>
    /// <returns>False when there is none.</returns>
    /// <exception cref="InvalidDataException">It cannot be taken out; the message says where and why. The text is as it was.</exception>
    public abstract bool Remove(IReadOnlyList<string> path);

    /// <summary>The bytes to write, with the byte order mark that the file had.</summary>
    public abstract byte[] Content();
}
