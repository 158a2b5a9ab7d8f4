namespace Fairlead.Processes;

/// <summary>What stands at a path, as far as starting it is concerned.</summary>
internal enum ExecutableProbe
{
    /// <summary>Nothing, or nothing that may be seen.</summary>
    Missing,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A file without the right to execute it.</summary>
    NotExecutable,

    /// <summary>A file that can be started.</summary>
    Executable,
}

/// <summary>What a search found.</summary>
/// <param name="Path">Full path of the program; null when none can be started.</param>
/// <param name="Problem">Null when found; otherwise what was searched and how to mend it, in whole sentences.</param>
internal readonly record struct ExecutableFinding(string? Path, string? Problem);

/// <summary>
/// Finds the program that a command names, as the system would, but before the start: a missing program becomes a sentence
/// instead of an exit code. Touches no file itself: it asks the given probe. No state; any thread.
/// </summary>
/// <param name="probe">Tells what stands at a full path.</param>
/// <param name="windows">Whether Windows rules hold: <c>;</c> and <c>\</c> as separators, and PATHEXT.</param>
internal sealed class ExecutableSearch(Func<string, ExecutableProbe> probe, bool windows)
{
    /// <summary>Extensions tried on Windows when PATHEXT is not set.</summary>
    public const string DefaultPathExt = ".COM;.EXE;.BAT;.CMD";

    /// <summary>Looks a command up.</summary>
    /// <param name="command">The command as configured.</param>
    /// <param name="baseDirectory">Full path against which a command with a directory separator, and relative PATH entries, are resolved.</param>
    /// <param name="path">PATH of the child; null or empty = nothing to search.</param>
    /// <param name="pathExt">PATHEXT of the child; null or empty = <see cref="DefaultPathExt"/>. Ignored unless Windows rules hold.</param>
    public ExecutableFinding Find(string command, string baseDirectory, string? path, string? pathExt)
    {
        if (string.IsNullOrWhiteSpace(command))
        {
            return new ExecutableFinding(null, "The command is empty. Give the program to run, for example \"npx\".");
        }

        var names = CandidateNames(command, pathExt);
        return HasDirectory(command) ? FindAt(command, baseDirectory, names) : FindOnPath(command, baseDirectory, path, names);
    }

    private ExecutableFinding FindAt(string command, string baseDirectory, List<string> names)
    {
        var worst = ExecutableProbe.Missing;
        var full = Combine(baseDirectory, command);
        foreach (var name in names)
        {
            var candidate = Combine(baseDirectory, name);
            var verdict = probe(candidate);
            if (verdict == ExecutableProbe.Executable)
            {
                return new ExecutableFinding(candidate, null);
            }

            worst = verdict > worst ? verdict : worst;
        }

        return new ExecutableFinding(null, worst switch
        {
            ExecutableProbe.NotExecutable => NotExecutable(command, full),
            ExecutableProbe.Directory => $"The command '{command}' is the directory '{full}'. Name the program inside it.",
            _ => $"The command '{command}' was not found: there is no file '{full}'. Correct the path, or install the program there.",
        });
    }

    private ExecutableFinding FindOnPath(string command, string baseDirectory, string? path, List<string> names)
    {
        var searched = new List<string>();
        string? notExecutable = null;
        foreach (var entry in (path ?? "").Split(windows ? ';' : ':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var directory = Combine(baseDirectory, windows ? entry.Trim('"') : entry);
            searched.Add(directory);
            foreach (var name in names)
            {
                var candidate = Combine(directory, name);
                var verdict = probe(candidate);
                if (verdict == ExecutableProbe.Executable)
                {
                    return new ExecutableFinding(candidate, null);
                }

                notExecutable ??= verdict == ExecutableProbe.NotExecutable ? candidate : null;
            }
        }

        if (notExecutable is not null)
        {
            return new ExecutableFinding(null, NotExecutable(command, notExecutable));
        }

        var where = searched.Count == 0
            ? "PATH is empty, so nothing was searched"
            : $"searched PATH: {string.Join(windows ? "; " : ", ", searched)}";
        var also = windows ? $" with the extensions of PATHEXT" : "";
        return new ExecutableFinding(
            null, $"The command '{command}' was not found ({where}{also}). Install it, give its full path, or add its directory to PATH in the server's \"env\".");
    }

    private static string NotExecutable(string command, string file) =>
        $"The command '{command}' is the file '{file}', which may not be executed. Run 'chmod +x {file}', or name the interpreter as the command and the file as its first argument.";

    /// <summary>
    /// On Windows an extension-less file is never started (npm puts a shell script <c>npx</c> beside <c>npx.cmd</c>), so the bare name counts only
    /// when it already ends in one of the extensions.
    /// </summary>
    private List<string> CandidateNames(string command, string? pathExt)
    {
        if (!windows)
        {
            return [command];
        }

        var extensions = (string.IsNullOrWhiteSpace(pathExt) ? DefaultPathExt : pathExt)
            .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var names = new List<string>(extensions.Length + 1);
        if (extensions.Any(extension => command.EndsWith(extension, StringComparison.OrdinalIgnoreCase)))
        {
            names.Add(command);
        }

        names.AddRange(extensions.Select(extension => command + extension.ToLowerInvariant()));
        return names;
    }

    private bool HasDirectory(string command) =>
        command.Contains('/') || (windows && (command.Contains('\\') || (command.Length > 1 && command[1] == ':')));

    // System.IO.Path follows the system it runs on; the Windows rules must also hold in tests on other systems.
    private string Combine(string directory, string name)
    {
        var rooted = windows ? name.StartsWith('\\') || name.StartsWith('/') || (name.Length > 1 && name[1] == ':') : name.StartsWith('/');
        if (rooted)
        {
            return name;
        }

        var separator = windows ? '\\' : '/';
        return directory.EndsWith(separator) || (windows && directory.EndsWith('/')) ? directory + name : directory + separator + name;
    }
}
