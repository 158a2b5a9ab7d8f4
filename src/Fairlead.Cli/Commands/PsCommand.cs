using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead ps</c>: the servers of the running instance with state and reason.</summary>
internal static class PsCommand
{
    private const int StateColumn = 1;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var watch = new Option<bool>("--watch", "-w") { Description = "Show them live until Ctrl+C, also over restarts of the instance. Not on a terminal: a line for each change; with --json an object." };
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command("ps", "Lists the servers with their state and the reason for it.\nExample: fairlead ps --watch") { watch, json, instance };
        command.Aliases.Add("status");
        command.SetAction((parsed, _) => parsed.GetValue(watch)
            ? FleetWatch.RunAsync(instance.Of(parsed), Terminal.Current, parsed.GetValue(json), TimeProvider.System)
            : InstanceClient.RunAsync(instance.Of(parsed), client => ListAsync(client, parsed.GetValue(json))));
        return command;
    }

    /// <summary>The table of servers.</summary>
    /// <param name="servers">As the API lists them.</param>
    /// <param name="terminal">For its width and colours.</param>
    /// <param name="now">What the time to the next try is reckoned from.</param>
    public static IEnumerable<string> Table(IEnumerable<JsonElement> servers, Terminal terminal, DateTimeOffset now)
    {
        var table = new TextTable("SERVER", "STATE", "TOOLS", "PROTOCOL", "PID", "REASON");
        foreach (var server in servers)
        {
            table.Add(Text(server, "id"), Text(server, "state"), Text(server, "tools"), Text(server, "protocolVersion"), Text(server, "processId"), Remarks(server, now));
        }

        return table.Lines(terminal.Width, (row, column, text) => column == StateColumn ? terminal.Paint(States.ColourOf(row[column]), text) : text);
    }

    /// <summary>Why a server is in its state, when it is tried again, and what was done to it; empty = nothing to say.</summary>
    /// <param name="server">As the API shows it.</param>
    /// <param name="now">What the time to the next try is reckoned from; null = the next try is left out.</param>
    public static string Remarks(JsonElement server, DateTimeOffset? now) => (Reason(server) + (now is { } from ? NextTry(server, from) : "") + Marks(server)).TrimStart();

    /// <summary>A member as text; empty when absent.</summary>
    public static string Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.ToString() : "";

    /// <summary>What was done to a server by hand, apart from what its state says; empty = nothing.</summary>
    public static string ByHand(JsonElement server)
    {
        if (!server.TryGetProperty("byHand", out var overlay))
        {
            return "";
        }

        var parts = new List<string>();
        if (overlay.TryGetProperty("disabled", out var disabled))
        {
            parts.Add(disabled.GetBoolean() ? "disabled" : "enabled");
        }

        if (overlay.TryGetProperty("maintenance", out _))
        {
            parts.Add("in maintenance");
        }

        if (overlay.TryGetProperty("replicas", out var replicas))
        {
            parts.Add($"replicas {replicas}");
        }

        if (overlay.TryGetProperty("disabledTools", out var tools) && tools.GetArrayLength() != 0)
        {
            parts.Add($"disabled {string.Join(", ", tools.EnumerateArray())}");
        }

        return string.Join("; ", parts);
    }

    /// <summary>The faults that were injected into a server on purpose; empty = none.</summary>
    public static string Faults(JsonElement server) => server.TryGetProperty("faults", out var faults) && faults.GetArrayLength() != 0
        ? string.Join(", ", faults.EnumerateArray().Select(static fault => $"{Text(fault, "kind")} ({Text(fault, "id")})"))
        : "";

    private static string Marks(JsonElement server)
    {
        string[] marks = [Faults(server) is { Length: > 0 } faults ? $"injected fault: {faults}" : "", ByHand(server) is { Length: > 0 } byHand ? $"by hand: {byHand}" : "", Text(server, "owner") == "api" ? "deployed over the API" : ""];
        var shown = string.Join("; ", marks.Where(static mark => mark.Length != 0));
        return shown.Length == 0 ? "" : $" ({shown})";
    }

    private static string Reason(JsonElement server)
    {
        var (reason, port) = (Text(server, "reason"), Text(server, "portProblem"));
        return reason.Length == 0 || port.Length == 0 ? reason + port : $"{reason}; {port}";
    }

    private static string NextTry(JsonElement server, DateTimeOffset now)
    {
        if (!server.TryGetProperty("nextRetry", out var at) || !at.TryGetDateTimeOffset(out var retry))
        {
            return "";
        }

        var wait = Math.Max(0, (retry - now).TotalSeconds);
        return $"; next try in {wait.ToString("0", CultureInfo.InvariantCulture)} s";
    }

    private static async Task<int> ListAsync(InstanceClient client, bool asJson)
    {
        var (document, exitCode) = await client.GetAsync("/api/v1/servers").ConfigureAwait(false);
        if (exitCode != ExitCodes.Ok)
        {
            return exitCode;
        }

        foreach (var line in asJson ? [document.GetRawText()] : Table(document.GetProperty("servers").EnumerateArray(), Terminal.Current, TimeProvider.System.GetUtcNow()))
        {
            Terminal.Current.Line(line);
        }

        return ExitCodes.Ok;
    }
}
