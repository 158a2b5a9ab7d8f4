using System.CommandLine;
using Fairlead.Cli.Running;
using Spectre.Console;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead tools [SERVER]</c>.</summary>
internal static class ToolsCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = new Argument<string?>("server") { Arity = ArgumentArity.ZeroOrOne, Description = "Only this server. Default: all." };
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var state = CommonOptions.State();
        var command = new Command("tools", "Lists the tools, with each server's own names.") { server, json, url, state };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(parsed.GetValue(url), parsed.GetValue(state), async client =>
        {
            var only = parsed.GetValue(server);
            var names = new List<string>();
            if (only is not null)
            {
                names.Add(only);
            }
            else
            {
                var (list, failed) = await client.GetAsync("/api/v1/servers").ConfigureAwait(false);
                if (failed != ExitCodes.Ok)
                {
                    return failed;
                }

                names.AddRange(list.GetProperty("servers").EnumerateArray().Select(one => one.GetProperty("id").GetString()!));
            }

            var table = new Table().Border(TableBorder.None).AddColumns("SERVER", "TOOL", "DESCRIPTION");
            var documents = new List<string>();
            foreach (var name in names)
            {
                var (document, exitCode) = await client.GetAsync($"/api/v1/servers/{Uri.EscapeDataString(name)}/tools").ConfigureAwait(false);
                if (exitCode != ExitCodes.Ok)
                {
                    return exitCode;
                }

                documents.Add($"{System.Text.Json.JsonSerializer.Serialize(name)}:{document.GetProperty("tools").GetRawText()}");
                foreach (var tool in document.GetProperty("tools").EnumerateArray())
                {
                    table.AddRow(Markup.Escape(name), PsCommand.Text(tool, "name"), FirstLine(PsCommand.Text(tool, "description")));
                }
            }

            if (parsed.GetValue(json))
            {
                Console.WriteLine("{" + string.Join(',', documents) + "}");
            }
            else
            {
                AnsiConsole.Write(table);
            }

            return ExitCodes.Ok;
        }));
        return command;
    }

    private static string FirstLine(string text)
    {
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        return end < 0 ? text : text[..end];
    }
}
