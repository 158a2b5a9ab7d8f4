using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Running;
using Spectre.Console;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead ps</c>: the servers of the running instance with state and reason.</summary>
internal static class PsCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var state = CommonOptions.State();
        var command = new Command("ps", "Lists the servers with their state and the reason for it.") { json, url, state };
        command.Aliases.Add("status");
        command.SetAction((parsed, _) => InstanceClient.RunAsync(parsed.GetValue(url), parsed.GetValue(state), async client =>
        {
            var (document, exitCode) = await client.GetAsync("/api/v1/servers").ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                return exitCode;
            }

            if (parsed.GetValue(json))
            {
                Console.WriteLine(document.GetRawText());
                return ExitCodes.Ok;
            }

            var table = new Table().Border(TableBorder.None).AddColumns("SERVER", "STATE", "TOOLS", "VERSION", "PID", "REASON");
            foreach (var server in document.GetProperty("servers").EnumerateArray())
            {
                table.AddRow(
                    Text(server, "id"), Colour(Text(server, "state")), Text(server, "tools"), Text(server, "protocolVersion"), Text(server, "processId"), Text(server, "reason"));
            }

            AnsiConsole.Write(table);
            return ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>A member as text for a table; empty when absent.</summary>
    public static string Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? Markup.Escape(value.ToString()) : "";

    /// <summary>A state in its colour.</summary>
    public static string Colour(string state) => state.ToUpperInvariant() switch
    {
        "HEALTHY" => $"[green]{state}[/]",
        "INITIALIZING" or "DEGRADED" or "IDLE" => $"[yellow]{state}[/]",
        "STOPPED" or "DISABLED" or "MAINTENANCE" => $"[grey]{state}[/]",
        _ => $"[red]{state}[/]",
    };
}
