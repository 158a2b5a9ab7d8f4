using System.Text;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Diagnosis;

/// <summary>The configuration file, its variables and who may read it.</summary>
internal static class ConfigurationChecks
{
    // A file that is broken in many places is mended from the top.
    private const int ListedMax = 10;

    /// <summary>Runs the checks <c>configuration</c>, <c>variables</c> and <c>secrets</c>.</summary>
    public static IEnumerable<Finding> Run(ConfigurationResult loaded, Surroundings at) => [.. File(loaded, at), .. Variables(loaded), .. Secrets(loaded)];

    private static IEnumerable<Finding> File(ConfigurationResult loaded, Surroundings at)
    {
        foreach (var error in loaded.Errors.Take(ListedMax))
        {
            yield return new Finding("configuration", Verdict.Fail, (error with { Fix = "" }).ToString(), error.Fix);
        }

        if (loaded.Errors.Count > ListedMax)
        {
            yield return new Finding("configuration", Verdict.Fail, $"{loaded.Errors.Count - ListedMax} more errors.", "fairlead config validate lists all.");
        }

        foreach (var warning in loaded.Warnings.Take(ListedMax))
        {
            yield return new Finding("configuration", Verdict.Warn, (warning with { Fix = "" }).ToString(), warning.Fix);
        }

        if (loaded.IsValid)
        {
            yield return loaded.File is null
                ? new Finding("configuration", Verdict.Warn, "There is no configuration file. Without one the built-in servers run.", "fairlead import takes over the servers of your clients; --config names a file.")
                : new Finding("configuration", Verdict.Ok, $"{at.Short(loaded.File)}, {loaded.Options.Servers.Count} {(loaded.Options.Servers.Count == 1 ? "server" : "servers")}.");
        }
    }

    private static IEnumerable<Finding> Variables(ConfigurationResult loaded)
    {
        foreach (var (server, variables) in loaded.MissingVariables)
        {
            yield return new Finding(
                "variables", Verdict.Warn, $"{string.Join(", ", variables)} {(variables.Count == 1 ? "has" : "have")} no value, so the server waits as MissingAuth.",
                $"Set {(variables.Count == 1 ? "it" : "them")} in the environment or in a .env.local file beside the configuration.", server);
        }

        if (loaded.MissingVariables.Count == 0 && loaded.Options.Servers.Count != 0)
        {
            yield return new Finding("variables", Verdict.Ok, "Every variable that a server refers to has a value.");
        }
    }

    private static IEnumerable<Finding> Secrets(ConfigurationResult loaded)
    {
        if (OperatingSystem.IsWindows() || loaded.File is not { } file || TextFile.ReadBytes(file, ConfigText.BytesMax, out _) is not { } bytes || !loaded.Redactor.Finds(Encoding.UTF8.GetString(bytes)))
        {
            yield break;
        }

        var mode = System.IO.File.GetUnixFileMode(file);
        yield return (mode & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) == 0
            ? new Finding("secrets", Verdict.Ok, "The configuration holds credentials, and you alone may read it.")
            : new Finding("secrets", Verdict.Warn, "The configuration holds credentials, and other users may read it.", $"chmod 600 {file}, or write ${{NAME}} and keep the value in .env.local.");
    }
}
