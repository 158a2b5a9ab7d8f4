using Fairlead.Cli.Running;

namespace Fairlead.Cli.Diagnosis;

/// <summary>The state folder: who may look into it, whether it can be written, what was left behind in it.</summary>
internal static class StateChecks
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Runs the checks <c>state</c>, <c>lock</c> and <c>corrupt</c>.</summary>
    /// <param name="folder">The state folder.</param>
    /// <param name="instance">The running instance; null = none.</param>
    /// <param name="remark">What was odd about its file; null = nothing.</param>
    public static IEnumerable<Finding> Run(string folder, InstanceFile? instance, string? remark)
    {
        if (!Directory.Exists(folder))
        {
            yield return File.Exists(folder)
                ? new Finding("state", Verdict.Fail, $"{folder} is a file.", "Name a folder with --state, or move the file away if it is of no use.")
                : new Finding("state", Verdict.Ok, $"{folder} will be made by the first fairlead up.");
            yield break;
        }

        yield return Folder(folder);
        if (instance is not null)
        {
            yield return new Finding("lock", Verdict.Ok, $"Held by the running instance, process {instance.Pid}.");
        }
        else if (IsHeld(Path.Combine(folder, StateFolder.LockName)))
        {
            yield return new Finding("lock", Verdict.Warn, $"Another process holds {Path.Combine(folder, StateFolder.LockName)} and has not said where it listens.", "It may be starting or stopping: look again in a moment. If it stays, end that process.");
        }
        else
        {
            yield return remark is null
                ? new Finding("lock", Verdict.Ok, "Free.")
                : new Finding("lock", Verdict.Warn, $"{char.ToUpperInvariant(remark[0])}{remark[1..]}.", "Nothing: the next fairlead up cleans up. If it ended by itself, its servers' logs say more (logs/ in the state folder).");
        }

        foreach (var file in Directory.EnumerateFiles(folder, "*.corrupt-*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, MaxRecursionDepth = 2 }).Order(StringComparer.Ordinal))
        {
            yield return new Finding("corrupt", Verdict.Warn, $"{file} could not be understood and was moved aside.", "Look at it if you miss something, then remove it. Files that break again point to a bad disk or to two programs that write them.");
        }
    }

    private static Finding Folder(string folder)
    {
        if (!OperatingSystem.IsWindows())
        {
            List<string> open = [];
            foreach (var path in new[] { folder, Path.Combine(folder, StateFolder.TokenName) })
            {
                if ((File.Exists(path) || Directory.Exists(path)) && (File.GetUnixFileMode(path) & Others) != 0)
                {
                    open.Add(path);
                }
            }

            if (open.Count != 0)
            {
                return new Finding("state", Verdict.Warn, $"{string.Join(" and ", open)} can be used by other users, who could steer the gateway.", $"chmod -R go= {folder}");
            }
        }

        var probe = Path.Combine(folder, $".doctor-{Guid.NewGuid():N}");
        try
        {
            File.WriteAllText(probe, "");
            File.Delete(probe);
            return new Finding("state", Verdict.Ok, $"{folder}, for you alone.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Finding("state", Verdict.Fail, $"{folder} cannot be written: {exception.Message}", "Mend its rights or make room, or name another folder with --state.");
        }
    }

    private static bool IsHeld(string file)
    {
        try
        {
            using var held = File.Open(file, FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (Exception exception) when (exception is FileNotFoundException or UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
