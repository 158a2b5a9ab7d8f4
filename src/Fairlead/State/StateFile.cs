using System.Diagnostics;
using System.Text.Json;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.State;

/// <summary>What reading a state file came to.</summary>
internal enum StateOutcome : byte
{
    /// <summary>There is none.</summary>
    Absent,

    /// <summary>It was read.</summary>
    Good,

    /// <summary>A newer Fairlead wrote it: it is neither read nor ever written over.</summary>
    Newer,

    /// <summary>It could not be understood and was moved aside, or it could not be read at all.</summary>
    Unusable,
}

/// <summary>One file of the state folder. It begins with the member <c>formatVersion</c> of a JSON object, and is for its owner alone.</summary>
/// <remarks>
/// Newer than known: left alone. Older: brought into today's form, the old one kept as <c>NAME.bak</c>. Not to be understood: moved aside as <c>NAME.corrupt-TIME</c>.
/// Every one of these is told with what to do. Reads and writes of one file must not overlap; the callers see to it.
/// </remarks>
internal sealed partial class StateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // A message of a server has at most 64 levels by default; a definition stands less deep in the catalogue than in the message.
    private const int DepthMax = 128;

    private readonly StateFiles _files;
    private readonly int _formatVersion;
    private readonly Func<byte[], byte[]>[] _migrations;

    /// <summary>Made by <see cref="StateFiles.File"/>.</summary>
    internal StateFile(StateFiles files, string path, int formatVersion, string loss, Func<byte[], byte[]>[] migrations)
    {
        Debug.Assert(migrations.Length == formatVersion - 1, "Each older form needs its migration.");
        _files = files;
        Path = path;
        _formatVersion = formatVersion;
        Loss = loss;
        _migrations = migrations;
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>What it means to go on without it.</summary>
    public string Loss { get; }

    /// <summary>Whether <see cref="Read"/> found that a newer Fairlead wrote it. Then nothing is written.</summary>
    public bool IsNewer { get; private set; }

    /// <summary>Reads the file.</summary>
    /// <param name="parse">Takes the bytes in today's form. It may throw JsonException, FormatException, InvalidOperationException or KeyNotFoundException for what it does
    /// not understand, and must then have changed nothing that stays.</param>
    public StateOutcome Read(Action<byte[]> parse)
    {
        IsNewer = false;
        try
        {
            if (!File.Exists(Path))
            {
                return StateOutcome.Absent;
            }

            var bytes = File.ReadAllBytes(Path);
            var version = FormatOf(bytes);
            if (version > _formatVersion)
            {
                IsNewer = true;
                LogNewer(_files.Logger, Path, version, _formatVersion, Loss);
                return StateOutcome.Newer;
            }

            var migrated = bytes;
            for (var form = version; form < _formatVersion; form++)
            {
                migrated = _migrations[form - 1](migrated);
            }

            parse(migrated);
            if (version < _formatVersion)
            {
                Replace(bytes, migrated, version);
            }

            return StateOutcome.Good;
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            if (StateFiles.MoveAside(Path, _files.Time, out var trouble) is { } aside)
            {
                LogCorrupt(_files.Logger, Path, exception.Message, aside, Loss);
            }
            else
            {
                LogUnreadable(_files.Logger, Path, trouble!, Loss);
            }

            return StateOutcome.Unusable;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(_files.Logger, Path, exception.Message, Loss);
            return StateOutcome.Unusable;
        }
    }

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <returns>False when it could not be written, which has been told, or a newer Fairlead wrote the one that is there.</returns>
    /// <remarks>Not flushed to the disk: it survives the end of the process, however that comes; after a power failure a torn file is moved aside.</remarks>
    public bool Write(ReadOnlySpan<byte> bytes)
    {
        if (IsNewer)
        {
            return false;
        }

        // Written beside and moved over, so that a reader never sees half a file.
        var temporary = Path + ".new";
        try
        {
            MakeFolder(System.IO.Path.GetDirectoryName(Path)!);
            using (var stream = new FileStream(temporary, Options(FileMode.Create)))
            {
                stream.Write(bytes);
            }

            File.Move(temporary, Path, overwrite: true);
            _files.NoteWritten(this);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _files.NoteFailed(this, exception);
            Remove(temporary);
            return false;
        }
    }

    /// <summary>Adds to the end of the file. After a failure part of it may stand there: write the whole file next.</summary>
    /// <inheritdoc cref="Write"/>
    public bool Append(ReadOnlySpan<byte> bytes)
    {
        if (IsNewer)
        {
            return false;
        }

        try
        {
            using (var stream = new FileStream(Path, Options(FileMode.Append)))
            {
                stream.Write(bytes);
            }

            _files.NoteWritten(this);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _files.NoteFailed(this, exception);
            return false;
        }
    }

    /// <summary>Removes the file. One that a newer Fairlead wrote stays.</summary>
    public void Delete()
    {
        if (IsNewer)
        {
            return;
        }

        try
        {
            // Nothing to remove where not even the folder is.
            if (File.Exists(Path))
            {
                File.Delete(Path);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _files.NoteFailed(this, exception);
        }
    }

    /// <summary>How the files of the state folder are written: for their owner alone, readable by others of Fairlead meanwhile.</summary>
    internal static FileStreamOptions Options(FileMode mode)
    {
        // No buffer of its own: a write that fails must fail at the write, not when the stream is closed.
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.Read | FileShare.Delete, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return options;
    }

    private static int FormatOf(byte[] bytes)
    {
        var reader = new Utf8JsonReader(bytes, isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = DepthMax }));
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("it is no JSON object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("formatVersion"u8) && reader.Read())
            {
                return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var version) && version >= 1
                    ? version
                    : throw new JsonException("its formatVersion is no positive number");
            }

            reader.Skip();
        }

        throw new JsonException("it has no formatVersion");
    }

    private void Replace(byte[] old, byte[] migrated, int version)
    {
        var backup = new StateFile(_files, Path + ".bak", 1, Loss, []);
        if (backup.Write(old) && Write(migrated))
        {
            LogMigrated(_files.Logger, Path, version, _formatVersion, backup.Path);
        }
    }

    /// <summary>Makes a folder of the state folder, for its owner alone; one that is there stays as it is.</summary>
    internal static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    private static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next write takes its place; the trouble itself has been told.
        }
    }

    [LoggerMessage(EventIds.StateNewer, LogLevel.Warning,
        "{File} has formatVersion {Version}, later than {Known}, the latest that this Fairlead knows; it is neither read nor changed. {Loss} Update Fairlead, or remove the file.")]
    private static partial void LogNewer(ILogger logger, string file, int version, int known, string loss);

    [LoggerMessage(EventIds.StateMigrated, LogLevel.Information, "{File} was brought from formatVersion {Version} to {Known}; the file as it was is {Backup}.")]
    private static partial void LogMigrated(ILogger logger, string file, int version, int known, string backup);

    [LoggerMessage(EventIds.StateCorrupt, LogLevel.Warning, "{File} could not be understood ({Reason}) and was moved to {Aside}. {Loss}")]
    private static partial void LogCorrupt(ILogger logger, string file, string reason, string aside, string loss);

    [LoggerMessage(EventIds.StateUnreadable, LogLevel.Warning, "{File} could not be read ({Reason}). {Loss} Mend the rights of the state folder.")]
    private static partial void LogUnreadable(ILogger logger, string file, string reason, string loss);
}
