using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead config validate|show</c>.</summary>
internal static class ConfigCommand
{
    /// <summary>Loads the configuration that the user means: <c>--config</c>, else the usual places.</summary>
    public static ConfigurationResult Load(string? named, IReadOnlyDictionary<string, string>? flags = null)
    {
        var environment = CommonOptions.Environment();
        var path = ConfigurationPaths.Find(named, environment, Directory.GetCurrentDirectory(), CommonOptions.Home());
        return ConfigurationLoader.Load(path, environment, new LoadSettings { Flags = flags ?? new Dictionary<string, string>() });
    }

    /// <summary>Tells errors and warnings on stderr.</summary>
    public static void Tell(ConfigurationResult result)
    {
        foreach (var warning in result.Warnings)
        {
            Console.Error.WriteLine("warning: " + warning);
        }

        foreach (var error in result.Errors)
        {
            Console.Error.WriteLine("error: " + error);
        }
    }

    /// <summary>The command.</summary>
    public static Command Create() => new("config", "Looks at the configuration without starting anything.") { Validate(), Show() };

    private static Command Validate()
    {
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne, Description = "The file. Default: as for fairlead up." };
        var json = CommonOptions.Json();
        var command = new Command("validate", "Reports everything that is wrong, each with the place, the rule and the fix.") { file, json };
        command.SetAction(parsed =>
        {
            var result = Load(parsed.GetValue(file));
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(
                    new { valid = result.IsValid, file = result.File, servers = result.Options.Servers.Count, result.Errors, result.Warnings, result.MissingVariables },
                    JsonSerializerOptions.Web));
            }
            else
            {
                Tell(result);
                Console.WriteLine(result.IsValid
                    ? $"{result.File ?? "No file"}: good, {result.Options.Servers.Count} servers."
                    : $"{result.File}: {result.Errors.Count} errors.");
                foreach (var (server, variables) in result.MissingVariables)
                {
                    Console.WriteLine($"{server} waits for {string.Join(", ", variables)}: set it in the environment or in a .env file beside the configuration.");
                }
            }

            return result.IsValid ? ExitCodes.Ok : ExitCodes.Configuration;
        });
        return command;
    }

    private static Command Show()
    {
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne, Description = "The file. Default: as for fairlead up." };
        var all = new Option<bool>("--all") { Description = "Show defaults too." };
        var command = new Command("show", "Shows the configuration in force, in Fairlead's own format, with secrets REDACTED.") { file, all };
        command.SetAction(parsed =>
        {
            var result = Load(parsed.GetValue(file));
            Tell(result);
            Console.WriteLine(ConfigurationView.Show(result.Options, result.Redactor, parsed.GetValue(all)));
            return result.IsValid ? ExitCodes.Ok : ExitCodes.Configuration;
        });
        return command;
    }
}
