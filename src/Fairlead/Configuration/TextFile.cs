namespace Fairlead.Configuration;

/// <summary>Reads small files that a user wrote, without ever throwing for what is wrong with them.</summary>
internal static class TextFile
{
    private const FileAttributes NotThere = (FileAttributes)(-1);

    /// <summary>The bytes, or null; then <paramref name="failure"/> says why, and is null when there is no such file.</summary>
    public static byte[]? ReadBytes(string path, int bytesMax, out string? failure)
    {
        failure = null;
        try
        {
            // Asked for first: most fleets have no .env file, and an exception for each of them at each look at the configuration is dear. What cannot be looked at throws here, too.
            var attributes = new FileInfo(path).Attributes;
            if (attributes == NotThere)
            {
                return null;
            }

            if (attributes.HasFlag(FileAttributes.Directory))
            {
                failure = $"{path} is a folder.";
                return null;
            }

            using FileStream file = File.OpenRead(path);
            using var content = new MemoryStream();
            byte[] piece = new byte[8192];
            // A pipe or a device tells no length, so the bound is kept while reading.
            for (int length = file.Read(piece); length > 0; length = file.Read(piece))
            {
                content.Write(piece, 0, length);
                if (content.Length > bytesMax)
                {
                    failure = $"The file {path} is larger than {bytesMax} bytes.";
                    return null;
                }
            }

            return content.ToArray();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            failure = $"The file {path} cannot be read: {e.Message}";
            return null;
        }
    }

    /// <summary>The same as a text; broken UTF-8 becomes replacement characters.</summary>
    public static string? Read(string path, int bytesMax, out string? failure) =>
        ReadBytes(path, bytesMax, out failure) is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes) : null;
}

/// <summary>The folders that relative paths and folder variables refer to. All are full paths.</summary>
/// <param name="Configuration">Where the file and its <c>.env</c> files are.</param>
/// <param name="Workspace">What <c>${workspaceFolder}</c> stands for.</param>
/// <param name="Home">What <c>${userHome}</c> and a leading <c>~</c> stand for.</param>
internal sealed record ConfigFolders(string Configuration, string Workspace, string Home)
{
    /// <summary>A full path from what the user wrote; text that is no path at all comes back unchanged.</summary>
    public string Resolve(string path)
    {
        string rooted = path == "~" ? Home : path.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(Home, path[2..]) : path;
        return rooted.Contains('\0', StringComparison.Ordinal) ? path : Path.GetFullPath(rooted, Workspace);
    }

    /// <summary>The folders for a file, or for the current directory without one.</summary>
    public static ConfigFolders For(string? file, LoadSettings settings)
    {
        string folder = file is null ? Path.GetFullPath(settings.WorkspaceFolder ?? Directory.GetCurrentDirectory()) : Path.GetDirectoryName(file) ?? file;
        string workspace = settings.WorkspaceFolder is { } given ? Path.GetFullPath(given)
            : Path.GetFileName(folder) is ".vscode" or ".cursor" or ".gemini" or ".codex" && Path.GetDirectoryName(folder) is { } parent ? parent
            : folder;
        return new ConfigFolders(folder, workspace, settings.UserHome ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));
    }
}
