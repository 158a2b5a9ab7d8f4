using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead health [SERVER]</c>: how the servers of the running instance are, or one of them with its last checks.</summary>
internal static class HealthCommand
{
    private const int StateColumn = 1;

    // What fits a screen; --json has all.
    private const int ChecksShown = 20;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = CommonOptions.Server<string?>("Only this server, with its last checks.");
        server.Arity = ArgumentArity.ZeroOrOne;
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command("health", "Shows how the servers are: state, reason, last check, availability. Ends with 9 when one is not healthy.\nExample: fairlead health git") { server, json, instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), async client =>
        {
            var name = parsed.GetValue(server);
            var path = name is null ? "/api/v1/health" : $"/api/v1/servers/{Uri.EscapeDataString(name)}/health?depth=history";
            var (document, exitCode) = await client.GetAsync(path, takesUnavailable: name is not null).ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                return exitCode;
            }

            JsonElement[] servers = name is null ? [.. document.GetProperty("servers").EnumerateArray()] : [document];
            if (parsed.GetValue(json))
            {
                Terminal.Current.Line(document.GetRawText());
            }
            else
            {
                Show(servers);
                if (name is not null)
                {
                    ShowChecks(document.GetProperty("checks"));
                }
            }

            return servers.All(static one => one.GetProperty("isHealthy").GetBoolean() || IsOutOfService(one)) ? ExitCodes.Ok : ExitCodes.Unhealthy;
        }));
        return command;
    }

    /// <summary>Whether somebody has taken it out of service on purpose.</summary>
    private static bool IsOutOfService(JsonElement server) => PsCommand.Text(server, "state") is "Disabled" or "Stopped" or "Maintenance";

    private static void Show(JsonElement[] servers)
    {
        var terminal = Terminal.Current;
        var table = new TextTable("SERVER", "STATE", "AVAILABLE", "LAST CHECK", "REASON");
        foreach (var server in servers)
        {
            table.Add(PsCommand.Text(server, "id"), PsCommand.Text(server, "state"), Availability(server), LastCheck(server), PsCommand.Text(server, "reason"));
        }

        foreach (var line in table.Lines(terminal.Width, (row, column, text) => column == StateColumn ? terminal.Paint(States.ColourOf(row[column]), text) : text))
        {
            terminal.Line(line);
        }
    }

    private static void ShowChecks(JsonElement checks)
    {
        var terminal = Terminal.Current;
        var table = new TextTable("CHECKED", "KIND", "TOOK", "RESULT", "REASON");
        foreach (var check in checks.EnumerateArray().Reverse().Take(ChecksShown))
        {
            table.Add(
                check.GetProperty("at").GetDateTimeOffset().ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture), PsCommand.Text(check, "kind"),
                check.GetProperty("durationMs").GetDouble().ToString("0.0 'ms'", CultureInfo.InvariantCulture), Result(check), PsCommand.Text(check, "reason"));
        }

        terminal.Line("");
        foreach (var line in table.Lines(terminal.Width))
        {
            terminal.Line(line);
        }
    }

    private static string Availability(JsonElement server) =>
        server.TryGetProperty("availability", out var share) ? share.GetDouble().ToString("0.# %", CultureInfo.InvariantCulture) : "";

    private static string LastCheck(JsonElement server)
    {
        if (!server.TryGetProperty("lastCheck", out var check))
        {
            return "";
        }

        var ago = Math.Max(0, (TimeProvider.System.GetUtcNow() - check.GetProperty("at").GetDateTimeOffset()).TotalSeconds);
        return $"{Result(check)} {ago.ToString("0", CultureInfo.InvariantCulture)} s ago";
    }

    private static string Result(JsonElement check) => check.GetProperty("isHealthy").GetBoolean() ? "ok" : "failed";
}
