using ModelContextProtocol;

namespace Fairlead.BuiltIn;

/// <summary>The folders that a server may touch. Symbolic links are followed before a path is judged.</summary>
internal sealed class FileRoots
{
    private readonly string _variable;

    /// <param name="variable">The variable that names them, for messages.</param>
    /// <param name="value">Its value: folders, separated as in PATH; relative ones start at <paramref name="workingDirectory"/>. Null = that folder alone.</param>
    /// <param name="workingDirectory">An absolute path.</param>
    public FileRoots(string variable, string? value, string workingDirectory)
    {
        _variable = variable;
        Folders = value is null
            ? [RealPath(workingDirectory)]
            : [.. value.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(folder => RealPath(Path.GetFullPath(folder, workingDirectory)))];
        if (Folders.Count == 0)
        {
            throw new ArgumentException($"{variable} names no folder; write one or more, separated by '{Path.PathSeparator}'");
        }
    }

    /// <summary>The folders, absolute and without links. The first is where relative paths start.</summary>
    public IReadOnlyList<string> Folders { get; }

    /// <summary>Brings a path that a caller gave into its real, absolute form. It need not exist.</summary>
    /// <exception cref="McpException">It lies outside of all roots, or cannot be a path.</exception>
    public string Resolve(string path)
    {
        if (path.Length is 0 or > 4096 || path.Contains('\0', StringComparison.Ordinal))
        {
            throw new McpException("The path is empty, longer than 4096 characters or holds NUL. Give a path below " + string.Join(" or ", Folders) + ".");
        }

        var real = RealPath(Path.GetFullPath(path, Folders[0]));
        return Holds(real) ? real : throw new McpException(
            $"'{path}' lies outside of what this server may touch ({string.Join(", ", Folders)}). Choose a path below, or let its owner add the folder to {_variable}.");
    }

    /// <summary>Whether a real path is one of the roots or lies below one.</summary>
    public bool Holds(string realPath) => Folders.Any(root =>
        realPath.StartsWith(root, StringComparison.Ordinal)
        && (realPath.Length == root.Length || Path.EndsInDirectorySeparator(root) || realPath[root.Length] == Path.DirectorySeparatorChar));

    /// <summary>A full path with every link on the way followed; what does not exist stays as written.</summary>
    public static string RealPath(string fullPath)
    {
        var path = Path.GetPathRoot(fullPath)!;
        foreach (var part in fullPath[path.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            var next = Path.Combine(path, part);
            try
            {
                // Links in the middle of a link's own target are followed by going over the target again.
                path = new FileInfo(next).LinkTarget is { } target ? RealPath(Path.GetFullPath(target, path)) : next;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new McpException($"'{next}' cannot be read: {exception.Message}");
            }
        }

        return path;
    }
}
