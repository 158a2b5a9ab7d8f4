using System.Globalization;
using System.Text.Json;

namespace Fairlead.Audit;

/// <summary>What a look at the whole chain of an audit log has found.</summary>
public sealed record AuditVerification
{
    /// <summary>Whether every record stands as it was written, in its place, and none is missing since the first that is kept.</summary>
    public bool IsSound => Break is null;

    /// <summary>Records that were found sound, before the break when there is one.</summary>
    public required long Records { get; init; }

    /// <summary>Files that were read.</summary>
    public required int Files { get; init; }

    /// <summary>Number of the first record that is kept; 0 when there is none.</summary>
    public required long First { get; init; }

    /// <summary>Number of the last sound record; 0 when there is none.</summary>
    public required long Last { get; init; }

    /// <summary>Hash of the last sound record. Kept elsewhere, it proves later that nothing up to here was written anew.</summary>
    public required string LastHash { get; init; }

    /// <summary>Where the chain is broken first; null when it is not.</summary>
    public AuditBreak? Break { get; init; }

    /// <summary>What is no break, but worth knowing, in whole sentences.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Reads all files of a log and follows the chain, up to the first break.</summary>
    /// <param name="folder">The folder <c>audit</c> of a state folder. Fairlead may be writing to it.</param>
    /// <param name="known">The number and hash of a record that was noted earlier; null = none.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static AuditVerification Of(string folder, (long Number, string Hash)? known = null) => new AuditWalk(folder, known).Run();

    private sealed class AuditWalk(string folder, (long Number, string Hash)? known)
    {
        private readonly List<string> _notes = [];

        // Read before the files: what is written meanwhile stands behind it.
        private readonly (long Number, string Hash)? _head = AuditFiles.Head(folder);
        private long _records;
        private long _first;
        private long _number;
        private int _filesRead;
        private long _oldest;
        private string _hash = AuditChain.Nothing;
        private bool _sawHead;
        private bool _sawKnown;
        private long? _cut;

        public AuditVerification Run()
        {
            var files = AuditFiles.In(folder);
            var found = files.Length == 0 ? null : Follow(files);
            found ??= Missing(files);
            return new AuditVerification { Records = _records, Files = _filesRead, First = _first, Last = _number, LastHash = _hash, Break = found, Notes = _notes };
        }

        private AuditBreak? Follow(int[] files)
        {
            for (var i = 0; i < files.Length; i++)
            {
                var name = Path.GetFileName(AuditFiles.PathOf(folder, files[i]));
                if (i > 0 && files[i] != files[i - 1] + 1)
                {
                    return new AuditBreak(Path.GetFileName(AuditFiles.PathOf(folder, files[i - 1] + 1)), 0, _number + 1, "the file is missing");
                }

                if (FollowFile(AuditFiles.PathOf(folder, files[i]), name, files[i]) is { } found)
                {
                    return found;
                }
            }

            if (_cut is not null)
            {
                _notes.Add("The last record is unfinished: Fairlead is writing it at this moment, or was killed while it did.");
            }

            return null;
        }

        private AuditBreak? FollowFile(string path, string name, int file)
        {
            _filesRead++;
            var lineNumber = 0;
            foreach (var (line, isWhole) in AuditFiles.Lines(path))
            {
                lineNumber++;
                if (!isWhole)
                {
                    _cut = line.Length;
                }
                else if (Check(line, name, lineNumber, file) is { } found)
                {
                    return found;
                }
            }

            return null;
        }

        private AuditBreak? Check(byte[] line, string name, int lineNumber, int file)
        {
            AuditBreak Broken(string what, long? number = null) => new(name, lineNumber, number ?? _number + 1, what);

            if (!AuditChain.IsSound(line, out var hash))
            {
                return Broken(hash.Length == 0 ? "it is no record with a hash" : "the record was changed after it was written: its hash does not fit");
            }

            if (AuditQuery.TryParse(line) is not { } record || !record.TryGetProperty("kind", out var kinds) || !record.TryGetProperty("prev", out var before))
            {
                return Broken("it is no record of an audit log");
            }

            var number = record.GetProperty("seq").GetInt64();
            var (kind, previous) = (kinds.ToString(), before.ToString());
            if (_records == 0)
            {
                // Where older files have been removed, the chain begins with what is kept.
                _first = number;
                if (lineNumber != 1 || kind != AuditKind.Begin || (file == 1 && previous != AuditChain.Nothing))
                {
                    return Broken("the log does not begin with the first record of a file", number);
                }
            }
            else if (number != _number + 1)
            {
                return Broken(number > _number + 1 ? $"records {_number + 1} to {number - 1} are missing before it" : $"record {number} stands behind record {_number}", number);
            }
            else if (previous != _hash)
            {
                return Broken("it does not follow from the record before it: records were replaced", number);
            }

            if (_cut is { } cut && (kind != AuditKind.Begin || AuditQuery.NumberOf(record, "cut") != cut))
            {
                return Broken($"the file before it ends with {cut} bytes that are no whole record, and nothing tells of it", number);
            }

            if (_cut is not null)
            {
                _notes.Add($"Before record {number} a record was cut off: Fairlead was killed while it wrote. It is lost.");
                _cut = null;
            }

            if (kind == AuditKind.Begin && AuditQuery.NumberOf(record, "oldest") is { } kept)
            {
                // Files are removed when one is begun; so the last one says which should be there.
                _oldest = kept;
            }

            if (kind == AuditKind.Gap)
            {
                _notes.Add(string.Create(CultureInfo.InvariantCulture, $"{AuditQuery.NumberOf(record, "lost") ?? 0} records were left out before record {number}: they came faster than the disk took them."));
            }

            _records++;
            _number = number;
            _hash = hash;
            _sawHead |= _head is { } head && head.Number == number && head.Hash == hash;
            _sawKnown |= known is { } noted && noted.Number == number && noted.Hash == hash;
            return null;
        }

        private AuditBreak? Missing(int[] files)
        {
            if (_oldest > 0 && _oldest < files[0])
            {
                return new AuditBreak(Path.GetFileName(AuditFiles.PathOf(folder, files[0] - 1)), 0, _first - 1, "the file is missing, and was not removed by Fairlead");
            }

            var last = files.Length == 0 ? AuditFiles.HeadName : Path.GetFileName(AuditFiles.PathOf(folder, files[^1]));
            if (_head is { } head && !_sawHead && head.Number >= _first)
            {
                return new AuditBreak(last, 0, Math.Min(head.Number, _number + 1), head.Number > _number
                    ? $"the log ends with record {_number}, and {AuditFiles.HeadName} knows record {head.Number}: its end was cut off"
                    : $"record {head.Number} is not the one that {AuditFiles.HeadName} knows: the log was written anew");
            }

            if (known is { } noted && !_sawKnown)
            {
                return noted.Number < _first
                    ? new AuditBreak(last, 0, noted.Number, $"record {noted.Number} is older than the oldest that is kept ({_first}): it cannot be compared")
                    : new AuditBreak(last, 0, noted.Number, $"there is no record {noted.Number} with the hash that was noted: the log was written anew, or cut off");
            }

            return null;
        }
    }
}

/// <summary>Where the chain of an audit log is broken.</summary>
/// <param name="File">The name of the file.</param>
/// <param name="Line">The line in it, from 1; 0 when it is about the file as a whole.</param>
/// <param name="Record">The number of the record that is, or should be, there.</param>
/// <param name="What">What is wrong, in words that follow the place.</param>
public sealed record AuditBreak(string File, int Line, long Record, string What);
