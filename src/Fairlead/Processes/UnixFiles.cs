namespace Fairlead.Processes;

/// <summary>What stands at a path, by its mode.</summary>
internal static class UnixFiles
{
    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Tells whether a path can be started: any of the three execute bits counts, the kernel decides the rest.</summary>
    /// <param name="path">A full path.</param>
    public static ExecutableProbe Probe(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return ExecutableProbe.Missing;
        }

        if (Directory.Exists(path))
        {
            return ExecutableProbe.Directory;
        }

        if (!File.Exists(path))
        {
            return ExecutableProbe.Missing;
        }

        return (File.GetUnixFileMode(path) & AnyExecute) == 0 ? ExecutableProbe.NotExecutable : ExecutableProbe.Executable;
    }
}
