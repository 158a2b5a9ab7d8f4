using System.CommandLine;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead logs SERVER</c>: what the server wrote to stderr.</summary>
internal static class LogsCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = new Argument<string>("server") { Description = "The server's name." };
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var state = CommonOptions.State();
        var command = new Command("logs", "Shows the last lines that a server wrote to stderr, with secrets redacted.") { server, json, url, state };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(parsed.GetValue(url), parsed.GetValue(state), async client =>
        {
            var name = parsed.GetValue(server)!;
            var (document, exitCode) = await client.GetAsync($"/api/v1/servers/{Uri.EscapeDataString(name)}/logs").ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                return exitCode;
            }

            if (parsed.GetValue(json))
            {
                Console.WriteLine(document.GetRawText());
                return ExitCodes.Ok;
            }

            var lines = document.GetProperty("lines").EnumerateArray().Select(line => line.GetString()).ToArray();
            Console.WriteLine(lines.Length == 0 ? $"{name} has written nothing to stderr." : string.Join('\n', lines));
            return ExitCodes.Ok;
        }));
        return command;
    }
}
