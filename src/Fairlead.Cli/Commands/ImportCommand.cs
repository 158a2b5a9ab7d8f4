using System.CommandLine;
using Fairlead.Cli.Clients;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead import</c>: takes over the servers of other clients (product A10).</summary>
internal static class ImportCommand
{
    /// <summary>The command. Each call makes another one: it stands below <c>fairlead</c> and below <c>fairlead config</c>.</summary>
    public static Command Create()
    {
        var clients = new Argument<string[]>("client") { Arity = ArgumentArity.ZeroOrMore, Description = $"Whose servers: {ClientProgram.Words()}. Default: all." };
        clients.CompletionSources.Add(static _ => ClientProgram.All.Select(static client => client.Word));
        var from = new Option<string?>("--from") { HelpName = "FILE", Description = "Read this file instead, whatever client it is of." };
        var into = new Option<string?>("--into") { HelpName = "FILE", Description = "The file to write. Default: the one that fairlead up would load, else fairlead.json in the user's configuration directory." };
        var project = new Option<bool>("--project") { Description = "Read the clients' files in the current folder as well (.mcp.json, .cursor/mcp.json, .vscode/mcp.json, .gemini/settings.json, .codex/config.toml)." };
        var conflict = new Option<string?>("--on-conflict") { HelpName = "WHAT", Description = "When another server has the name: keep that one, replace it, or rename the one that comes. Default: ask; keep where nobody can be asked." };
        conflict.AcceptOnlyFromAmong("keep", "replace", "rename");
        var yes = new Option<bool>("--yes", "-y") { Description = "Write without asking." };
        var dry = CommonOptions.DryRun();
        var undo = new Option<bool>("--undo") { Description = "Take the latest import back." };
        var json = CommonOptions.Json();
        var state = CommonOptions.State();
        var command = new Command("import", "Takes over the servers of Claude Desktop, Claude Code, Cursor, VS Code, Windsurf, Gemini CLI and Codex: shows a plan, asks, merges, keeps a backup.\nExample: fairlead import claude-desktop cursor --dry-run")
        {
            clients, from, into, project, conflict, yes, dry, undo, json, state,
        };
        command.SetAction(parsed =>
        {
            var at = Surroundings.OfProcess(parsed.GetValue(state));
            return parsed.GetValue(undo)
                ? new UndoRun(at, Terminal.Current, TimeProvider.System).Run(ImportRun.Kind, null, parsed.GetValue(dry))
                : new ImportRun(at, Terminal.Current, TimeProvider.System, InputPrompt.ForQuestions()).Run(new ImportRequest
                {
                    Clients = parsed.GetValue(clients) ?? [],
                    From = parsed.GetValue(from),
                    Into = parsed.GetValue(into),
                    WithProject = parsed.GetValue(project),
                    OnConflict = parsed.GetValue(conflict) switch { "keep" => ImportAction.Keep, "replace" => ImportAction.Replace, "rename" => ImportAction.Rename, _ => null },
                    IsAgreed = parsed.GetValue(yes),
                    IsDry = parsed.GetValue(dry),
                    IsJson = parsed.GetValue(json),
                });
        });
        return command;
    }
}
