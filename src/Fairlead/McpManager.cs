using System.Runtime.CompilerServices;
using Fairlead.Audit;
using Fairlead.Configuration;
using Fairlead.Exchanges;
using Fairlead.Faults;
using Fairlead.Health;
using Fairlead.Routing;
using Fairlead.Security;
using Fairlead.Servers;
using Fairlead.State;
using Fairlead.Upstreams;
using Fairlead.Upstreams.InProcess;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead;

/// <summary>Runs a fleet of MCP servers and calls their tools: the whole of Fairlead as a library.</summary>
/// <remarks>
/// Any thread may use it. Every method throws <see cref="RuntimeShutdown"/> once <see cref="ShutdownAsync"/> has begun. Commands (deploy, list, ...) go to
/// actors and reply after their effect can be seen; at most <see cref="FairleadOptions.MaxConcurrentOperations"/> run at once, the others wait. Tool calls
/// pass by the actors and limit each other only at their server.
/// </remarks>
public sealed partial class McpManager : IAsyncDisposable, IMcpServerRegistry
{
    // A disposal waits this long beyond the drain grace; children that are still there are then the reaper's.
    private static readonly TimeSpan s_disposeExtra = TimeSpan.FromSeconds(15);

    private readonly FleetResources _resources;
    private readonly FleetActor _fleet;
    private readonly LiveFleet _live;
    private readonly MetricsActor _metrics;
    private readonly FaultInjector _faults;
    private readonly CallCounters _commands = new();
    private readonly SemaphoreSlim _operations;
    private readonly LocalClient _client = new();
    private readonly ToolInvoker _tools;
    private readonly TaskCompletionSource _startsMayBegin = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly OwnChanges _changes;
    private readonly Lock _lock = new();
    private Task? _initializing;
    private Task? _stopping;

    /// <summary>Makes a manager that has started nothing yet.</summary>
    /// <param name="options">Not to be changed afterwards. Null = all defaults and no servers. <see cref="FairleadOptions.StateFolder"/> unset =
    /// nothing is kept on disk: no logs of servers, no cached lists, no remembered eras.</param>
    /// <param name="loggerFactory">Where logs go; null = nowhere.</param>
    /// <param name="timeProvider">The clock of everything; null = the system's.</param>
    /// <param name="redactor">Knows the secrets of a configuration that was loaded (<see cref="ConfigurationResult.Redactor"/>); states, logs of servers and
    /// errors are free of them. Secrets of servers that are deployed are added to it. Null = one that knows only those.</param>
    public McpManager(FairleadOptions? options = null, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null, SecretRedactor? redactor = null)
    {
        Options = options ?? new FairleadOptions();
        var loggers = loggerFactory ?? NullLoggerFactory.Instance;
        _resources = new FleetResources(Options, loggers, timeProvider ?? TimeProvider.System, redactor ?? new SecretRedactor());
        _fleet = new FleetActor(_resources);
        _live = new LiveFleet(_fleet, _resources, RemoveAsync);
        _metrics = new MetricsActor(_resources.Fleet, _commands, _resources.Time, loggers.CreateLogger("Fairlead.Servers"));
        _faults = new FaultInjector(_resources.Fleet, _resources.Sweep, Options, _resources.Events, loggers.CreateLogger("Fairlead.Faults"));
        _resources.Reloaded = options => _faults.Apply(options.FaultInjection);
        _operations = new SemaphoreSlim(Options.MaxConcurrentOperations, Options.MaxConcurrentOperations);
        _changes = new OwnChanges(_resources.Audit, _resources.Time);
        _tools = new ToolInvoker(_resources.Fleet, _resources.Sweep, Options, _client, _resources.Audit);
    }

    /// <summary>Answers servers that ask for input while they work for a caller of this manager (<c>elicitation/create</c>): returns the result object,
    /// anything serialisable, such as <c>new { action = "accept", content = new { name = "x" } }</c>. Null = not declared to servers.</summary>
    /// <remarks>Set it before the first call. Called on the call's own flow, one question at a time for each call; may take minutes.</remarks>
    public Func<ServerQuestion, CancellationToken, Task<object>>? OnElicitation
    {
        get => _client.OnElicitation;
        set => _client.OnElicitation = value;
    }

    /// <summary>Answers servers that ask for a completion of a language model (<c>sampling/createMessage</c>). Null = not declared to servers.</summary>
    /// <remarks>As <see cref="OnElicitation"/>.</remarks>
    public Func<ServerQuestion, CancellationToken, Task<object>>? OnSampling
    {
        get => _client.OnSampling;
        set => _client.OnSampling = value;
    }

    /// <summary>Where the fronts find servers and lists.</summary>
    internal Fleet Fleet => _resources.Fleet;

    /// <summary>The deadlines of all calls.</summary>
    internal DeadlineSweep Sweep => _resources.Sweep;

    /// <summary>Deploys and removes what is kept over restarts.</summary>
    internal LiveFleet Live => _live;

    /// <summary>Knows the secrets of all configurations.</summary>
    internal SecretRedactor Redactor => _resources.Redactor;

    /// <summary>The record of who did what; null when there is none.</summary>
    internal AuditLog? Audit => _resources.Audit;

    /// <summary>The files of the state folder; null when nothing is kept on disk.</summary>
    internal StateFiles? State => _resources.State;

    /// <summary>Servers that are deployed from here on start only after <see cref="BeginStarts"/>. Call it before the first is deployed; again does no harm.</summary>
    internal void HoldStarts() => _resources.StartsMayBegin = _startsMayBegin.Task;

    /// <summary>Ends <see cref="HoldStarts"/> for good.</summary>
    internal void BeginStarts() => _startsMayBegin.TrySetResult();

    /// <summary>Counts the commands of the control plane.</summary>
    internal CallCounters Commands => _commands;

    /// <summary>Commands that wait in mailboxes at this moment.</summary>
    internal int MailboxDepth => _fleet.QueueDepthOfAll + _metrics.QueueDepth;

    /// <summary>Room for large messages.</summary>
    internal BufferBudget Buffers => _resources.Buffers;

    /// <summary>What the user wrote.</summary>
    internal FairleadOptions Options { get; }

    /// <summary>Makes an in-process server known; a configuration of this name (or of the built-in type of this name) without command and url then means it.</summary>
    /// <param name="name">Brought into the form of a server's id.</param>
    /// <param name="server">Run once for each instance that is needed.</param>
    public void AddServer(string name, IMcpServer server)
    {
        ArgumentNullException.ThrowIfNull(server);
        ThrowIfStopped();
        _resources.InProcess.Add(ServerName.ToSlug(name), server);
    }

    /// <summary>Makes a kind of in-process server known; configurations of this type without command and url then mean a server of it, made for each of them.</summary>
    public void AddServerType(IMcpServerFactory factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        ThrowIfStopped();
        _resources.InProcess.Add(factory);
    }

    /// <summary>Makes tools known as one in-process server. Calls from this process run them directly, without any framing.</summary>
    /// <param name="name">Brought into the form of a server's id.</param>
    /// <param name="tools">At least one, in the order in which they are listed.</param>
    /// <exception cref="InvalidConfiguration">Names are taken twice, or a definition is not one.</exception>
    public void AddTools(string name, params IEnumerable<ITool> tools)
    {
        var id = ServerName.ToSlug(name);
        AddServer(id, new ToolSetServer(new ToolSet(id, tools), name, Options.Limits.UpstreamMessageBytesMax));
    }

    /// <summary>Registers a health check of your own for a server; it runs beside the configured one, at the same interval and within the same time-out.</summary>
    /// <param name="name">The server's name, whether it is deployed already or not. One that it had is replaced.</param>
    /// <param name="check">Gives null when all is well, else the reason in words that follow the server's name. What it throws is a reason, too. It is never run
    /// twice at once; one that ignores its token counts as failed until it ends. After healthCheck.unhealthyAfter failures in a row the server is Unhealthy and
    /// calls are refused with the reason, until healthCheck.healthyAfter good checks; it is not restarted.</param>
    public void AddHealthCheck(string name, Func<CancellationToken, Task<string?>> check)
    {
        ArgumentNullException.ThrowIfNull(check);
        ThrowIfStopped();
        _resources.Health.Register(ServerName.ToSlug(name), check);
    }

    /// <summary>Deploys the servers of the options and begins to start them, without waiting for any. Later calls do nothing.</summary>
    /// <exception cref="InvalidConfiguration">A server's configuration breaks a rule; none is deployed.</exception>
    public Task InitializeAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return _initializing ??= CommandAsync(
                async () =>
                {
                    await _live.BeginAsync(cancellationToken).ConfigureAwait(false);
                    _resources.Fleet.FirstListWait = WaitForFirstListsAsync();
                    return true;
                },
                cancellationToken);
        }
    }

    /// <summary>Deploys the servers of the options (if that has not been done) and waits until each is up or has failed once.</summary>
    /// <returns>The ids of those that are up, in configuration order. <see cref="ListServersAsync"/> says why others are not.</returns>
    public async Task<IReadOnlyList<string>> LaunchAllAsync(CancellationToken cancellationToken = default)
    {
        await InitializeAsync(cancellationToken).ConfigureAwait(false);
        var cells = _resources.Fleet.Current.InOrder;
        await Task.WhenAll(cells.Select(cell => WhenSettledAsync(cell, cancellationToken))).ConfigureAwait(false);
        return [.. cells.Where(static cell => cell.Current.IsCallable).Select(static cell => cell.Name)];
    }

    /// <summary>Adds a server and begins to start it. Calls to it wait while it starts.</summary>
    /// <param name="config">Copied.</param>
    /// <param name="cancellationToken">Ends the wait for the reply.</param>
    /// <returns>Its id: the name in its final form.</returns>
    /// <exception cref="InvalidConfiguration">A rule is broken; every broken one is named.</exception>
    /// <exception cref="AlreadyExists">There is a server of this name.</exception>
    public Task<string> DeployServerAsync(ServerConfig config, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        var copy = config.Copy();
        return ChangeAsync("deploy", ServerName.ToSlug(copy.Name), null, () => _live.DeployAsync(copy, cancellationToken), cancellationToken);
    }

    /// <summary>Removes a server: it is gone from lists at once, its calls in flight may end within the drain grace, then its processes end.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task UndeployServerAsync(string id, CancellationToken cancellationToken = default) => ChangeAsync(
        "undeploy", id, null, async () =>
        {
            await _live.UndeployAsync(id, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <summary>Changes a server's configuration. A server that serves goes on until the changed one is ready beside it, and stays when that fails.</summary>
    /// <param name="id">Which; the configuration's name must be the same or empty.</param>
    /// <param name="config">Copied.</param>
    /// <param name="cancellationToken">Ends the wait, not the update.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="InvalidConfiguration">A rule is broken, or the name differs.</exception>
    /// <exception cref="DeploymentFailed">The changed server could not be started.</exception>
    public Task UpdateServerAsync(string id, ServerConfig config, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        var copy = config.Copy();
        return ChangeAsync(
            "update", id, null,
            async () =>
            {
                await _live.UpdateAsync(id, copy, cancellationToken).ConfigureAwait(false);
                return true;
            },
            cancellationToken);
    }

    /// <summary>Sets the number of instances.</summary>
    /// <param name="id">Which.</param>
    /// <param name="replicas">From 1 to 1 000. Those that are too many end when their calls have ended; the others are started beside those that serve.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="InvalidConfiguration">Any other number, or one outside replicas.min and replicas.max where they are set.</exception>
    public Task ScaleServerAsync(string id, int replicas, CancellationToken cancellationToken = default) => ScaleServerAsync(id, replicas, null, cancellationToken);

    /// <inheritdoc cref="ScaleServerAsync(string, int, CancellationToken)"/>
    /// <exception cref="PreconditionFailed">It is in none of these versions.</exception>
    internal Task ScaleServerAsync(string id, int replicas, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken) => ChangeAsync(
        "scale", id, null,
        async () =>
        {
            var server = await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false);
            var bounds = server.Cell.Current.Config.Replicas;
            var (min, max) = (bounds.Min ?? 1, bounds.Max ?? 1_000);
            if (replicas < min || replicas > max)
            {
                throw new InvalidConfiguration($"replicas = {replicas} for '{server.Id}': it may have {min} to {max} instances. Choose a number between them, or change replicas.min and replicas.max in its configuration.") { ServerId = server.Id };
            }

            return await ScaleByHandAsync(server.Id, replicas, ifVersions, cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    /// <summary>Stops a server and starts it again with a full restart budget: the way out of CrashLoop and AuthRequired. Does not wait for the start.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task RestartServerAsync(string id, CancellationToken cancellationToken = default) => ChangeAsync(
        "restart", id, null, async () =>
        {
            await _fleet.RestartServerAsync(id, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <summary>Stops a server; it stays in the fleet as Stopped. Calls in flight may end within the drain grace. Completes when its processes are gone.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task ShutdownServerAsync(string id, CancellationToken cancellationToken = default) => ChangeAsync(
        "stop", id, null, async () =>
        {
            await _fleet.StopServerAsync(id, Options.Limits.DrainGrace, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <summary>Asks a server whether it lives: a ping, or discovery where the revision has no ping. One that takes no calls is not asked.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task<ServerHealth> GetServerHealthAsync(string id, CancellationToken cancellationToken = default) => CommandAsync(
        async () =>
        {
            var server = await SettledAsync(id, cancellationToken).ConfigureAwait(false);
            return Redacted(await HealthProbe.AskAsync(server.Cell, _resources.Time, cancellationToken).ConfigureAwait(false));
        },
        cancellationToken);

    /// <summary>Looks at a server's health to a depth: whether it is there, started, taking calls, or, asked at this moment, in all respects well.</summary>
    /// <param name="id">Which.</param>
    /// <param name="depth">How deep. Only <see cref="HealthDepth.Deep"/> asks the server, each question at most its healthCheck.timeoutMs.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task<ServerHealth> GetServerHealthAsync(string id, HealthDepth depth, CancellationToken cancellationToken = default) => CommandAsync(
        async () =>
        {
            var server = await SettledAsync(id, cancellationToken).ConfigureAwait(false);
            return Redacted(await HealthProbe.LookAsync(server.Cell, depth, _resources.Time, cancellationToken).ConfigureAwait(false));
        },
        cancellationToken);

    /// <summary>What is known of all servers, in configuration order.</summary>
    public Task<IReadOnlyList<ServerInfo>> ListServersAsync(CancellationToken cancellationToken = default) =>
        CommandAsync(
            async () =>
            {
                // Before the rest: whoever changes a server in the version that he was shown must not have been shown it as it was before.
                var versions = _live.ReadVersions();
                return WithFaults(await _fleet.ListAsync(cancellationToken).ConfigureAwait(false), versions);
            },
            cancellationToken);

    /// <summary>Counts since the manager was made.</summary>
    /// <param name="id">Only this server in the part per server; null = all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task<ManagerMetrics> GetMetricsAsync(string? id = null, CancellationToken cancellationToken = default) =>
        CommandAsync(() => _metrics.ReadAsync(id, _fleet.QueueDepthOfAll, cancellationToken), cancellationToken);

    /// <summary>Calls a tool and throws when it says that it failed.</summary>
    /// <param name="server">Id of the server. Calls to one that starts or sleeps wait, at most its timeoutMs.</param>
    /// <param name="tool">The tool's name, as the server's own endpoint shows it.</param>
    /// <param name="arguments">Null (none), bytes, a JsonElement, or anything that System.Text.Json writes as an object.</param>
    /// <param name="cancellationToken">Gives the call up; the server is told.</param>
    /// <exception cref="ToolFailed">The tool failed (its result is attached), or the server refused the call.</exception>
    /// <exception cref="McpException">Any other word of the API: ServerNotFound, ToolNotFound, ConnectionFailed, Timeout, ...</exception>
    public ValueTask<ToolResult> ExecuteToolAsync(string server, string tool, object? arguments = null, CancellationToken cancellationToken = default) =>
        ThrowIfFailed(CallAsync(server, tool, arguments, cancellationToken), server, tool);

    /// <summary>As the overload with an object; takes the UTF-8 text of one JSON object, which must not change before the call has ended. Empty = no arguments.</summary>
    public ValueTask<ToolResult> ExecuteToolAsync(string server, string tool, ReadOnlyMemory<byte> argumentsUtf8, CancellationToken cancellationToken = default) =>
        ThrowIfFailed(CallAsync(server, tool, argumentsUtf8, cancellationToken), server, tool);

    /// <summary>Calls a tool and returns its result, also one that says that it failed (<see cref="ToolResult.IsError"/>). Otherwise as
    /// <see cref="ExecuteToolAsync(string, string, object?, CancellationToken)"/>.</summary>
    public ValueTask<ToolResult> CallAsync(string server, string tool, object? arguments = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(tool);
        return _tools.CallAsync(server, tool, ToolArguments.From(arguments), null, cancellationToken);
    }

    /// <summary>As the overload with an object; takes the UTF-8 text of one JSON object, which must not change before the call has ended. Empty = no arguments.</summary>
    public ValueTask<ToolResult> CallAsync(string server, string tool, ReadOnlyMemory<byte> argumentsUtf8, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(tool);
        return _tools.CallAsync(server, tool, ToolArguments.Checked(argumentsUtf8), null, cancellationToken);
    }

    /// <summary>Makes several calls at the same time. One that fails does not touch the others.</summary>
    /// <param name="calls">Any number. Tools that answer at once run on all cores, the caller's thread among them; of others 64 are in flight at once.</param>
    /// <param name="cancellationToken">Gives all of them up.</param>
    /// <returns>An outcome for each call, in the order given.</returns>
    /// <exception cref="ArgumentException">One of them is null, or names no server or tool: none is made.</exception>
    public Task<IReadOnlyList<BatchOutcome>> ExecuteBatchAsync(IEnumerable<BatchCall> calls, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(calls);
        ThrowIfStopped();
        return BatchRun.RunAsync(_tools, calls, cancellationToken);
    }

    /// <summary>Stops everything in order: new commands and calls are refused, calls in flight may end, then servers stop, those first that others do not
    /// depend on. No process is left afterwards. Later calls wait for the first one.</summary>
    /// <param name="grace">How long calls in flight may take. Null = <see cref="LimitsOptions.DrainGrace"/>. Zero = cut them off.</param>
    public Task ShutdownAsync(TimeSpan? grace = null)
    {
        lock (_lock)
        {
            _resources.Fleet.IsShuttingDown = true;
            return _stopping ??= StopAsync(grace ?? Options.Limits.DrainGrace);
        }
    }

    /// <summary>As <see cref="ShutdownAsync"/> with the default grace, but never longer than a bounded time: what has not ended by then is left to the reaper.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await ShutdownAsync().WaitAsync(Options.Limits.DrainGrace + Options.Limits.StopStdinWait + Options.Limits.StopTermWait + s_disposeExtra, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The stop goes on by itself; whoever disposes must not hang with it, also where the injected clock stands still.
        }
    }

    /// <summary>The server, after everything that was asked of it before.</summary>
    private async Task<ServerActor> SettledAsync(string id, CancellationToken cancellationToken)
    {
        var server = await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false);
        await server.ReadAsync(cancellationToken).ConfigureAwait(false);
        return server;
    }

    /// <summary>Words of the server's own may stand in a reason.</summary>
    private ServerHealth Redacted(ServerHealth health) => health with { Reason = _resources.Redactor.Redact(health.Reason) };

    private static ValueTask<ToolResult> ThrowIfFailed(ValueTask<ToolResult> call, string server, string tool)
    {
        if (!call.IsCompletedSuccessfully)
        {
            return AwaitAsync(call, server, tool);
        }

        // Read once: the object behind a value task may be another call's afterwards.
        var result = call.Result;
        return result.IsError ? ValueTask.FromException<ToolResult>(FailedAs(result, server, tool)) : new ValueTask<ToolResult>(result);

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        static async ValueTask<ToolResult> AwaitAsync(ValueTask<ToolResult> call, string server, string tool)
        {
            var result = await call.ConfigureAwait(false);
            return result.IsError ? throw FailedAs(result, server, tool) : result;
        }

        static ToolFailed FailedAs(ToolResult result, string server, string tool) =>
            new($"The tool '{tool}' of '{server}' failed: {result.Text}") { ServerId = server, Result = result };
    }

    private static async Task WhenSettledAsync(ServerCell cell, CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = cell.Changed;
            if (cell.Current.State != ServerState.Initializing)
            {
                return;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Decision 12: the first lists wait a little for servers that were never listed before and are still starting.</summary>
    private async Task WaitForFirstListsAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(Options.FirstListWaitMs), _resources.Time);
        try
        {
            await Task.WhenAll(_resources.Fleet.Current.InOrder
                .Where(static cell => cell.Current.Catalog.IsUnknown)
                .Select(cell => WhenSettledAsync(cell, limit.Token))).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // From here on lists are answered from what is known.
        }
    }

    private async Task<T> CommandAsync<T>(Func<Task<T>> command, CancellationToken cancellationToken)
    {
        ThrowIfStopped();
        await _operations.WaitAsync(cancellationToken).ConfigureAwait(false);
        var started = _resources.Time.GetTimestamp();
        var failed = true;
        try
        {
            ThrowIfStopped();
            var reply = await command().ConfigureAwait(false);
            failed = false;
            return reply;
        }
        finally
        {
            if (Options.EnableMetrics)
            {
                _commands.Record((long)_resources.Time.GetElapsedTime(started).TotalMicroseconds, failed);
            }

            _operations.Release();
        }
    }

    private async Task RemoveAsync(string id)
    {
        _faults.EndAll("its server was undeployed", id);
        var server = await _fleet.UndeployAsync(id, Options.Limits.DrainGrace, CancellationToken.None).ConfigureAwait(false);
        _faults.EndAll("its server was undeployed", id);
        await _metrics.KeepAsync(server.Cell.Counters, CancellationToken.None).ConfigureAwait(false);
    }

    private async Task StopAsync(TimeSpan grace)
    {
        await Task.Yield();
        _resources.Fleet.AnnounceShutdown();
        _faults.Dispose();
        await _fleet.ShutdownAsync(grace).ConfigureAwait(false);
        await _fleet.DisposeAsync().ConfigureAwait(false);
        await _metrics.DisposeAsync().ConfigureAwait(false);
        await _resources.DisposeAsync().ConfigureAwait(false);
    }

    private void ThrowIfStopped()
    {
        if (_resources.Fleet.IsShuttingDown)
        {
            throw RuntimeShutdown.Now();
        }
    }
}
