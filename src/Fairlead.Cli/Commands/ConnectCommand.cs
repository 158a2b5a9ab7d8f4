using System.CommandLine;
using Fairlead.Cli.Clients;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead connect CLIENT</c>: writes Fairlead into a client (product A10).</summary>
internal static class ConnectCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var client = new Argument<string>("client") { Description = $"The client: {ClientProgram.Words()}." };
        client.CompletionSources.Add(static _ => ClientProgram.All.Select(static client => client.Word));
        var server = new Option<string?>("--server") { HelpName = "NAME", Description = "This server alone, with its own names. Default: all of them." };
        server.CompletionSources.Add(static _ => CommonOptions.ServerNames());
        var url = new Option<string?>("--url") { HelpName = "URL", Description = "The gateway's address. Default: that of the running instance, else what the configuration says." };
        var project = new Option<bool>("--project") { Description = "Write the client's file in the current folder instead of the user's." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Write without asking." };
        var dry = CommonOptions.DryRun();
        var undo = new Option<bool>("--undo") { Description = "Take the latest connect of this client back." };
        var state = CommonOptions.State();
        var command = new Command("connect", "Writes Fairlead as a server into the configuration of a client: shows a plan, asks, keeps a backup.\nExample: fairlead connect cursor")
        {
            client, server, url, project, yes, dry, undo, state,
        };
        command.SetAction(parsed =>
        {
            var at = Surroundings.OfProcess(parsed.GetValue(state));
            var word = parsed.GetValue(client)!;
            return parsed.GetValue(undo) && ClientProgram.Find(word) is { } known
                ? new UndoRun(at, Terminal.Current, TimeProvider.System).Run(ConnectRun.Kind, known.Word, parsed.GetValue(dry))
                : new ConnectRun(at, Terminal.Current, TimeProvider.System, ConnectRun.OwnProgram(), InputPrompt.ForQuestions()).Run(new ConnectRequest(word)
                {
                    Server = parsed.GetValue(server),
                    Url = parsed.GetValue(url),
                    State = parsed.GetValue(state),
                    IsProject = parsed.GetValue(project),
                    IsAgreed = parsed.GetValue(yes),
                    IsDry = parsed.GetValue(dry),
                });
        });
        return command;
    }
}
