using System.CommandLine;
using Fairlead.Cli.Commands;

namespace Fairlead.Cli;

/// <summary>The executable <c>fairlead</c>.</summary>
internal static class Program
{
    private static Task<int> Main(string[] args)
    {
        var root = new RootCommand("Runs, guards and routes a fleet of MCP servers behind one endpoint.")
        {
            UpCommand.Create(),
            PsCommand.Create(),
            ToolsCommand.Create(),
            CallCommand.Create(),
            LogsCommand.Create(),
            DownCommand.Create(),
            ConfigCommand.Create(),
        };
        var parsed = root.Parse(args);
        if (parsed.Errors.Count == 0)
        {
            return parsed.InvokeAsync();
        }

        foreach (var error in parsed.Errors)
        {
            Console.Error.WriteLine("fairlead: " + error.Message);
        }

        Console.Error.WriteLine("Try: fairlead --help");
        return Task.FromResult(ExitCodes.Usage);
    }
}
