using System.Text.Json.Nodes;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>Takes a change back: byte by byte when the file is as it was left, else entry by entry, and nothing that somebody has changed since.</summary>
internal static class ChangeUndo
{
    /// <summary>Works out what the file is to hold, without writing it.</summary>
    /// <param name="change">From the journal.</param>
    /// <param name="content">What the file is to hold; null = it is to be removed, or stays as it is when nothing is to be done.</param>
    /// <param name="present">What it holds; null = there is no such file.</param>
    /// <returns>What will be done, in sentences; <see cref="Outcome.IsPossible"/> is false when it cannot be done.</returns>
    public static Outcome Plan(MadeChange change, out byte[]? content, out byte[]? present)
    {
        content = null;
        present = TextFile.ReadBytes(change.File, EditedFile.BytesMax, out var failure);
        if (failure is not null)
        {
            return new Outcome(false, false, failure);
        }

        if (present is null)
        {
            return change.Backup is null
                ? new Outcome(true, false, $"{change.File} is gone already.")
                : new Outcome(false, false, $"{change.File} is gone. What it held before the change is in {change.Backup}; copy it back if you want it.");
        }

        var digest = ChangeJournal.DigestOf(present);
        if (digest == change.Before)
        {
            return new Outcome(true, false, $"{change.File} is as it was before already.");
        }

        var backup = change.Backup is null ? null : TextFile.ReadBytes(change.Backup, EditedFile.BytesMax, out failure);
        if (digest == change.After && change.Backup is null)
        {
            return new Outcome(true, true, $"{change.File} is removed; it did not exist before.");
        }

        if (digest == change.After && backup is not null)
        {
            content = backup;
            return new Outcome(true, true, $"{change.File} gets back every byte it had before.");
        }

        return ByEntry(change, present, backup, out content);
    }

    private static Outcome ByEntry(MadeChange change, byte[] present, byte[]? backup, out byte[]? content)
    {
        content = null;
        if (EditedFile.ParseAny(change.File, present, out var problem) is not { } file)
        {
            return new Outcome(false, false, $"{problem} It was changed since; mend it first{(change.Backup is null ? "" : $", or take the backup {change.Backup}")}.");
        }

        var before = backup is null ? null : EditedFile.ParseAny(change.Backup!, backup, out _);
        List<string> sentences = [$"{change.File} was changed since, so only what was written then is taken out."];
        foreach (var entry in change.Entries)
        {
            var name = entry.Path[^1];
            if (!file.TryGet(entry.Path, out var now))
            {
                sentences.Add($"{name} is gone already.");
            }
            else if (ChangedEntry.DigestOf(now) != entry.Digest)
            {
                sentences.Add($"{name} was changed since and stays.");
            }
            else if (before is not null && before.TryGet(entry.Path, out var old) && old is not null)
            {
                file.Set(entry.Path, old);
                sentences.Add($"{name} becomes what it was.");
            }
            else
            {
                file.Remove(entry.Path);
                sentences.Add($"{name} is removed.");
            }
        }

        content = file.Content();
        return new Outcome(true, !content.AsSpan().SequenceEqual(present), string.Join("\n", sentences));
    }

    /// <summary>What taking back means.</summary>
    /// <param name="IsPossible">Whether it can be done.</param>
    /// <param name="IsChange">Whether the file is to be written or removed.</param>
    /// <param name="Text">For people.</param>
    internal sealed record Outcome(bool IsPossible, bool IsChange, string Text);
}
