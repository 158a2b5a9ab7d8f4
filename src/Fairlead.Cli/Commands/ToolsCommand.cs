using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead tools [SERVER]</c>.</summary>
internal static class ToolsCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = CommonOptions.Server<string?>("Only this server. Default: all.");
        server.Arity = ArgumentArity.ZeroOrOne;
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command("tools", "Lists the tools, with each server's own names, as fairlead call takes them.\nExample: fairlead tools git") { server, json, instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), async client =>
        {
            var (names, exitCode) = await NamesAsync(client, parsed.GetValue(server)).ConfigureAwait(false);
            var found = new Dictionary<string, List<JsonElement>>();
            foreach (var name in names)
            {
                (found[name], exitCode) = await ToolsOfAsync(client, name).ConfigureAwait(false);
                if (exitCode != ExitCodes.Ok)
                {
                    break;
                }
            }

            if (exitCode == ExitCodes.Ok)
            {
                Print(found, parsed.GetValue(json));
            }

            return exitCode;
        }));
        return command;
    }

    private static async Task<(string[] Names, int ExitCode)> NamesAsync(InstanceClient client, string? only)
    {
        if (only is not null)
        {
            return ([only], ExitCodes.Ok);
        }

        var (document, exitCode) = await client.GetAsync("/api/v1/servers").ConfigureAwait(false);
        return exitCode == ExitCodes.Ok ? ([.. document.GetProperty("servers").EnumerateArray().Select(static one => PsCommand.Text(one, "id"))], exitCode) : ([], exitCode);
    }

    private static async Task<(List<JsonElement> Tools, int ExitCode)> ToolsOfAsync(InstanceClient client, string name)
    {
        var tools = new List<JsonElement>();
        var path = $"/api/v1/servers/{Uri.EscapeDataString(name)}/tools";
        for (var page = path; ;)
        {
            var (document, exitCode) = await client.GetAsync(page).ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                return (tools, exitCode);
            }

            tools.AddRange(document.GetProperty("tools").EnumerateArray());
            if (PsCommand.Text(document, "nextCursor") is not { Length: > 0 } cursor)
            {
                return (tools, ExitCodes.Ok);
            }

            page = $"{path}?cursor={Uri.EscapeDataString(cursor)}";
        }
    }

    private static void Print(Dictionary<string, List<JsonElement>> found, bool asJson)
    {
        var terminal = Terminal.Current;
        if (asJson)
        {
            terminal.Line(JsonSerializer.Serialize(found));
            return;
        }

        var table = new TextTable("SERVER", "TOOL", "DESCRIPTION");
        foreach (var (server, tools) in found)
        {
            foreach (var tool in tools)
            {
                table.Add(server, PsCommand.Text(tool, "name"), FirstLine(PsCommand.Text(tool, "description")));
            }
        }

        foreach (var line in table.Lines(terminal.Width))
        {
            terminal.Line(line);
        }
    }

    private static string FirstLine(string text)
    {
        var start = text.AsSpan().TrimStart();
        var end = start.IndexOf('\n');
        return (end < 0 ? start : start[..end]).ToString();
    }
}
