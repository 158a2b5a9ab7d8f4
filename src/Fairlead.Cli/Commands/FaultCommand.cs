using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead fault inject|list|clear</c>: faults on purpose in the running instance.</summary>
internal static class FaultCommand
{
    /// <summary>The command.</summary>
    public static Command Create() => new("fault", "Injects faults into servers on purpose, for drills. Off unless faultInjection.enabled is set in the configuration.")
    {
        Inject(),
        List(),
        Clear(),
    };

    private static Command Inject()
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var kind = new Option<string>("--kind") { Required = true, Description = "What is done to it." };
        kind.AcceptOnlyFromAmong([.. OptionWords.Words(typeof(FaultKind))]);
        var latency = CommonOptions.Duration("--latency", "latency: how long calls are held back, such as 500ms.");
        var jitter = CommonOptions.Duration("--jitter", "latency: up to how much longer, at random.");
        var lasts = CommonOptions.Duration("--for", "How long it lasts, such as 30s. Default: 30s. Not for disconnect and crash, which happen once.");
        var percent = new Option<double?>("--percent") { HelpName = "N", Description = "latency, error, partition: the share of the calls that it hits. Default: all." };
        var tool = new Option<string?>("--tool") { HelpName = "TOOL", Description = "latency, error, partition: only calls of this tool, by its own name, as fairlead tools shows it." };
        var command = Make(
            "inject", "Injects a fault into a server. It ends by itself.\nExample: fairlead fault inject search --kind latency --latency 500ms --percent 20 --for 30s",
            async (client, parsed) =>
            {
                var body = new JsonObject { ["kind"] = parsed.GetValue(kind), ["by"] = $"fairlead fault inject, {Environment.UserName}" };
                Add(body, "tool", parsed.GetValue(tool) is { } name ? JsonValue.Create(name) : null);
                Add(body, "percent", parsed.GetValue(percent) is { } share ? JsonValue.Create(share) : null);
                Add(body, "latencyMs", Milliseconds(parsed.GetValue(latency)));
                Add(body, "jitterMs", Milliseconds(parsed.GetValue(jitter)));
                Add(body, "durationMs", Milliseconds(parsed.GetValue(lasts)));
                return await client.PostAsync(FleetCommands.PathOf(parsed.GetValue(server)!, "faults"), body.ToJsonString(), asAdmin: true).ConfigureAwait(false);
            },
            static (terminal, fault) => Tell(terminal, fault));
        command.Arguments.Add(server);
        foreach (var option in (Option[])[kind, latency, jitter, percent, tool, lasts])
        {
            command.Options.Add(option);
        }

        return command;
    }

    private static Command List() => Make(
        "list", "Lists the faults that are active, and the last that have ended.\nExample: fairlead fault list",
        static (client, _) => client.GetAsync("/api/v1/faults"),
        static (terminal, faults) =>
        {
            if (!faults.GetProperty("enabled").GetBoolean())
            {
                terminal.Line("Fault injection is off (faultInjection.enabled).");
            }

            var table = new TextTable("FAULT", "SERVER", "KIND", "CALLS HIT", "STARTED", "STATE", "BY");
            foreach (var fault in faults.GetProperty("active").EnumerateArray().Concat(faults.GetProperty("ended").EnumerateArray()))
            {
                table.Add(
                    PsCommand.Text(fault, "id"), PsCommand.Text(fault, "server"), What(fault), PsCommand.Text(fault, "callsAffected"),
                    At(fault, "startedAt"), State(fault), PsCommand.Text(fault, "by"));
            }

            foreach (var line in table.Lines(terminal.Width))
            {
                terminal.Line(line);
            }
        });

    private static Command Clear()
    {
        var id = new Argument<string?>("fault") { Arity = ArgumentArity.ZeroOrOne, Description = "Its id, as list shows it. Without it: all." };
        var command = Make(
            "clear", "Ends a fault, or all of them, before their time.\nExample: fairlead fault clear",
            (client, parsed) => client.DeleteAsync(parsed.GetValue(id) is { } one ? "/api/v1/faults/" + Uri.EscapeDataString(one) : "/api/v1/faults", asAdmin: true),
            static (terminal, answer) =>
            {
                var ended = answer.TryGetProperty("ended", out var all) ? all.EnumerateArray().ToList() : [answer];
                if (ended.Count == 0)
                {
                    terminal.Line("No fault was active.");
                }

                ended.ForEach(fault => Tell(terminal, fault));
            });
        command.Arguments.Add(id);
        return command;
    }

    private static Command Make(
        string verb, string description, Func<InstanceClient, ParseResult, Task<(JsonElement Document, int ExitCode)>> ask, Action<Terminal, JsonElement> tell)
    {
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command(verb, description) { json, instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), async client =>
        {
            var (document, exitCode) = await ask(client, parsed).ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                return exitCode;
            }

            if (parsed.GetValue(json))
            {
                Terminal.Current.Line(document.GetRawText());
            }
            else
            {
                tell(Terminal.Current, document);
            }

            return ExitCodes.Ok;
        }));
        return command;
    }

    private static JsonValue? Milliseconds(TimeSpan? time) => time is { } known ? JsonValue.Create(known.TotalMilliseconds) : null;

    private static void Add(JsonObject body, string name, JsonValue? value)
    {
        if (value is not null)
        {
            body[name] = value;
        }
    }

    private static void Tell(Terminal terminal, JsonElement fault) =>
        terminal.Line(CellText.OneLine($"{PsCommand.Text(fault, "id")}: {What(fault)} at {PsCommand.Text(fault, "server")}, {State(fault)}; calls hit: {PsCommand.Text(fault, "callsAffected")}"));

    /// <summary>Kind and parameters, such as <c>latency 500 ms + 100 ms, 20 % of search</c>.</summary>
    private static string What(JsonElement fault)
    {
        var (kind, latency, jitter, tool) = (PsCommand.Text(fault, "kind"), PsCommand.Text(fault, "latencyMs"), PsCommand.Text(fault, "jitterMs"), PsCommand.Text(fault, "tool"));
        var percent = fault.GetProperty("percent").GetDouble();
        var share = (percent < 100, tool.Length != 0) switch
        {
            (true, true) => string.Create(CultureInfo.InvariantCulture, $", {percent:0.###} % of {tool}"),
            (true, false) => string.Create(CultureInfo.InvariantCulture, $", {percent:0.###} % of the calls"),
            (false, true) => $", only {tool}",
            _ => "",
        };
        return $"{kind}{(latency.Length == 0 ? "" : $" {latency} ms")}{(jitter.Length == 0 ? "" : $" + {jitter} ms")}{share}";
    }

    private static string State(JsonElement fault)
    {
        if (PsCommand.Text(fault, "endReason") is { Length: > 0 } reason)
        {
            return $"ended: {reason}";
        }

        var left = Math.Max(0, (fault.GetProperty("endsAt").GetDateTimeOffset() - TimeProvider.System.GetUtcNow()).TotalSeconds);
        return $"active for {left.ToString("0", CultureInfo.InvariantCulture)} s more";
    }

    private static string At(JsonElement fault, string name) => fault.GetProperty(name).GetDateTimeOffset().ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
}
