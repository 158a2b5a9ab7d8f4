using Fairlead.Configuration;

namespace Fairlead.Cli.Running;

/// <summary>The machine and the user as commands see them that read and write files of other programs. Given as a value, so that tests have a user of their own.</summary>
/// <param name="System">Whose customs hold for paths.</param>
/// <param name="Environment">The variables of the process.</param>
/// <param name="CurrentDirectory">Full path.</param>
/// <param name="Home">Full path of the user's home folder.</param>
/// <param name="StateFolder">Full path.</param>
internal sealed record Surroundings(SystemKind System, IReadOnlyDictionary<string, string> Environment, string CurrentDirectory, string Home, string StateFolder)
{
    /// <summary>Those of this process.</summary>
    /// <param name="state">What <c>--state</c> says; null = the usual folder.</param>
    public static Surroundings OfProcess(string? state) =>
        new(ConfigurationPaths.Current, CommonOptions.Environment(), Directory.GetCurrentDirectory(), CommonOptions.Home(), Running.StateFolder.PathFor(state));

    /// <summary>A path as a person would write it: from <c>~</c> on, or from here.</summary>
    public string Short(string path) => Below(path, CurrentDirectory) ?? (Below(path, Home) is { } atHome ? $"~{Path.DirectorySeparatorChar}{atHome}" : path);

    private static string? Below(string path, string folder)
    {
        var prefix = folder.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar;
        return prefix.Length > 1 && path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..] : null;
    }
}
