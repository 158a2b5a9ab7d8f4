namespace Fairlead.Processes;

/// <summary>Finds the program that a child would run, before it is started: the folder, the program, and the interpreter that a script asks for. No state; any thread.</summary>
internal static class ChildProgram
{
    /// <summary>Looks a command up as a start would.</summary>
    /// <param name="command">The command as configured.</param>
    /// <param name="directory">Full path of the folder that the child would start in.</param>
    /// <param name="environment">The whole environment that the child would have.</param>
    /// <param name="platform">The system.</param>
    /// <returns>The full path, or what is wrong and how to mend it.</returns>
    public static ExecutableFinding Find(string command, string directory, IReadOnlyDictionary<string, string> environment, ProcessPlatform platform)
    {
        if (!Directory.Exists(directory))
        {
            return Problem($"the working directory '{directory}' does not exist. Create it, or correct \"cwd\" in the configuration.");
        }

        var search = new ExecutableSearch(platform.Probe, platform.IsWindows);
        var path = environment.GetValueOrDefault("PATH");
        var found = search.Find(command, directory, path, environment.GetValueOrDefault("PATHEXT"));
        if (found.Path is not { } executable || platform.IsWindows || ReadInterpreter(executable) is not { } interpreter)
        {
            return found;
        }

        if (platform.Probe(interpreter.Path) != ExecutableProbe.Executable)
        {
            return Problem(
                $"the first line of '{executable}' names the interpreter '{interpreter.Path.Replace("\r", "\\r", StringComparison.Ordinal)}', "
                + "which does not exist or may not be executed. Install it, correct that line, or name the interpreter as the command.");
        }

        return interpreter.Program is { } program && search.Find(program, directory, path, null).Problem is { } problem
            ? Problem($"the first line of '{executable}' asks for '{program}'. {problem}")
            : found;
    }

    private static ExecutableFinding Problem(string text) => new(null, text);

    private static ScriptInterpreter? ReadInterpreter(string executable)
    {
        try
        {
            using var file = File.OpenHandle(executable);
            Span<byte> head = stackalloc byte[ScriptInterpreter.HeadBytesMax];
            return ScriptInterpreter.Parse(head[..RandomAccess.Read(file, head, 0)]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A program may be executable without being readable: the system judges it at the start.
            return null;
        }
    }
}
