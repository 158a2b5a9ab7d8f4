using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead events</c>: what happens in the running instance, as it happens.</summary>
internal static class EventsCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var types = new Option<string[]>("--types")
        {
            HelpName = "TYPE,...",
            Description = $"Only these: {string.Join(", ", FleetEventType.All)}; server means all that begin with it. Default: all but health, call and log.",
        };
        types.CompletionSources.Add([.. FleetEventType.All]);
        var servers = new Option<string[]>("--servers") { HelpName = "SERVER,...", Description = "Only those of these servers. Default: all." };
        servers.CompletionSources.Add(static _ => CommonOptions.ServerNames());
        var after = new Option<string?>("--after") { HelpName = "ID", Description = "First what has happened since the event of this id (--json shows ids), as far as it is kept." };
        var count = WholeNumber.Option("--count", "N", "End after that many. Default: at Ctrl+C.", "fairlead events --count 10", "-n");
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command("events", "Shows what happens in the running instance, as it happens, until Ctrl+C.\nExample: fairlead events --types server.state,call --servers git")
        {
            types, servers, after, count, json, instance,
        };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), client =>
        {
            var query = Query(("types", parsed.GetValue(types)), ("servers", parsed.GetValue(servers)), ("after", parsed.GetValue(after) is { } id ? [id] : null));
            var asAdmin = parsed.GetValue(types)?.Any(static text => text.Split(',').Any(static word => word.Trim() == FleetEventType.Log)) == true;
            return RunAsync(client, "/api/v1/events" + query, asAdmin, parsed.GetValue(count), parsed.GetValue(json) ? JsonLine : TextLine);
        }));
        return command;
    }

    /// <summary>Follows an event stream and prints a line for each event, until so many are printed, Ctrl+C, or the end of the instance.</summary>
    /// <param name="client">The instance.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="asAdmin">Whether the admin token is sent.</param>
    /// <param name="count">After how many it ends; null = never.</param>
    /// <param name="line">The line of an event, by its id and object.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(InstanceClient client, string path, bool asAdmin, int? count, Func<string, JsonElement, string> line)
    {
        using var signals = new StopSignals(TimeProvider.System, static () => Environment.Exit(ExitCodes.Interrupted));
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(signals.Stop);
        var printed = 0;
        var exitCode = await client.FollowAsync(
            path, asAdmin, (id, one) =>
            {
                if (enough.IsCancellationRequested)
                {
                    return;
                }

                Terminal.Current.Line(line(id, one));
                if (++printed == count)
                {
                    enough.Cancel();
                }
            },
            enough.Token).ConfigureAwait(false);
        if (exitCode == ExitCodes.Ok && !enough.IsCancellationRequested)
        {
            Terminal.Current.Error("fairlead: the instance has ended the stream: it stops.");
        }

        return exitCode;
    }

    // One object a line, with the id to come back with.
    private static string JsonLine(string id, JsonElement one)
    {
        var members = one.EnumerateObject().Select(static member => JsonSerializer.Serialize(member.Name) + ":" + member.Value.GetRawText());
        return $"{{\"id\":{JsonSerializer.Serialize(id)},{string.Join(',', members)}}}";
    }

    private static string TextLine(string id, JsonElement one)
    {
        var terminal = Terminal.Current;
        var time = one.GetProperty("at").GetDateTimeOffset().ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        var type = Text(one, "type")!;
        var state = Text(one, "state");
        var what = type switch
        {
            FleetEventType.ServerState => $"{terminal.Paint(States.ColourOf(state!), state!)}{(Text(one, "before") is { } before && before != state ? $" (was {before})" : "")}{Reason(one)}",
            FleetEventType.ServerAdded => $"joined, {state}{Reason(one)}",
            FleetEventType.ServerRemoved => "left",
            FleetEventType.ServerChanged => "its configuration changed",
            FleetEventType.ServerInstances => $"{one.GetProperty("replicas")} of {one.GetProperty("replicasWanted")} instances",
            FleetEventType.ServerLists => $"{one.GetProperty("tools")} tools, {one.GetProperty("resources")} resources, {one.GetProperty("prompts")} prompts",
            FleetEventType.Rollout => Rollout(one.GetProperty("rollout")),
            FleetEventType.Fault => Fault(one.GetProperty("fault")),
            FleetEventType.Health => Check(one.GetProperty("check")),
            FleetEventType.Call => string.Create(CultureInfo.InvariantCulture, $"{Text(one, "method")} {Text(one, "tool")} {one.GetProperty("durationMs").GetDouble():0.0} ms {Text(one, "error") ?? "ok"}"),
            FleetEventType.Log => Text(one, "line")!,
            FleetEventType.Gap => $"{(one.TryGetProperty("lost", out var lost) ? lost : "some")} events are missing{Reason(one)}",
            _ => Text(one, "reason") ?? "",
        };
        return $"{time} {type,-16} {Text(one, "server") ?? "-"}  {what}";
    }

    private static string Rollout(JsonElement rollout) =>
        $"rollout {rollout.GetProperty("number")} ({Text(rollout, "strategy")}) is {Text(rollout, "phase")}{Reason(rollout)}";

    private static string Fault(JsonElement fault) => $"fault {Text(fault, "id")} ({Text(fault, "kind")}) {(Text(fault, "endReason") is { } end ? "has ended: " + end : "by " + Text(fault, "by"))}";

    private static string Check(JsonElement check) => $"check {Text(check, "kind")} {(check.GetProperty("isHealthy").GetBoolean() ? "passed" : "failed")}{Reason(check)}";

    private static string Reason(JsonElement one) => Text(one, "reason") is { } reason ? ": " + reason : "";

    /// <summary>A member as text, null when it is not there. What others have written must not steer the terminal.</summary>
    public static string? Text(JsonElement holder, string name) =>
        !holder.TryGetProperty(name, out var value) ? null : Terminal.Current.IsTerminal ? CellText.OneLine(value.ToString()) : value.ToString();

    private static string Query(params (string Name, string[]? Values)[] parts)
    {
        var pairs = parts.Where(static part => part.Values is { Length: > 0 }).Select(static part => $"{part.Name}={Uri.EscapeDataString(string.Join(',', part.Values!))}").ToArray();
        return pairs.Length == 0 ? "" : "?" + string.Join('&', pairs);
    }
}
