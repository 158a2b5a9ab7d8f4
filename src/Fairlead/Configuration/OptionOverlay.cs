namespace Fairlead.Configuration;

/// <summary>Puts options from the command line and from <c>FAIRLEAD_*</c> variables over those of the file.</summary>
internal static class OptionOverlay
{
    private const string Prefix = "FAIRLEAD_";

    /// <summary>Variables of the prefix that are no options.</summary>
    private static readonly string[] s_others = ["FAIRLEAD_CONFIG", "FAIRLEAD_URL", "FAIRLEAD_INSTANCE", "FAIRLEAD_TOKEN"];

    /// <summary>Every option that a flag or a variable can set: its path and how to reach it.</summary>
    public static IReadOnlyList<(string Path, OptionKey Key, Func<FairleadOptions, object> Owner)> Targets { get; } =
        [.. OptionsShape.Keys(typeof(FairleadOptions)).Where(static key => !key.IsSection && key.MapOf is null).Select(static key => (key.Name, key, (Func<FairleadOptions, object>)(static options => options))),
            .. OptionsShape.Keys(typeof(LimitsOptions)).Select(static key => ($"limits.{key.Name}", key, (Func<FairleadOptions, object>)(static options => options.Limits))),
            .. OptionsShape.Keys(typeof(TelemetryOptions)).Select(static key => ($"telemetry.{key.Name}", key, (Func<FairleadOptions, object>)(static options => options.Telemetry)))];

    /// <summary>Applies the variables, then the flags, which win.</summary>
    public static void Apply(FairleadOptions options, IReadOnlyDictionary<string, string> variables, IReadOnlyDictionary<string, string> flags, ReadScope scope)
    {
        foreach ((string path, OptionKey key, Func<FairleadOptions, object> owner) in Targets)
        {
            string variable = OptionWords.Variable(path);
            if (variables.TryGetValue(variable, out string? text) && text.Length > 0)
            {
                OptionsReader.ReadKey(owner(options), key, ConfigNode.OfText(variable, text), path, path, scope);
            }

            if (flags.TryGetValue(path, out text))
            {
                OptionsReader.ReadKey(owner(options), key, ConfigNode.OfText($"--{path}", text), path, path, scope);
            }
        }

        ReportUnknown(variables, flags, scope);
    }

    private static void ReportUnknown(IReadOnlyDictionary<string, string> variables, IReadOnlyDictionary<string, string> flags, ReadScope scope)
    {
        string[] paths = [.. Targets.Select(static target => target.Path)];
        foreach (string flag in flags.Keys.Except(paths))
        {
            string? nearest = OptionWords.Nearest(flag, paths);
            scope.Problems.ErrorAt(ConfigNode.OfText($"--{flag}", ""), null, "There is no such option.", nearest is null ? "Remove it." : $"Did you mean --{nearest}?");
        }

        string[] names = [.. paths.Select(OptionWords.Variable), .. s_others];
        foreach (string name in variables.Keys.Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal) && !name.StartsWith("FAIRLEAD_INPUT_", StringComparison.Ordinal)).Except(names))
        {
            // Other tools use the prefix too, so only what looks like a typing error is worth a word.
            if (OptionWords.Nearest(name[Prefix.Length..], names.Select(static known => known[Prefix.Length..])) is { } nearest)
            {
                scope.Problems.WarningAt(ConfigNode.OfText(name, ""), null, "No option has this variable.", $"Did you mean {Prefix}{nearest}?");
            }
        }
    }
}
