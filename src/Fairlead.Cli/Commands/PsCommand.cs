using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead ps [SERVER]</c>: the servers of the running instance with state and reason; of one, its instances.</summary>
internal static class PsCommand
{
    private const int StateColumn = 1;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = CommonOptions.Server<string?>("Only this server, with its instances. Default: all servers.");
        server.Arity = ArgumentArity.ZeroOrOne;
        var watch = new Option<bool>("--watch", "-w") { Description = "Show them live until Ctrl+C, also over restarts of the instance. Not on a terminal: a line for each change; with --json an object." };
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command("ps", "Lists the servers with their state and the reason for it; of one server, its instances, too.\nExample: fairlead ps --watch") { server, watch, json, instance };
        command.Aliases.Add("status");
        command.Validators.Add(result =>
        {
            if (result.GetValue(watch) && result.GetValue(server) is not null)
            {
                result.AddError("--watch shows all servers: leave the name out, or leave --watch out.");
            }
        });
        command.SetAction((parsed, _) => parsed.GetValue(server) is { } name
            ? InstanceClient.RunAsync(instance.Of(parsed), client => ShowAsync(client, name, parsed.GetValue(json)))
            : parsed.GetValue(watch)
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

    /// <summary>The table of a server's instances.</summary>
    /// <param name="instances">As the API lists them.</param>
    /// <param name="terminal">For its width and colours.</param>
    /// <param name="now">What times are reckoned from.</param>
    public static IEnumerable<string> InstanceTable(IEnumerable<JsonElement> instances, Terminal terminal, DateTimeOffset now)
    {
        var table = new TextTable("INSTANCE", "STATE", "ROLE", "PID", "MEMORY", "UP", "RESTARTS", "CALLS", "CIRCUIT", "REASON");
        foreach (var one in instances)
        {
            var memory = one.TryGetProperty("memoryBytes", out var bytes) ? string.Create(CultureInfo.InvariantCulture, $"{bytes.GetInt64() / 1048576.0:0.0} MiB") : "";
            var up = one.TryGetProperty("startedAt", out var at) && at.TryGetDateTimeOffset(out var started) ? Span(now - started) : "";
            table.Add(
                Text(one, "id") is { Length: > 0 } id ? id : "-", Text(one, "state"), Text(one, "role"), Text(one, "processId"), memory, up, Text(one, "restarts"), Text(one, "callsInFlight"), Text(one, "circuit"),
                Text(one, "reason") + NextTry(one, now));
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

    /// <summary>How long something has been, in the unit that says most.</summary>
    private static string Span(TimeSpan time)
    {
        var (number, unit) = time.TotalSeconds < 60 ? (time.TotalSeconds, "s") : time.TotalMinutes < 60 ? (time.TotalMinutes, "min") : time.TotalHours < 48 ? (time.TotalHours, "h") : (time.TotalDays, "days");
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, Math.Floor(number)):0} {unit}");
    }

    private static async Task<int> ShowAsync(InstanceClient client, string name, bool asJson)
    {
        var path = $"/api/v1/servers/{Uri.EscapeDataString(name)}";
        var (server, exitCode) = await client.GetAsync(path).ConfigureAwait(false);
        if (exitCode != ExitCodes.Ok)
        {
            return exitCode;
        }

        (var document, exitCode) = await client.GetAsync(path + "/instances").ConfigureAwait(false);
        if (exitCode != ExitCodes.Ok)
        {
            return exitCode;
        }

        if (asJson)
        {
            var whole = JsonObject.Create(server)!;
            whole.Add("instances", JsonNode.Parse(document.GetProperty("instances").GetRawText()));
            Terminal.Current.Line(whole.ToJsonString(ApiJson.Options));
            return ExitCodes.Ok;
        }

        var now = TimeProvider.System.GetUtcNow();
        JsonElement[] instances = [.. document.GetProperty("instances").EnumerateArray()];
        string[] below = instances.Length == 0 ? ["No instance of it runs."] : [.. InstanceTable(instances, Terminal.Current, now)];
        foreach (var line in (string[])[.. Table([server], Terminal.Current, now), "", .. below])
        {
            Terminal.Current.Line(line);
        }

        return ExitCodes.Ok;
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
