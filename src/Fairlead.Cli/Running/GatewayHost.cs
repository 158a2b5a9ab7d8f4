using System.Net;
using System.Net.Sockets;
using Fairlead.AspNetCore;
using Fairlead.AspNetCore.Admin;
using Fairlead.AspNetCore.Auth;
using Fairlead.AspNetCore.Mcp;
using Fairlead.BuiltIn;
using Fairlead.Configuration;
using Fairlead.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Fairlead.Cli.Running;

/// <summary>The fleet and the web server around it, as <c>fairlead up</c> runs them. Owns both.</summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    // Streams that clients hold open are cut after this time at the earliest; a grace of zero is about calls.
    private static readonly TimeSpan s_streamsGraceMin = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_idleLook = TimeSpan.FromSeconds(1);

    private readonly FairleadOptions _options;
    private readonly WebApplication _app;
    private IDisposable? _otlp;

    private GatewayHost(FairleadOptions options, McpManager manager, WebApplication app, OwnPorts ports)
    {
        Ports = ports;
        _options = options;
        _app = app;
        Manager = manager;
    }

    /// <summary>The fleet.</summary>
    public McpManager Manager { get; }

    /// <summary>Loads the configuration again; null when it cannot be.</summary>
    public ConfigurationReload? Reload => _app.Services.GetService<ConfigurationReload>();

    /// <summary>Who may administer from a browser.</summary>
    public DashboardSessions Dashboards => _app.Services.GetRequiredService<DashboardSessions>();

    /// <summary>The listeners of single servers.</summary>
    public OwnPorts Ports { get; }

    /// <summary>Where it listens, such as <c>http://127.0.0.1:8080</c>; valid once started.</summary>
    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Cancelled when a stop was asked for over the API.</summary>
    public CancellationToken StopAsked => _app.Lifetime.ApplicationStopping;

    /// <summary>Longest orderly stop: the graces of calls and of children, and a little.</summary>
    public TimeSpan StopLimit => _app.Services.GetRequiredService<FleetLifetime>().StopLimit;

    /// <summary>Puts everything together; nothing runs yet.</summary>
    /// <param name="options">Checked.</param>
    /// <param name="redactor">Knows the secrets of the configuration.</param>
    /// <param name="adminToken">What administration over HTTP needs.</param>
    /// <param name="loggers">Where logs go; not disposed here.</param>
    /// <param name="configuration">What the options were loaded as, and how to load it again; null = it cannot be loaded again.</param>
    public static GatewayHost Build(
        FairleadOptions options, SecretRedactor redactor, string adminToken, ILoggerFactory loggers, (ConfigurationResult First, Func<ConfigurationResult> Load)? configuration = null)
    {
        var manager = new McpManager(options, loggers, TimeProvider.System, redactor);
        manager.AddBuiltInServers();

        // The servers are made known on one core while the other puts the web server together, which takes as long. The host waits for it, and sees whether it went well; no server starts before it listens.
        manager.HoldStarts();
        _ = Task.Run(() => manager.InitializeAsync(CancellationToken.None));

        var ports = new OwnPorts(
            manager.Fleet, options.Host, port => PortHolder.TryBind(AddressOf(options), port) is { } problem ? WhyNot(problem, port) : null, TimeProvider.System,
            loggers.CreateLogger("Fairlead.Fronts"));

        // Empty: an appsettings.json or ASPNETCORE_URLS that happens to be around means another program.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();

        // A request is handled on the thread that received it (SocketThreads), and an answer sent by the one that wrote it: nothing on the way blocks, so the two queues between would only cost a wake-up each.
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // requestBodyBytesMax is checked by the front, which can say what was wrong.
            Listen(kestrel, options);
            kestrel.Configure(ports.Configuration, reloadOnChange: true);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Limits.DrainGrace > s_streamsGraceMin ? options.Limits.DrainGrace : s_streamsGraceMin);
        builder.Services.AddFairlead(manager, adminToken).AddFleetLifetime();
        if (configuration is { } loaded)
        {
            builder.Services.AddSingleton(_ => new ConfigurationReload(manager, loaded.First, loaded.Load, TimeProvider.System, loggers.CreateLogger("Fairlead.Configuration")));
        }

        var app = builder.Build();
        app.MapFairlead();
        return new GatewayHost(options, manager, app, ports);
    }

    /// <summary>Opens the endpoint and begins to start the servers, without waiting for any.</summary>
    /// <returns>Null when it listens; otherwise why it cannot, with the exit code.</returns>
    public async Task<(int ExitCode, string Reason)?> StartAsync(CancellationToken cancellationToken)
    {
        // Before any server is started, and again by the server itself: the port may be taken in between.
        if (ProbeProblem() is { } early)
        {
            return early;
        }

        try
        {
            _app.Services.GetRequiredService<FleetLifetime>().Opened = () =>
            {
                Ports.Start(_app.Services.GetRequiredService<McpFront>().Ports);
                return FirstRequest.SendAsync(new Uri(Url));
            };
            _otlp = OtlpExport.Begin(_options, _app.Services.GetRequiredService<MetricsPage>().Families);
            await _app.StartAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (IOException exception) when (exception.InnerException is AddressInUseException)
        {
            return PortTaken();
        }
        catch (SocketException exception)
        {
            return CannotListen(exception);
        }
    }

    /// <summary>Stops in order: no new connections and calls, calls in flight may end, then servers.</summary>
    /// <returns>False when something still ran at the end of <see cref="StopLimit"/>.</returns>
    public async Task<bool> StopAsync()
    {
        await _app.StopAsync(CancellationToken.None).ConfigureAwait(false);
        return _app.Services.GetRequiredService<FleetLifetime>().HasStopped;
    }

    /// <summary>Completes when nobody has needed the instance for <paramref name="quiet"/>: no client attends, no session was used, no call ran.</summary>
    public async Task WhenIdleAsync(TimeSpan quiet, CancellationToken cancellationToken)
    {
        var presence = _app.Services.GetRequiredService<Presence>();
        var sessions = _app.Services.GetRequiredService<McpFront>().Sessions;
        var since = TimeProvider.System.GetTimestamp();
        var calls = -1L;
        using var timer = new PeriodicTimer(s_idleLook, TimeProvider.System);
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            var cells = Manager.Fleet.Current.InOrder;
            var now = cells.Sum(static cell => cell.Counters.Total);
            var isUsed = now != calls || presence.Count != 0 || sessions.All.Any(session => session.Idle < quiet)
                || cells.Any(static cell => cell.Current.Shared is { } connection && connection.Pending.CountOpen() != 0);
            calls = now;
            if (isUsed)
            {
                since = TimeProvider.System.GetTimestamp();
            }
            else if (TimeProvider.System.GetElapsedTime(since) >= quiet)
            {
                return;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Ports.DisposeAsync().ConfigureAwait(false);
        await Manager.DisposeAsync().ConfigureAwait(false);
        _otlp?.Dispose();
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    private static void Listen(Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions kestrel, FairleadOptions options)
    {
        if (options.Host == "localhost" && options.Port != 0)
        {
            kestrel.ListenLocalhost(options.Port); // Both families.
        }
        else
        {
            kestrel.Listen(AddressOf(options), options.Port);
        }
    }

    private static IPAddress AddressOf(FairleadOptions options) => options.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(options.Host);

    private static string WhyNot(SocketException problem, int port) => problem.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"it is taken by {PortHolder.Describe(port)}",
        SocketError.AccessDenied => "ports below 1024 need rights",
        _ => problem.Message,
    };

    private (int ExitCode, string Reason)? ProbeProblem()
    {
        if (_options.Port == 0 || PortHolder.TryBind(AddressOf(_options), _options.Port) is not { } refusal)
        {
            return null;
        }

        return refusal.SocketErrorCode == SocketError.AddressAlreadyInUse ? PortTaken() : CannotListen(refusal);
    }

    private (int ExitCode, string Reason) PortTaken() => (
        ExitCodes.PortInUse,
        $"port {_options.Port} is taken by {PortHolder.Describe(_options.Port)}. Choose another with --port N (or --port 0 for a free one), or stop that program.");

    private (int ExitCode, string Reason) CannotListen(SocketException exception) => (
        ExitCodes.Failed,
        $"cannot listen on {_options.Host} port {_options.Port}: {exception.Message}. {(exception.SocketErrorCode == SocketError.AccessDenied ? "Ports below 1024 need rights; choose another with --port N." : "Choose another --host or --port.")}");

    /// <summary>Signals are heard by <see cref="StopSignals"/> alone; the host's own way would end the process after its own time.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
