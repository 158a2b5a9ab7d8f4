using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead logs SERVER</c>: what the server wrote to stderr.</summary>
internal static class LogsCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var lines = WholeNumber.Option("--lines", "N", "Only the last N lines. Default: all that is near, at most 64 KiB.", "fairlead logs search --lines 50", "-n");
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what it writes from now on, until Ctrl+C." };
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command("logs", "Shows the last lines that a server wrote to stderr, with secrets redacted.\nExample: fairlead logs git -f -n 20") { server, lines, follow, json, instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), async client =>
        {
            var name = parsed.GetValue(server)!;
            var query = parsed.GetValue(lines) is { } count ? $"?lines={count}" : "";
            var (document, exitCode) = await client.GetAsync($"/api/v1/servers/{Uri.EscapeDataString(name)}/logs{query}", asAdmin: true).ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                return exitCode;
            }

            if (parsed.GetValue(follow))
            {
                return await FollowAsync(client, document, parsed.GetValue(json)).ConfigureAwait(false);
            }

            var terminal = Terminal.Current;
            if (parsed.GetValue(json))
            {
                terminal.Line(document.GetRawText());
                return ExitCodes.Ok;
            }

            var text = string.Join('\n', document.GetProperty("lines").EnumerateArray().Select(static line => line.GetString()));
            if (text.Length == 0)
            {
                terminal.Error($"{name} has written nothing to stderr.");
            }
            else
            {
                terminal.Line(terminal.IsTerminal ? CellText.Clean(text) : text);
            }

            return ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>Shows what is there, then what comes.</summary>
    private static async Task<int> FollowAsync(InstanceClient client, JsonElement document, bool asJson)
    {
        foreach (var line in document.GetProperty("lines").EnumerateArray())
        {
            Terminal.Current.Line(Shown(line.GetString()!, asJson));
        }

        // By the name that the instance knows it by.
        var server = Uri.EscapeDataString(document.GetProperty("server").GetString()!);
        return await EventsCommand.RunAsync(client, $"/api/v1/events?types=log&servers={server}", asAdmin: true, null, (_, one) => Shown(one.TryGetProperty("line", out var line) ? line.GetString()! : "[lines are missing here]", asJson)).ConfigureAwait(false);
    }

    private static string Shown(string line, bool asJson) => asJson ? JsonSerializer.Serialize(line) : Terminal.Current.IsTerminal ? CellText.Clean(line) : line;
}
