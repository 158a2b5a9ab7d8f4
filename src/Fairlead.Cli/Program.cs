using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;
using Fairlead.Cli.Commands;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli;

/// <summary>The executable <c>fairlead</c>.</summary>
internal static class Program
{
    /// <summary>The version of this build.</summary>
    public static string Version { get; } =
        typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>The commands that a command line may mean. Each call makes them anew.</summary>
    /// <param name="first">Its first word; where that says which one it is, the others may be missing. Null = all commands.</param>
    public static Command Root(string? first = null)
    {
        // What other programs start over and over is made alone: all the others with their options take a tenth of the time until the endpoint listens.
        if (first is "up" or "stdio")
        {
            return new Command("fairlead") { new HelpOption(), first == "up" ? UpCommand.Create() : StdioCommand.Create() };
        }

        var root = Reading();
        foreach (var command in FleetCommands.Create())
        {
            root.Subcommands.Add(command);
        }

        return root;
    }

    // Not a RootCommand: that is named after the assembly, and help would tell people to type Fairlead.Cli.
    private static Command Reading() => new("fairlead", Describe())
    {
        new HelpOption(),
        new VersionOption(),
        UpCommand.Create(),
        StdioCommand.Create(),
        PsCommand.Create(),
        TopCommand.Create(),
        HealthCommand.Create(),
        ToolsCommand.Create(),
        CallCommand.Create(),
        LogsCommand.Create(),
        EventsCommand.Create(),
        AuditCommand.Create(),
        DashboardCommand.Create(),
        DownCommand.Create(),
        DeployCommand.Create(),
        DeployCommand.CreateUndeploy(),
        ReloadCommand.Create(),
        RolloutCommand.Create(),
        ConfigCommand.Create(),
        FaultCommand.Create(),
        BenchCommand.Create(),
        ServerCommand.Create(),
        ImportCommand.Create(),
        ConnectCommand.Create(),
        DoctorCommand.Create(),
        CompletionCommand.Create(),
    };

    private static async Task<int> Main(string[] args)
    {
        if (args is ["up" or "stdio", ..])
        {
            SocketThreads.RunInline();
        }

        // A tool or an argument may begin with @: it means itself, not a file of more arguments.
        var parsed = Root(args.FirstOrDefault()).Parse(args.Length == 0 ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (UsageErrors.Of(parsed) is { Count: > 0 } errors)
        {
            foreach (var error in errors)
            {
                await Console.Error.WriteLineAsync("fairlead: " + CellText.Clean(error)).ConfigureAwait(false);
            }

            await Console.Error.WriteLineAsync($"Try: fairlead {string.Concat(Path(parsed.CommandResult))}--help").ConfigureAwait(false);
            return ExitCodes.Usage;
        }

        try
        {
            // Signals are the commands' own: the default would end a stop that takes longer than two seconds.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The last edge: whatever was not foreseen becomes a sentence, and a trace only for whoever asks for it.
            var isWanted = args.Contains("--verbose", StringComparer.Ordinal);
            await Console.Error.WriteLineAsync($"fairlead: unexpected error: {(isWanted ? exception.ToString() : $"{exception.Message} ({exception.GetType().Name})")}").ConfigureAwait(false);
            return ExitCodes.Failed;
        }
    }

    /// <summary>The words that lead to a command, each with a space after it.</summary>
    private static IEnumerable<string> Path(CommandResult command) =>
        command.Parent is null ? [] : [.. command.Parent is CommandResult parent ? Path(parent) : [], command.Command.Name + " "];

    private static string Describe() =>
        "Runs, guards and routes a fleet of MCP servers behind one endpoint.\n\nExit codes:\n"
        + string.Join('\n', ExitCodes.All.Select(static row => string.Create(CultureInfo.InvariantCulture, $"  {row.Code,3}  {row.Meaning}")));
}
