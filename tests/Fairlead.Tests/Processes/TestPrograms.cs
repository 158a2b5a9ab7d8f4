using System.Text;
using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

/// <summary>Programs that the tests start, and how to wait for their words.</summary>
internal static class TestPrograms
{
    /// <summary>The server that misbehaves by its first argument.</summary>
    public static string Misbehave => Built("Misbehave", "misbehave-server");

    /// <summary>The process that can be killed in place of Fairlead.</summary>
    public static string ReaperHost => Built("ReaperHost", "reaper-host");

    /// <summary>The assembly of another program of the tests, to be run by <c>dotnet</c>.</summary>
    public static string Library(string project, string name) => Built(project, name + ".dll");

    /// <summary>Options for a shell script.</summary>
    public static ChildProcessOptions Shell(string script) => new() { Server = "shell", Command = "sh", Arguments = ["-c", script] };

    /// <summary>Options for a mode of the misbehaving server.</summary>
    public static ChildProcessOptions Mode(params string[] arguments) =>
        new() { Server = arguments[0], Command = Misbehave, Arguments = arguments, Environment = new Dictionary<string, string> { ["DOTNET_ROOT"] = DotnetRoot } };

    /// <summary>The same options with a task that ends with the first stderr line that contains the given words.</summary>
    public static (ChildProcessOptions Options, Task<string> Said) WhenSaid(this ChildProcessOptions options, string words)
    {
        var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        string Listen(string line)
        {
            if (line.Contains(words, StringComparison.Ordinal))
            {
                said.TrySetResult(line);
            }

            return line;
        }

        return (options with { Redact = Listen }, Guard.WithinAsync(said.Task, $"'{words}' on stderr"));
    }

    /// <summary>All of stdout.</summary>
    public static async Task<string> ReadToEndAsync(this ChildProcess child)
    {
        using var all = new MemoryStream();
        await Guard.WithinAsync(child.StandardOutput.CopyToAsync(all), "the end of stdout");
        return Encoding.UTF8.GetString(all.ToArray());
    }

    // Children inherit no DOTNET_ROOT, and the SDK need not stand where programs look for it. The runtime is <root>/shared/Microsoft.NETCore.App/<version>.
    private static string DotnetRoot => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));

    // Output folders are artifacts/bin/<project>/<configuration>.
    private static string Built(string project, string file)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var path = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../..", project, configuration, file));
        return File.Exists(path) ? path : throw new FileNotFoundException($"'{path}' is not there; build {project} in the configuration '{configuration}'.");
    }
}
