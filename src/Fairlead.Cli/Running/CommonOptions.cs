using System.CommandLine;
using Fairlead.Configuration;

namespace Fairlead.Cli.Running;

/// <summary>Options that several commands share.</summary>
internal static class CommonOptions
{
    /// <summary><c>--json</c>.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Write JSON instead of text." };

    /// <summary><c>--state</c>.</summary>
    public static Option<string?> State() => new("--state") { HelpName = "FOLDER", Description = "The state folder. Default: FAIRLEAD_STATE, else the system's state directory." };

    /// <summary><c>--url</c>.</summary>
    public static Option<string?> Url() => new("--url") { HelpName = "URL", Description = "The instance to talk to. Default: the running one of the state folder." };

    /// <summary><c>--config</c>.</summary>
    public static Option<string?> Config() => new("--config")
    {
        HelpName = "FILE",
        Description = "The configuration. Default: FAIRLEAD_CONFIG, else ./fairlead.json, else fairlead.json in the user's configuration directory.",
    };

    /// <summary><c>--dry-run</c>.</summary>
    public static Option<bool> DryRun() => new("--dry-run") { Description = "Show what would be done, and do nothing." };

    /// <summary>An option that takes a length of time such as <c>30s</c>; null when it is not given.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">What for.</param>
    /// <param name="min">The shortest; null = none.</param>
    /// <param name="max">The longest; null = none.</param>
    public static Option<TimeSpan?> Duration(string name, string description, TimeSpan? min = null, TimeSpan? max = null) => new(name)
    {
        HelpName = "TIME",
        Description = description,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 0 ? "" : result.Tokens[0].Value;
            if (!OptionWords.TryDuration(text, out var time))
            {
                result.AddError($"'{text}' is no length of time. Write it like 500ms, 30s or 2m.");
                return null;
            }

            if (time < min || time > max)
            {
                result.AddError($"{name} takes a time from {OptionWords.Duration(min ?? TimeSpan.Zero)} to {(max is { } longest ? OptionWords.Duration(longest) : "any")}.");
                return null;
            }

            return time;
        },
    };

    /// <summary>The argument that names a server; completed from the configuration that <c>fairlead up</c> would load.</summary>
    /// <typeparam name="T">string, or string? where it may be left out.</typeparam>
    /// <param name="description">What for.</param>
    public static Argument<T> Server<T>(string description)
    {
        var server = new Argument<T>("server") { Description = description };
        server.CompletionSources.Add(static _ => ServerNames());
        return server;
    }

    /// <summary>The servers of the configuration that <c>fairlead up</c> would load; none when it cannot be read.</summary>
    public static IEnumerable<string> ServerNames() => Commands.ConfigCommand.Load(null).Options.Servers.Select(static server => server.Name);

    /// <summary>The process environment as a dictionary.</summary>
    public static Dictionary<string, string> Environment()
    {
        var comparer = OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
        var variables = new Dictionary<string, string>(comparer);
        foreach (System.Collections.DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string)entry.Value!;
        }

        return variables;
    }

    /// <summary>The user's home folder.</summary>
    public static string Home() => System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile);
}
