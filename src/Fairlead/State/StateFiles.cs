using System.Globalization;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.State;

/// <summary>The files that Fairlead keeps for itself in its state folder (decision 13): hands them out and tells of trouble with the disk once, not once per file.</summary>
/// <remarks>Any thread. No trouble with a file ever stops Fairlead from serving: what cannot be kept is kept in memory only, and a warning says so.</remarks>
internal sealed partial class StateFiles
{
    // Windows: ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL; elsewhere ENOSPC and EDQUOT of Linux and macOS.
    private static readonly int[] s_windowsFull = [unchecked((int)0x80070027), unchecked((int)0x80070070)];
    private static readonly int[] s_unixFull = [28, 69, 122];

    private readonly ILogger _logger;
    private int _isFailing;

    /// <summary>Keeps files in <paramref name="folder"/>, which is made with the first of them.</summary>
    /// <param name="folder">The state folder.</param>
    /// <param name="time">Gives the time in the name of a file that is moved aside.</param>
    /// <param name="logger">Where trouble is told.</param>
    public StateFiles(string folder, TimeProvider time, ILogger logger)
    {
        Folder = folder;
        Time = time;
        _logger = logger;
    }

    /// <summary>The state folder.</summary>
    public string Folder { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>Where trouble is told.</summary>
    internal ILogger Logger => _logger;

    /// <summary>A file of the folder.</summary>
    /// <param name="name">Its name, relative to the folder.</param>
    /// <param name="formatVersion">The form that this Fairlead writes: 1 or more.</param>
    /// <param name="loss">What it means to go on without the file, as a sentence: "Servers are probed at their start."</param>
    /// <param name="migrations">Turn form 1 into 2, 2 into 3, ...: as many as there are forms before <paramref name="formatVersion"/>.</param>
    public StateFile File(string name, int formatVersion, string loss, params Func<byte[], byte[]>[] migrations) =>
        new(this, Path.Combine(Folder, name), formatVersion, loss, migrations);

    /// <summary>Moves a file that cannot be understood out of the way, as <c>NAME.corrupt-TIME</c>, so that it can be looked at later.</summary>
    /// <returns>Where it is; null when it could not be moved.</returns>
    /// <param name="path">The file.</param>
    /// <param name="time">The clock.</param>
    /// <param name="trouble">Why it could not be moved; else null.</param>
    public static string? MoveAside(string path, TimeProvider time, out string? trouble)
    {
        var aside = $"{path}.corrupt-{time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        try
        {
            System.IO.File.Move(path, aside, overwrite: true);
            trouble = null;
            return aside;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            trouble = exception.Message;
            return null;
        }
    }

    /// <summary>Whether a file could not be written because the disk, or the user's share of it, is full.</summary>
    public static bool IsDiskFull(Exception exception) =>
        exception is IOException && Array.IndexOf(OperatingSystem.IsWindows() ? s_windowsFull : s_unixFull, exception.HResult) >= 0;

    /// <summary>Notes that a file could not be written. The first time in a row is told, the others are not: a full disk is one trouble, however many files it concerns.</summary>
    internal void NoteFailed(StateFile file, Exception exception)
    {
        if (Interlocked.Exchange(ref _isFailing, 1) != 0)
        {
            return;
        }

        if (IsDiskFull(exception))
        {
            LogDiskFull(_logger, file.Path, file.Loss);
        }
        else
        {
            LogUnwritable(_logger, file.Path, exception.Message, file.Loss);
        }
    }

    /// <summary>Notes that a file was written.</summary>
    internal void NoteWritten(StateFile file)
    {
        if (_isFailing != 0 && Interlocked.Exchange(ref _isFailing, 0) != 0)
        {
            LogWritableAgain(_logger, file.Path);
        }
    }

    [LoggerMessage(EventIds.StateDiskFull, LogLevel.Warning, "The disk is full: {File} could not be written. Everything goes on, but what happens from here on is not kept for the next start. {Loss} Free some space on that disk.")]
    private static partial void LogDiskFull(ILogger logger, string file, string loss);

    [LoggerMessage(EventIds.StateUnwritable, LogLevel.Warning, "{File} could not be written ({Reason}). Everything goes on, but what happens from here on is not kept for the next start. {Loss} Mend the rights of the state folder.")]
    private static partial void LogUnwritable(ILogger logger, string file, string reason, string loss);

    [LoggerMessage(EventIds.StateWritableAgain, LogLevel.Information, "The state folder can be written again ({File}).")]
    private static partial void LogWritableAgain(ILogger logger, string file);
}
