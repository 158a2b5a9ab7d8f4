using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Clients;

/// <summary>A member that was written into a file.</summary>
/// <param name="Path">Names of members from the root.</param>
/// <param name="Digest">SHA-256 of the value without its blanks, so that no value stands in the journal.</param>
internal sealed record ChangedEntry(IReadOnlyList<string> Path, string Digest)
{
    /// <summary>The digest of a value.</summary>
    public static string DigestOf(JsonNode? value) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value?.ToJsonString() ?? "null")));
}

/// <summary>A change that was made to a file of a user, and what taking it back needs.</summary>
/// <param name="Kind">import or connect.</param>
/// <param name="Client">The client whose file it is; null for Fairlead's own.</param>
/// <param name="File">The file.</param>
/// <param name="Backup">What it held before; null when it did not exist.</param>
/// <param name="Before">SHA-256 of the bytes before; empty when it did not exist.</param>
/// <param name="After">SHA-256 of the bytes after.</param>
/// <param name="Entries">What was written.</param>
/// <param name="At">When.</param>
internal sealed record MadeChange(
    string Kind, string? Client, string File, string? Backup, string Before, string After, IReadOnlyList<ChangedEntry> Entries, DateTimeOffset At);

/// <summary>Remembers the last changes that <c>import</c> and <c>connect</c> have made, and keeps what was there before: <c>changes.json</c> and <c>backups/</c> in the state folder.</summary>
/// <remarks>Backups lie there and not beside the files, because they hold whatever the files held, and a project's folder is often shared. One process at a time.</remarks>
internal sealed class ChangeJournal
{
    /// <summary>Changes that are remembered; backups of older ones are removed.</summary>
    public const int ChangesMax = 50;

    private const int CurrentFormat = 1;
    private const string Name = "changes.json";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly List<MadeChange> _changes;

    private ChangeJournal(string folder, TimeProvider time, List<MadeChange> changes)
    {
        _folder = folder;
        _time = time;
        _changes = changes;
    }

    /// <summary>Reads the journal of a state folder. One that cannot be understood is moved aside.</summary>
    /// <param name="folder">The state folder; need not exist.</param>
    /// <param name="time">Gives names to backups.</param>
    /// <param name="tell">Gets a sentence when the journal was moved aside.</param>
    /// <exception cref="InvalidDataException">A newer Fairlead wrote it.</exception>
    public static ChangeJournal Open(string folder, TimeProvider time, Action<string> tell)
    {
        var path = Path.Combine(folder, Name);
        if (!File.Exists(path))
        {
            return new ChangeJournal(folder, time, []);
        }

        try
        {
            var document = JsonSerializer.Deserialize<Document>(File.ReadAllText(path), s_json);
            if (document is { FormatVersion: > CurrentFormat })
            {
                throw new InvalidDataException($"{path} was written by a newer Fairlead; update this one, or undo with the newer one");
            }

            if (document?.Changes is { } changes)
            {
                return new ChangeJournal(folder, time, changes);
            }
        }
        catch (JsonException)
        {
            // The same as a document without changes.
        }

        tell($"{path} could not be understood and was moved to {StateFolder.MoveAside(path)}; the backups are still in {Path.Combine(folder, "backups")}");
        return new ChangeJournal(folder, time, []);
    }

    /// <summary>The latest change of a kind that was not taken back.</summary>
    /// <param name="kind">import or connect.</param>
    /// <param name="client">The client's word; null = any.</param>
    public MadeChange? Latest(string kind, string? client) => _changes.FindLast(change => change.Kind == kind && (client is null || change.Client == client));

    /// <summary>Writes a file, so that it can be undone: what it holds is kept first, then the change remembered, then the file written. A crash in between leaves a change that
    /// was not made, never one that cannot be taken back.</summary>
    /// <param name="kind">import or connect.</param>
    /// <param name="client">The client's word, or null.</param>
    /// <param name="file">The file as it is to be written.</param>
    /// <param name="entries">Where something was set.</param>
    /// <exception cref="IOException">The file or the state folder cannot be written, or the file has changed since it was read; it is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">The same, for lack of rights.</exception>
    public MadeChange Make(string kind, string? client, EditedFile file, IEnumerable<IReadOnlyList<string>> entries)
    {
        StateFolder.Create(_folder);
        var now = _time.GetUtcNow();
        string? backup = null;
        if (file.Original is { } original)
        {
            var folder = Path.Combine(_folder, "backups");
            StateFolder.Create(folder);
            backup = Path.Combine(folder, $"{now.ToString("yyyyMMdd'T'HHmmssfff'Z'", CultureInfo.InvariantCulture)}-{Guid.NewGuid().ToString("N")[..6]}-{Path.GetFileName(file.Path).TrimStart('.')}");
            FileReplacement.WriteOwnerOnly(backup, original);
        }

        var change = new MadeChange(
            kind, client, file.Path, backup, file.Original is null ? "" : DigestOf(file.Original), DigestOf(file.Content()),
            [.. entries.Select(path => new ChangedEntry(path, ChangedEntry.DigestOf(file.TryGet(path, out var value) ? value : null)))], now);
        _changes.Add(change);
        while (_changes.Count > ChangesMax)
        {
            if (_changes[0].Backup is { } old)
            {
                File.Delete(old);
            }

            _changes.RemoveAt(0);
        }

        Save();
        try
        {
            FileReplacement.Write(file.Path, file.Original, file.Content());
            return change;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Forget(change);
            throw;
        }
    }

    /// <summary>Forgets a change that was taken back. Its backup stays.</summary>
    public void Forget(MadeChange change)
    {
        _changes.Remove(change);
        Save();
    }

    /// <summary>The digest of a file's bytes.</summary>
    public static string DigestOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private void Save() => StateFolder.WriteOwnerOnly(Path.Combine(_folder, Name), JsonSerializer.Serialize(new Document(CurrentFormat, _changes), s_json));

    private sealed record Document(int FormatVersion, List<MadeChange>? Changes);
}
