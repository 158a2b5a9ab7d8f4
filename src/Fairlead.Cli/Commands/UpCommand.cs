using System.CommandLine;
using System.Globalization;
using System.Net;
using Fairlead.AspNetCore;
using Fairlead.Cli.Running;
using Fairlead.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead up</c>: loads the configuration, opens the endpoint, starts all servers, and stops everything in order at the end (product A1).</summary>
internal static class UpCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var config = CommonOptions.Config();
        var port = new Option<int?>("--port") { Description = "The port. 0 takes a free one. Default 8080." };
        var host = new Option<string?>("--host") { Description = "The address to listen on. Default 127.0.0.1; only loopback until authentication is configured." };
        var state = CommonOptions.State();
        var json = CommonOptions.Json();
        var verbose = new Option<bool>("--verbose") { Description = "Log more, to stderr." };
        var command = new Command("up", "Starts all servers and serves them at one endpoint, until Ctrl+C.") { config, port, host, state, json, verbose };
        command.SetAction((parsed, cancellationToken) =>
        {
            var flags = new Dictionary<string, string>(StringComparer.Ordinal);
            Add(flags, "port", parsed.GetValue(port)?.ToString(CultureInfo.InvariantCulture));
            Add(flags, "host", parsed.GetValue(host));
            Add(flags, "state", parsed.GetValue(state));
            return RunAsync(parsed.GetValue(config), flags, parsed.GetValue(json), parsed.GetValue(verbose), cancellationToken);
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

    private static async Task<int> RunAsync(string? config, Dictionary<string, string> flags, bool json, bool verbose, CancellationToken stop)
    {
        var view = new LaunchView(json);
        var loaded = ConfigCommand.Load(config, flags);
        ConfigCommand.Tell(loaded);
        if (Refuse(loaded) is { } refusal)
        {
            await Console.Error.WriteLineAsync("fairlead: " + refusal).ConfigureAwait(false);
            return ExitCodes.Configuration;
        }

        var options = loaded.Options;
        options.StateFolder = StateFolder.PathFor(options.StateFolder);
        using var folder = StateFolder.TryLock(options.StateFolder);
        if (folder is null)
        {
            var other = StateFolder.ReadInstance(options.StateFolder);
            await Console.Error.WriteLineAsync(
                $"fairlead: another instance{(other is null ? "" : $" (process {other.Pid}, {other.Url})")} uses {options.StateFolder}. Stop it with fairlead down, or give this one its own --state.").ConfigureAwait(false);
            return ExitCodes.AlreadyRunning;
        }

        view.Event(new { @event = "loaded", file = loaded.File, servers = options.Servers.Count });
        view.Say($"Loaded configuration with {options.Servers.Count} servers ({Markup.Escape(loaded.File ?? "")})");
        return await ServeAsync(options, folder, view, verbose, loaded, stop).ConfigureAwait(false);
    }

    private static string? Refuse(ConfigurationResult loaded)
    {
        if (!loaded.IsValid)
        {
            return $"the configuration has {loaded.Errors.Count} errors; nothing was started.";
        }

        if (loaded.File is null)
        {
            return "no configuration was found. Give one with --config FILE (samples/ has examples), or write fairlead.json here: {\"servers\":{\"name\":{\"command\":\"…\"}}}";
        }

        return IsLoopback(loaded.Options.Host)
            ? null
            : $"host {loaded.Options.Host} is reachable from other machines and there is no authentication yet. Listen on 127.0.0.1 and let clients come through an SSH tunnel, or put an authenticating proxy in front and set publicUrl.";
    }

    private static bool IsLoopback(string host) => host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static async Task<int> ServeAsync(FairleadOptions options, StateFolder folder, LaunchView view, bool verbose, ConfigurationResult loaded, CancellationToken stop)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.SetMinimumLevel(verbose ? LogLevel.Debug : LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.None);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // requestBodyBytesMax is checked by the front, which can say what was wrong.
            kestrel.Listen(options.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(options.Host), options.Port);
        });

        using var loggers = LoggerFactory.Create(logging =>
        {
            logging.AddSimpleConsole(console => console.SingleLine = true);
            logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
            logging.SetMinimumLevel(verbose ? LogLevel.Debug : LogLevel.Warning);
        });
        var manager = new McpManager(options, loggers);
        await using (manager.ConfigureAwait(false))
        {
            builder.Services.AddFairlead(manager, folder.AdminToken());
            var app = builder.Build();
            await using (app.ConfigureAwait(false))
            {
                app.MapFairlead();
                try
                {
                    await manager.InitializeAsync(stop).ConfigureAwait(false);
                    await app.StartAsync(stop).ConfigureAwait(false);
                }
                catch (IOException exception) when (exception.InnerException is AddressInUseException)
                {
                    await manager.ShutdownAsync(TimeSpan.Zero).ConfigureAwait(false);
                    await Console.Error.WriteLineAsync(
                        $"fairlead: port {options.Port} is taken by {PortHolder.Describe(options.Port)}. Choose another with --port N, or --port 0 for a free one.").ConfigureAwait(false);
                    return ExitCodes.PortInUse;
                }

                var url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
                folder.Announce(new InstanceFile(Environment.ProcessId, url, "0.1.0"));
                view.Event(new { @event = "listening", url, mcp = url + "/mcp", pid = Environment.ProcessId, state = folder.Path });
                view.Say($"Serving at [bold]{url}/mcp[/]");

                using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop, app.Lifetime.ApplicationStopping);
                try
                {
                    await view.FollowAsync(() => manager.ListServersAsync(stopping.Token), () => manager.Fleet.AnyChange(), stopping.Token).ConfigureAwait(false);
                    view.Summarize(await manager.ListServersAsync(stopping.Token).ConfigureAwait(false));
                    view.Say("Press Ctrl+C to stop.");
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stopping.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    view.Say("Stopping …");
                }

                await manager.ShutdownAsync(options.Limits.DrainGrace).ConfigureAwait(false);
                await app.StopAsync(CancellationToken.None).ConfigureAwait(false);
                view.Event(new { @event = "stopped" });
                view.Say("Stopped.");
                return ExitCodes.Ok;
            }
        }
    }
}
