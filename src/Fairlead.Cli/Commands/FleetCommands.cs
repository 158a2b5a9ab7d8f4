using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary>The commands that do something to one server of the running instance by hand: <c>restart</c>, <c>stop</c>, <c>start</c>, <c>scale</c>, <c>maintenance</c>, <c>enable</c>, <c>disable</c>.</summary>
internal static class FleetCommands
{
    /// <summary>All of them.</summary>
    public static IEnumerable<Command> Create()
    {
        yield return OfServer("restart", "Stops a server and starts it again with a full restart budget.", "fairlead restart git");
        yield return OfServer("stop", "Stops a server until it is started by hand, or Fairlead is started again.", "fairlead stop git");
        yield return OfServer("start", "Starts a server that was stopped or given up.", "fairlead start git");
        yield return Scale();
        yield return Maintenance();
        yield return OfTool("enable", "Switches a server, or one tool of it, on again.", "fairlead enable git\nExample: fairlead enable git git_push");
        yield return OfTool("disable", "Switches a server, or one tool of it, off: clients do not see it any more. It stays so after a restart.", "fairlead disable git\nExample: fairlead disable git git_push");
    }

    /// <summary>A path of the API below a server.</summary>
    public static string PathOf(string server, params string[] below) => string.Join('/', below.Prepend(server).Select(Uri.EscapeDataString).Prepend("/api/v1/servers"));

    /// <summary>Tells how a server is after a change.</summary>
    public static void Tell(JsonElement server, bool asJson)
    {
        var terminal = Terminal.Current;
        if (asJson)
        {
            terminal.Line(server.GetRawText());
            return;
        }

        var (id, state, reason) = (PsCommand.Text(server, "id"), PsCommand.Text(server, "state"), PsCommand.Text(server, "reason"));
        terminal.Line($"{CellText.OneLine(id)} is {terminal.Paint(States.ColourOf(state), state)}{(reason.Length == 0 ? "" : $": {CellText.OneLine(reason)}")}");
        if (PsCommand.ByHand(server) is { Length: > 0 } byHand)
        {
            terminal.Line($"By hand: {CellText.OneLine(byHand)}");
        }

        if (PsCommand.Faults(server) is { Length: > 0 } faults)
        {
            terminal.Line($"Injected fault: {CellText.OneLine(faults)}");
        }

        if (server.TryGetProperty("warnings", out var warnings))
        {
            foreach (var warning in warnings.EnumerateArray())
            {
                terminal.Error("warning: " + CellText.Clean(warning.ToString()));
            }
        }
    }

    private static Command OfServer(string verb, string description, string example)
    {
        var server = CommonOptions.Server<string>("The server's name.");
        return Make(verb, description, example, [server], parsed => (PathOf(parsed.GetValue(server)!, verb), "{}"));
    }

    private static Command OfTool(string verb, string description, string example)
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var tool = new Argument<string?>("tool") { Arity = ArgumentArity.ZeroOrOne, Description = "Only this tool of it, by its own name, as fairlead tools shows it." };
        return Make(verb, description, example, [server, tool], parsed => (
            parsed.GetValue(tool) is { } name ? PathOf(parsed.GetValue(server)!, "tools", name, verb) : PathOf(parsed.GetValue(server)!, verb), "{}"));
    }

    private static Command Scale()
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var replicas = WholeNumber.Argument("replicas", "How many instances run.", "fairlead scale search 3");
        return Make("scale", "Sets the number of a server's instances. It stays so after a restart.", "fairlead scale search 3", [server, replicas], parsed => (
            PathOf(parsed.GetValue(server)!, "scale"), new JsonObject { ["replicas"] = parsed.GetValue(replicas) }.ToJsonString()));
    }

    private static Command Maintenance()
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var state = new Argument<string>("on|off") { Description = "on takes it out of service, off brings it back." };
        state.AcceptOnlyFromAmong("on", "off");
        var reason = new Option<string?>("--reason") { HelpName = "TEXT", Description = "What callers are told." };
        return Make(
            "maintenance", "Takes a server out of service, or back into it. Its tools stay in the lists; calls are refused with the reason. It stays so after a restart.",
            "fairlead maintenance git on --reason \"disk is replaced until noon\"", [server, state, reason], parsed =>
            {
                var body = new JsonObject { ["on"] = parsed.GetValue(state) == "on" };
                if (parsed.GetValue(reason) is { } text)
                {
                    body["reason"] = text;
                }

                return (PathOf(parsed.GetValue(server)!, "maintenance"), body.ToJsonString());
            });
    }

    private static Command Make(string verb, string description, string example, Symbol[] own, Func<ParseResult, (string Path, string Body)> request)
    {
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command(verb, $"{description}\nExample: {example}") { json, instance };
        foreach (var symbol in own)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)symbol);
            }
        }

        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), async client =>
        {
            var (path, body) = request(parsed);
            var (server, exitCode) = await client.PostAsync(path, body, asAdmin: true).ConfigureAwait(false);
            if (exitCode == ExitCodes.Ok)
            {
                Tell(server, parsed.GetValue(json));
            }

            return exitCode;
        }));
        return command;
    }
}
