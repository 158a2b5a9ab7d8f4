using System.CommandLine;
using System.Globalization;
using System.Net;
using Fairlead.AspNetCore.Admin;
using Fairlead.AspNetCore.Auth;
using Fairlead.AspNetCore.Dashboard;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead up</c>: loads the configuration, opens the endpoint, starts all servers, and stops everything in order at the end (product A1).</summary>
internal static class UpCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var config = CommonOptions.Config();
        var port = WholeNumber.Option("--port", "N", "The port. 0 takes a free one. Default 8080.", "fairlead up --port 8080");
        var host = new Option<string?>("--host") { HelpName = "H", Description = "The address to listen on. Default 127.0.0.1. Only loopback, because there is no authentication of clients yet." };
        var state = CommonOptions.State();
        var json = new Option<bool>("--json") { Description = "Write one JSON object per line: loaded, listening, server, summary, stopping, stopped, failed." };
        var untilIdle = WholeNumber.Option("--until-idle", "SECONDS", "End when nobody has used it for so long. For fairlead stdio, which starts it so.", "fairlead up --until-idle 300");
        untilIdle.Hidden = true;
        var logFormat = new Option<string?>("--log-format") { HelpName = "FORMAT", Description = "How log events are written to stderr: text, or json for one JSON object per line. Default: telemetry.logFormat, else text." };
        logFormat.CompletionSources.Add("text", "json");
        var verbose = new Option<bool>("--verbose") { Description = "Log more, to stderr." };
        var command = new Command("up", "Starts all servers and serves them at one endpoint, until Ctrl+C. A second Ctrl+C ends at once.\nExample: fairlead up --config fairlead.json --port 8080") { config, port, host, state, json, untilIdle, logFormat, verbose };
        command.SetAction((parsed, _) =>
        {
            var flags = new Dictionary<string, string>(StringComparer.Ordinal);
            Add(flags, "port", parsed.GetValue(port)?.ToString(CultureInfo.InvariantCulture));
            Add(flags, "host", parsed.GetValue(host));
            Add(flags, "state", parsed.GetValue(state));
            Add(flags, "telemetry.logFormat", parsed.GetValue(logFormat));
            var view = new LaunchView(Terminal.Current, parsed.GetValue(json), TimeProvider.System);
            return RunAsync(parsed.GetValue(config), flags, view, asks: !parsed.GetValue(json), parsed.GetValue(untilIdle), parsed.GetValue(verbose));
        });
        return command;
    }

    private static void Add(Dictionary<string, string> flags, string key, string? value)
    {
        if (value is not null)
        {
            flags[key] = value;
        }
    }

    private static async Task<int> RunAsync(string? config, Dictionary<string, string> flags, LaunchView view, bool asks, int? untilIdle, bool isVerbose)
    {
        var answers = new Dictionary<string, string?>(StringComparer.Ordinal);
        var loaded = ConfigCommand.Load(config, flags, asks && InputPrompt.ForTerminal() is { } prompt ? request => answers[request.Id] = prompt(request) : null);
        ConfigCommand.Tell(loaded);
        if (Refuse(loaded) is { } refusal)
        {
            return view.Fail(ExitCodes.Configuration, refusal);
        }

        var options = loaded.Options;
        var path = options.StateFolder = StateFolder.PathFor(options.StateFolder);
        StateFolder? folder;
        var token = "";
        try
        {
            folder = StateFolder.TryLock(path);
            token = folder?.AdminToken(static remark => Terminal.Current.Error("warning: " + remark)) ?? "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return view.Fail(ExitCodes.Failed, $"the state folder {path} cannot be used: {exception.Message} Choose another with --state FOLDER, or mend its rights.");
        }

        if (folder is null)
        {
            var other = InstanceFile.Find(path, out _);
            return view.Fail(
                ExitCodes.AlreadyRunning,
                $"another instance{(other is null ? "" : $" (process {other.Pid}, {other.Url})")} uses the state folder {path}. Stop it with fairlead down, or give this one its own with --state FOLDER.");
        }

        using (folder)
        {
            view.Event("loaded", json =>
            {
                LaunchView.WriteText(json, "file", loaded.File);
                json.WriteNumber("servers", options.Servers.Count);
            });
            view.Say($"Loaded configuration with {options.Servers.Count} servers ({(loaded.File is { } file ? ShortPath(file) : DefaultFleet.Describe())})");
            return await ServeAsync(loaded, LoadAgain, folder, token, view, untilIdle, isVerbose).ConfigureAwait(false);
        }

        // The same file, also when it is gone for a moment and another would be found; nobody is asked again for what was answered.
        ConfigurationResult LoadAgain()
        {
            var again = ConfigCommand.Load(loaded.File ?? config, flags, request => answers.GetValueOrDefault(request.Id));
            again.Options.StateFolder = StateFolder.PathFor(again.Options.StateFolder);
            return again;
        }
    }

    /// <summary>A path as a person would write it here.</summary>
    private static string ShortPath(string path)
    {
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }

    private static string? Refuse(ConfigurationResult loaded)
    {
        if (!loaded.IsValid)
        {
            return $"the configuration has {loaded.Errors.Count} {(loaded.Errors.Count == 1 ? "error" : "errors")}; nothing was started.";
        }

        var host = loaded.Options.Host;
        if (host == "localhost")
        {
            return null;
        }

        if (!IPAddress.TryParse(host, out var address))
        {
            return $"host '{host}' is no address. Use 127.0.0.1, ::1 or localhost.";
        }

        return IPAddress.IsLoopback(address)
            ? null
            : $"host {host} is reachable from other machines, and there is no authentication of clients yet, so it is refused. Listen on 127.0.0.1 and let others come "
                + "through an SSH tunnel (ssh -L 8080:127.0.0.1:8080), or put a proxy that authenticates in front and set publicUrl to its address.";
    }

    private static async Task<int> ServeAsync(
        ConfigurationResult loaded, Func<ConfigurationResult> load, StateFolder folder, string token, LaunchView view, int? untilIdle, bool isVerbose)
    {
        var terminal = Terminal.Current;
        ConfigurationReload? reload = null;
        using var signals = new StopSignals(TimeProvider.System, () => EndAtOnce(terminal, folder), () => Volatile.Read(ref reload)?.Request("SIGHUP"));
        using var log = new TerminalLog(terminal, loaded.Redactor, TimeProvider.System, isVerbose, loaded.Options.Telemetry.LogFormat);
        using var loggers = log.CreateFactory();
        var host = GatewayHost.Build(loaded.Options, loaded.Redactor, token, loggers, (loaded, load));
        await using (host.ConfigureAwait(false))
        {
            host.Reload!.Ended = status => TellReload(status, view);
            Volatile.Write(ref reload, host.Reload);
            var watch = new ConfigurationWatch(() => ConfigurationWatch.FilesOf(host.Reload!.Loaded), () => host.Reload!.Request("file"), TimeProvider.System, loggers.CreateLogger("Fairlead.Configuration"));
            await using var watching = watch.ConfigureAwait(false);
            if (await host.StartAsync(CancellationToken.None).ConfigureAwait(false) is { } problem)
            {
                await host.Manager.ShutdownAsync(TimeSpan.Zero).ConfigureAwait(false);
                return view.Fail(problem.ExitCode, problem.Reason);
            }

            watch.Start();
            Announce(folder, host, view);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Stop, host.StopAsked);
            var isIdle = false;
            try
            {
                var following = view.FollowAsync(host.Manager.Fleet, stop.Token);
                var idle = untilIdle is { } seconds ? host.WhenIdleAsync(TimeSpan.FromSeconds(seconds), stop.Token) : following;
                isIdle = await Task.WhenAny(following, idle).ConfigureAwait(false) == idle && idle != following;
                await stop.CancelAsync().ConfigureAwait(false);
                await following.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                var cause = signals.Name ?? (isIdle ? "idle" : "API");
                view.Event("stopping", json => json.WriteString("cause", cause));
                view.Say($"Stopping ({(cause == "API" ? "fairlead down" : cause)}) ...");
            }

            if (!await host.StopAsync().ConfigureAwait(false))
            {
                return view.Fail(ExitCodes.Failed, $"not everything ended within {host.StopLimit.TotalSeconds:0} s; what is left is ended by the reaper.");
            }

            view.Event("stopped");
            view.Say("Stopped.");
            return ExitCodes.Ok;
        }
    }

    /// <summary>Tells of a reload; what is wrong with a configuration that was refused stands in the log.</summary>
    private static void TellReload(ConfigurationStatus status, LaunchView view)
    {
        view.Event("reloaded", json =>
        {
            json.WriteString("cause", status.Cause);
            json.WriteBoolean("valid", status.Valid);
            json.WriteNumber("errors", status.Errors.Count);
            LaunchView.WriteTexts(json, "added", status.Differences?.Added);
            LaunchView.WriteTexts(json, "removed", status.Differences?.Removed);
            LaunchView.WriteTexts(json, "changed", status.Differences?.Changed);
        });
        if (status.Differences is { } differences)
        {
            string[] changes = [.. differences.Added.Select(static id => "+" + id), .. differences.Removed.Select(static id => "-" + id), .. differences.Changed.Select(static id => "~" + id)];
            view.Say($"Reloaded the configuration ({(status.Cause == "file" ? "its file changed" : status.Cause)}): {(changes.Length == 0 ? "no server differs" : string.Join(" ", changes))}");
        }
    }

    private static void Announce(StateFolder folder, GatewayHost host, LaunchView view)
    {
        var url = host.Url;
        try
        {
            folder.Announce(new InstanceFile(Environment.ProcessId, url, Program.Version));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Terminal.Current.Error($"warning: {folder.Path} cannot be written ({exception.Message}). It serves, but other commands need --url {url}");
        }

        // No code in JSON: that is for programs, which keep it. They ask fairlead dashboard when somebody wants to look.
        view.Event("listening", json =>
        {
            json.WriteString("url", url);
            json.WriteString("mcp", url + "/mcp");
            json.WriteString("dashboard", url + DashboardRoutes.PagePath);
            json.WriteNumber("pid", Environment.ProcessId);
            json.WriteString("state", folder.Path);
        });
        view.Say($"Serving all of them at {Terminal.Current.Paint(Colour.Bold, url + "/mcp")}, one alone at {url}/mcp/NAME");
        view.Say($"Dashboard: {url}{DashboardRoutes.PathFor(host.Dashboards.IssueCode().Code)} (works once, for {DashboardSessions.CodeLifetime.TotalMinutes:0} minutes; fairlead dashboard prints another)");
    }

    /// <summary>The second Ctrl+C: nothing is waited for. The servers are ended by the reaper, which sees that this process is gone.</summary>
    private static void EndAtOnce(Terminal terminal, StateFolder folder)
    {
        terminal.Live([]);
        terminal.Error("Ended at once; servers that still run are ended within seconds.");
        folder.Dispose();
        Environment.Exit(ExitCodes.Interrupted);
    }
}
