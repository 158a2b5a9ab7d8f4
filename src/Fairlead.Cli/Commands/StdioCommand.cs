using System.CommandLine;
using Fairlead.Cli.Output;
using Fairlead.Cli.Relay;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead stdio</c>: serves one client on stdin and stdout (decision 13). Nothing but protocol is ever written to stdout.</summary>
internal static class StdioCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = new Option<string?>("--server") { HelpName = "NAME", Description = "Offer one server alone, with its own names. Default: all of them." };
        var profile = new Option<string?>("--profile") { HelpName = "NAME", Description = "Offer the chosen part of a profile." };
        var url = CommonOptions.Url();
        var config = CommonOptions.Config();
        var state = CommonOptions.State();
        var standalone = new Option<bool>("--standalone") { Description = "Run the servers in this process, beside any other instance; they end with it." };
        var untilIdle = WholeNumber.Option("--until-idle", "SECONDS", "When an instance that this starts ends after its last client.", "fairlead stdio --until-idle 300");
        untilIdle.Hidden = true;
        var command = new Command(
            "stdio", "Serves a client on stdin and stdout. Uses the running instance; if there is none, starts one in the background, which ends 60 s after its last client.\nExample: fairlead stdio --server git")
        {
            server, profile, url, config, state, standalone, untilIdle,
        };
        command.SetAction((parsed, _) =>
        {
            if (parsed.GetValue(server) is not null && parsed.GetValue(profile) is not null)
            {
                return Task.FromResult(InstanceClient.Fail(ExitCodes.Usage, "--server and --profile name different endpoints; give one of them."));
            }

            var path = parsed.GetValue(profile) is { } part ? "/mcp/p/" + ServerName.ToSlug(part) : parsed.GetValue(server) is { } name ? "/mcp/" + ServerName.ToSlug(name) : "/mcp";
            return parsed.GetValue(standalone) ? StandaloneAsync(path, parsed.GetValue(config))
                : parsed.GetValue(url) is { } address ? RemoteAsync(path, address)
                : SharedAsync(path, StateFolder.PathFor(parsed.GetValue(state)), parsed.GetValue(config), parsed.GetValue(untilIdle) ?? BackgroundInstance.IdleSeconds);
        });
        return command;
    }

    private static async Task<int> RemoteAsync(string path, string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            return InstanceClient.Fail(ExitCodes.Usage, $"'{url}' is no http address. Give one like --url http://127.0.0.1:8080");
        }

        using var attendance = new Attendance();
        if (!await attendance.GreetAsync(address).ConfigureAwait(false))
        {
            return InstanceClient.Fail(ExitCodes.NotRunning, $"no Fairlead answers at {url}. Start it there, or leave --url away.");
        }

        return await RelayAsync(address, path, _ => Task.FromResult<(Uri?, string?)>((null, $"the instance at {url} does not answer"))).ConfigureAwait(false);
    }

    private static async Task<int> SharedAsync(string path, string folder, string? config, int idleSeconds)
    {
        using var background = new BackgroundInstance(folder, config, idleSeconds);
        using var attendance = new Attendance();
        async Task<(Uri?, string?)> FindAsync(CancellationToken cancellationToken)
        {
            var (instance, reason) = await background.FindOrStartAsync(found => attendance.GreetAsync(new Uri(found.Url)), cancellationToken).ConfigureAwait(false);
            return (instance is null ? null : new Uri(instance.Url), reason);
        }

        var (gateway, problem) = await FindAsync(CancellationToken.None).ConfigureAwait(false);
        return gateway is null
            ? InstanceClient.Fail(ExitCodes.NotRunning, problem!)
            : await RelayAsync(gateway, path, FindAsync).ConfigureAwait(false);
    }

    private static async Task<int> StandaloneAsync(string path, string? config)
    {
        var loaded = ConfigCommand.Load(config, new Dictionary<string, string> { ["port"] = "0" });
        ConfigCommand.Tell(loaded);
        if (!loaded.IsValid)
        {
            return InstanceClient.Fail(ExitCodes.Configuration, "the configuration has errors; nothing was started.");
        }

        // Nothing on disk: another instance may own the state folder.
        loaded.Options.StateFolder = null;
        using var log = new TerminalLog(Terminal.Current, loaded.Redactor, TimeProvider.System, isVerbose: false, loaded.Options.Telemetry.LogFormat);
        using var loggers = log.CreateFactory();
        var host = GatewayHost.Build(loaded.Options, loaded.Redactor, Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)), loggers);
        await using (host.ConfigureAwait(false))
        {
            if (await host.StartAsync(CancellationToken.None).ConfigureAwait(false) is { } problem)
            {
                return InstanceClient.Fail(problem.ExitCode, problem.Reason);
            }

            var exitCode = await RelayAsync(new Uri(host.Url), path, static _ => Task.FromResult<(Uri?, string?)>((null, "the servers of this process have been stopped"))).ConfigureAwait(false);
            await host.StopAsync().ConfigureAwait(false);
            return exitCode;
        }
    }

    private static async Task<int> RelayAsync(Uri gateway, string path, Func<CancellationToken, Task<(Uri? Gateway, string? Reason)>> find)
    {
        using var signals = new StopSignals(TimeProvider.System, static () => Environment.Exit(ExitCodes.Interrupted));
        using var link = new RelayLink(gateway, path, find);
        var relay = new StdioRelay(Console.OpenStandardInput(), Console.OpenStandardOutput(), link, static text => Terminal.Current.Error("fairlead: " + text));
        await using (relay.ConfigureAwait(false))
        {
            await relay.RunAsync(signals.Stop).ConfigureAwait(false);
        }

        return ExitCodes.Ok;
    }
}
