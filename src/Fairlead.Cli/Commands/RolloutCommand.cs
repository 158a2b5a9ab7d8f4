using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead rollout start|status|promote|abort</c>: replaces the instances of a server by fresh or changed ones, under watch.</summary>
internal static class RolloutCommand
{
    private const int PhaseColumn = 3;
    private const string TimeFormat = "HH:mm:ss";

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    /// <summary>The command.</summary>
    public static Command Create() => new("rollout", "Replaces the instances of a server by fresh or changed ones, watches them, and undoes the change when they do badly.")
    {
        Start(), Status(), Promote(), Abort(),
    };

    private static Command Start()
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne, Description = "A file with the changed entry of a server that was added with fairlead deploy. Left out: fresh instances of the same configuration." };
        var strategy = new Option<string?>("--strategy") { HelpName = "WORD", Description = $"{string.Join(", ", OptionWords.Words(typeof(RolloutStrategy)))}. Default: that of the configuration." };
        strategy.AcceptOnlyFromAmong([.. OptionWords.Words(typeof(RolloutStrategy))]);
        var percent = new Option<string?>("--percent") { HelpName = "N", Description = "Share of the calls that a canary gets, 1 to 99." };
        var observe = new Option<string?>("--observe") { HelpName = "TIME", Description = "How long it is watched, such as 60s or 5m." };
        var (json, instance) = (CommonOptions.Json(), new InstanceOptions());
        var command = new Command("start", "Begins a rollout.\nExample: fairlead rollout start search --strategy canary --percent 10 --observe 5m") { server, file, strategy, percent, observe, json, instance };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var body = new JsonObject();
            if (parsed.GetValue(strategy) is { } word)
            {
                body["strategy"] = word;
            }

            if (parsed.GetValue(percent) is { } share)
            {
                if (!int.TryParse(share.TrimEnd('%', ' '), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                {
                    return InstanceClient.Fail(ExitCodes.Usage, $"--percent '{share}' is no whole number. Give one from 1 to 99, such as --percent 10.");
                }

                body["percent"] = number;
            }

            if (parsed.GetValue(observe) is { } time)
            {
                if (!OptionWords.TryDuration(time, out var duration))
                {
                    return InstanceClient.Fail(ExitCodes.Usage, $"--observe '{time}' is no time. Give one such as 60s or 5m.");
                }

                body["observeMs"] = (long)duration.TotalMilliseconds;
            }

            if (parsed.GetValue(file) is { } path)
            {
                try
                {
                    body["server"] = JsonNode.Parse(await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false), null, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
                {
                    return InstanceClient.Fail(ExitCodes.Usage, $"{path} cannot be read: {exception.Message} Name a file with one server as it would stand in the configuration.");
                }
            }

            return await InstanceClient.RunAsync(instance.Of(parsed), client => PostAsync(client, parsed.GetValue(server)!, [], body, parsed.GetValue(json))).ConfigureAwait(false);
        });
        return command;
    }

    private static Command Promote()
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var (json, instance) = (CommonOptions.Json(), new InstanceOptions());
        var command = new Command("promote", "Ends the watch: a canary or a shadow takes over, a change that has taken over stays.\nExample: fairlead rollout promote search") { server, json, instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), client => PostAsync(client, parsed.GetValue(server)!, ["promote"], [], parsed.GetValue(json))));
        return command;
    }

    private static Command Abort()
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var reason = new Option<string?>("--reason") { HelpName = "TEXT", Description = "Why; it stays in the history." };
        var (json, instance) = (CommonOptions.Json(), new InstanceOptions());
        var command = new Command("abort", "Undoes a rollout that runs: what ran before serves.\nExample: fairlead rollout abort search --reason \"wrong build\"") { server, reason, json, instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), client => PostAsync(
            client, parsed.GetValue(server)!, ["abort"], parsed.GetValue(reason) is { } why ? new JsonObject { ["reason"] = why } : [], parsed.GetValue(json))));
        return command;
    }

    private static Command Status()
    {
        var server = CommonOptions.Server<string?>("Only those of this server.");
        server.Arity = ArgumentArity.ZeroOrOne;
        var watch = new Option<bool>("--watch") { Description = "Follow the rollout that runs until it has ended; ends with 1 when it was undone or failed." };
        var (json, instance) = (CommonOptions.Json(), new InstanceOptions());
        var command = new Command("status", "Shows the rollouts since Fairlead was started, the latest first.\nExample: fairlead rollout status search --watch") { server, watch, json, instance };
        command.SetAction((parsed, cancellationToken) => InstanceClient.RunAsync(instance.Of(parsed), async client =>
        {
            var path = parsed.GetValue(server) is { } name ? FleetCommands.PathOf(name, "rollouts") : "/api/v1/rollouts";
            if (parsed.GetValue(watch))
            {
                return await FollowAsync(client, path, parsed.GetValue(json), cancellationToken).ConfigureAwait(false);
            }

            var (document, exitCode) = await client.GetAsync(path).ConfigureAwait(false);
            if (exitCode == ExitCodes.Ok && parsed.GetValue(json))
            {
                Terminal.Current.Line(document.GetRawText());
            }
            else if (exitCode == ExitCodes.Ok)
            {
                Show([.. document.GetProperty("rollouts").EnumerateArray()]);
            }

            return exitCode;
        }));
        return command;
    }

    private static async Task<int> PostAsync(InstanceClient client, string server, string[] below, JsonObject body, bool asJson)
    {
        var (rollout, exitCode) = await client.PostAsync(FleetCommands.PathOf(server, ["rollouts", .. below]), body.ToJsonString(), asAdmin: true).ConfigureAwait(false);
        if (exitCode == ExitCodes.Ok)
        {
            Terminal.Current.Line(asJson ? rollout.GetRawText() : Sentence(rollout));
        }

        return exitCode;
    }

    private static async Task<int> FollowAsync(InstanceClient client, string path, bool asJson, CancellationToken cancellationToken)
    {
        var last = "";
        while (true)
        {
            var (document, exitCode) = await client.GetAsync(path, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                return exitCode;
            }

            var rollouts = document.GetProperty("rollouts");
            if (rollouts.GetArrayLength() == 0)
            {
                Show([]);
                return ExitCodes.Ok;
            }

            var rollout = rollouts[0];
            var line = asJson ? rollout.GetRawText() : Sentence(rollout);
            if (line != last)
            {
                Terminal.Current.Line(last = line);
            }

            if (!rollout.GetProperty("isRunning").GetBoolean())
            {
                return PsCommand.Text(rollout, "phase") == nameof(RolloutPhase.Completed) ? ExitCodes.Ok : ExitCodes.Failed;
            }

            await Task.Delay(s_look, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    private static string Sentence(JsonElement rollout)
    {
        var name = CellText.OneLine(PsCommand.Text(rollout, "server"));
        var phase = PsCommand.Text(rollout, "phase");
        var start = $"rollout {rollout.GetProperty("number").GetInt32()} of {name} ({PsCommand.Text(rollout, "strategy")}) is {Terminal.Current.Paint(ColourOf(phase), phase)}";
        var calls = $"{rollout.GetProperty("calls").GetInt64()} calls, {rollout.GetProperty("failures").GetInt64()} failed{Latency(rollout, ", p99 ")}";
        return PsCommand.Text(rollout, "reason") is { Length: > 0 } reason ? $"{start}: {CellText.OneLine(reason)} ({calls})"
            : rollout.TryGetProperty("watchedUntil", out var until) ? $"{start}, watched until {until.GetDateTimeOffset().ToLocalTime().ToString(TimeFormat, CultureInfo.InvariantCulture)}: {rollout.GetProperty("percent").GetInt32()} % of the calls; {calls}"
            : $"{start}; {calls}";
    }

    private static void Show(JsonElement[] rollouts)
    {
        var terminal = Terminal.Current;
        if (rollouts.Length == 0)
        {
            terminal.Line("There was no rollout since Fairlead was started. fairlead rollout start SERVER begins one.");
            return;
        }

        var table = new TextTable("SERVER", "NO", "STRATEGY", "PHASE", "BEGAN", "INSTANCES", "CALLS", "FAILED", "P99", "REASON");
        foreach (var rollout in rollouts)
        {
            table.Add(
                PsCommand.Text(rollout, "server"), rollout.GetProperty("number").GetRawText(), PsCommand.Text(rollout, "strategy"), PsCommand.Text(rollout, "phase"),
                rollout.GetProperty("startedAt").GetDateTimeOffset().ToLocalTime().ToString(TimeFormat, CultureInfo.InvariantCulture),
                $"{rollout.GetProperty("instancesReady").GetRawText()}/{rollout.GetProperty("instancesWanted").GetRawText()}", rollout.GetProperty("calls").GetRawText(),
                rollout.GetProperty("failures").GetRawText(), Latency(rollout, ""), PsCommand.Text(rollout, "reason"));
        }

        foreach (var line in table.Lines(terminal.Width, (row, column, text) => column == PhaseColumn ? terminal.Paint(ColourOf(row[column]), text) : text))
        {
            terminal.Line(line);
        }
    }

    private static string Latency(JsonElement rollout, string before) =>
        rollout.TryGetProperty("latencyP99Ms", out var p99) ? before + p99.GetDouble().ToString("0.# 'ms'", CultureInfo.InvariantCulture) : "";

    private static Colour ColourOf(string phase) => phase switch
    {
        nameof(RolloutPhase.Completed) => Colour.Green,
        nameof(RolloutPhase.RolledBack) or nameof(RolloutPhase.Failed) => Colour.Red,
        _ => Colour.Yellow,
    };
}
