using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>Writes files of users whole or not at all, and keeps their rights. Links stay links: what they lead to is written.</summary>
internal static class FileReplacement
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces a file, provided that it still holds what it held when it was read.</summary>
    /// <param name="path">The file; its folder is made when it is missing. A new file is for its owner alone.</param>
    /// <param name="expected">What it held; null = it did not exist.</param>
    /// <param name="content">What it is to hold.</param>
    /// <exception cref="IOException">It cannot be written, or has changed since it was read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string path, byte[]? expected, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var target = new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
        var present = TextFile.ReadBytes(target, EditedFile.BytesMax, out var failure);
        if (failure is not null)
        {
            throw new IOException(failure);
        }

        if ((present is null) != (expected is null) || !present.AsSpan().SequenceEqual(expected))
        {
            throw new IOException($"{path} has changed meanwhile; nothing was written. Run the command again.");
        }

        var mode = OperatingSystem.IsWindows() || present is null ? OwnerOnly : File.GetUnixFileMode(target);
        var temporary = $"{target}.{Guid.NewGuid():N}.new";
        try
        {
            WriteNew(temporary, content, mode);
            File.Move(temporary, target, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Writes a new file that its owner alone may read.</summary>
    public static void WriteOwnerOnly(string path, byte[] content) => WriteNew(path, content, OwnerOnly);

    private static void WriteNew(string path, byte[] content, UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        using (var file = new FileStream(path, options))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        if (!OperatingSystem.IsWindows())
        {
            // The mask of the process takes rights away at the creation.
            File.SetUnixFileMode(path, mode);
        }
    }
}
