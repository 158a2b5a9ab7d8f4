using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead config validate|show|import</c>.</summary>
internal static class ConfigCommand
{
    /// <summary>Loads the configuration that the user means: <c>--config</c>, else the usual places, else the default fleet.</summary>
    /// <param name="named">The file that was named; null = none.</param>
    /// <param name="flags">Options of the command line.</param>
    /// <param name="ask">Asks for inputs; null = nobody is asked.</param>
    public static ConfigurationResult Load(string? named, IReadOnlyDictionary<string, string>? flags = null, Func<InputRequest, string?>? ask = null)
    {
        var environment = CommonOptions.Environment();
        var path = ConfigurationPaths.Find(named, environment, Directory.GetCurrentDirectory(), CommonOptions.Home());
        var result = ConfigurationLoader.Load(path, environment, new LoadSettings { Flags = flags ?? new Dictionary<string, string>(), AskInput = ask });
        if (path is null)
        {
            DefaultFleet.AddTo(result.Options);
        }

        return result;
    }

    /// <summary>Tells errors and warnings on stderr.</summary>
    public static void Tell(ConfigurationResult result)
    {
        foreach (var warning in result.Warnings)
        {
            Terminal.Current.Error("warning: " + CellText.Clean(warning.ToString()));
        }

        foreach (var error in result.Errors)
        {
            Terminal.Current.Error("error: " + CellText.Clean(error.ToString()));
        }
    }

    /// <summary>The command.</summary>
    public static Command Create() => new("config", "Looks at the configuration, or adds to it, without starting anything.") { Validate(), Show(), ImportCommand.Create() };

    private static Command Validate()
    {
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne, Description = "The file. Default: as for fairlead up." };
        var json = CommonOptions.Json();
        var command = new Command("validate", "Reports everything that is wrong, each with the place, the rule and the fix.\nExample: fairlead config validate fairlead.json") { file, json };
        command.SetAction(parsed =>
        {
            var result = Load(parsed.GetValue(file));
            var isGood = result.IsValid;
            var terminal = Terminal.Current;
            if (parsed.GetValue(json))
            {
                terminal.Line(JsonSerializer.Serialize(
                    new { valid = isGood, file = result.File, servers = result.Options.Servers.Count, result.Errors, result.Warnings, result.MissingVariables },
                    JsonSerializerOptions.Web));
                return isGood ? ExitCodes.Ok : ExitCodes.Configuration;
            }

            Tell(result);
            terminal.Line(isGood
                ? $"{result.File ?? DefaultFleet.Name}: good, {result.Options.Servers.Count} servers."
                : $"{result.File ?? DefaultFleet.Name}: {result.Errors.Count} {(result.Errors.Count == 1 ? "error" : "errors")}.");
            foreach (var (server, variables) in result.MissingVariables)
            {
                terminal.Line($"{server} waits for {string.Join(", ", variables)}: set it in the environment or in a .env file beside the configuration.");
            }

            return isGood ? ExitCodes.Ok : ExitCodes.Configuration;
        });
        return command;
    }

    private static Command Show()
    {
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne, Description = "The file. Default: as for fairlead up." };
        var all = new Option<bool>("--all") { Description = "Show defaults, too." };
        var command = new Command("show", "Shows the configuration in force, in Fairlead's own format, with secrets REDACTED.\nExample: fairlead config show --all") { file, all };
        command.SetAction(parsed =>
        {
            var result = Load(parsed.GetValue(file));
            Tell(result);
            Terminal.Current.Line(ConfigurationView.Show(result.Options, result.Redactor, parsed.GetValue(all)));
            return result.IsValid ? ExitCodes.Ok : ExitCodes.Configuration;
        });
        return command;
    }
}
