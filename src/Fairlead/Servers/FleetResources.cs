using System.Collections.Frozen;
using Fairlead.Actors;
using Fairlead.Audit;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Events;
using Fairlead.Health;
using Fairlead.Processes;
using Fairlead.Routing;
using Fairlead.Security;
using Fairlead.State;
using Fairlead.Upstreams;
using Fairlead.Upstreams.InProcess;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>What all servers of one manager share. Made by <see cref="McpManager"/>, which also takes it down.</summary>
internal sealed class FleetResources : IAsyncDisposable
{
    private readonly CatalogStore? _store;

    /// <summary>Starts nothing yet but the bookkeeping.</summary>
    /// <param name="options">A copy that nobody changes any more.</param>
    /// <param name="loggers">Makes the loggers of all parts.</param>
    /// <param name="time">The clock of everything.</param>
    /// <param name="redactor">Knows the secrets of the loaded configuration; those of every server are added.</param>
    public FleetResources(FairleadOptions options, ILoggerFactory loggers, TimeProvider time, SecretRedactor redactor)
    {
        Redactor = redactor;
        Fleet = new Fleet
        {
            Profiles = options.Profiles.ToFrozenDictionary(static pair => pair.Key, static pair => new ProfileEndpoint(pair.Key, OptionsShape.Copy(pair.Value)), StringComparer.Ordinal),
        };
        Options = options;
        Loggers = loggers;
        Time = time;
        Events = new FleetEvents(time);
        Sweep = new DeadlineSweep(time);
        Buffers = new BufferBudget(options.Limits.BufferedBytesTotalMax);
        Processes = new ProcessSupervisor(loggers.CreateLogger("Fairlead.Processes"), time);
        Health = new HealthChecks(Processes, redactor, time);
        Gate = new StartGate(options.StartConcurrency == 0 ? null : options.StartConcurrency);
        State = options.StateFolder is { } folder ? new StateFiles(folder, time, loggers.CreateLogger("Fairlead.State")) : null;
        _store = State is null ? null : new CatalogStore(State);
        Audit = State is null || options.Audit.Record == AuditScope.Off ? null : new AuditLog(State, options.Audit, redactor, loggers.CreateLogger("Fairlead.Audit"));
        Catalogue = new Catalogue(Fleet, options.Naming, _store, loggers.CreateLogger("Fairlead.Catalog"));
        Work = new BackgroundWork("fleet", loggers.CreateLogger("Fairlead.Servers"));
        Verdicts = EraVerdicts.Open(State, time);
    }

    /// <summary>What the user wrote.</summary>
    public FairleadOptions Options { get; }

    /// <summary>Makes loggers.</summary>
    public ILoggerFactory Loggers { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>Told of what happens.</summary>
    public FleetEvents Events { get; }

    /// <summary>Where the request path finds the servers.</summary>
    public Fleet Fleet { get; }

    /// <summary>The deadlines of all calls.</summary>
    public DeadlineSweep Sweep { get; }

    /// <summary>Room for large messages.</summary>
    public BufferBudget Buffers { get; }

    /// <summary>Starts children and ends them.</summary>
    public ProcessSupervisor Processes { get; }

    /// <summary>Makes the health checks of all servers.</summary>
    public HealthChecks Health { get; }

    /// <summary>How many starts run at once.</summary>
    public StartGate Gate { get; }

    /// <summary>Starts of instances wait for this: the fronts open before the servers start (decision 12), so that the endpoint does not share the processor with them.</summary>
    public Task StartsMayBegin { get; set; } = Task.CompletedTask;

    /// <summary>Told of each changed configuration that a reload brings into force, before its servers change. Set while the manager is made.</summary>
    public Action<FairleadOptions> Reloaded { get; set; } = static _ => { };

    /// <summary>The files of the state folder; null when nothing is kept.</summary>
    public StateFiles? State { get; }

    /// <summary>The record of who did what; null when there is none.</summary>
    public AuditLog? Audit { get; }

    /// <summary>What was learned of servers' eras.</summary>
    public EraVerdicts Verdicts { get; }

    /// <summary>The lists of all servers.</summary>
    public Catalogue Catalogue { get; }

    /// <summary>Keeps work that belongs to no single server's life.</summary>
    public BackgroundWork Work { get; }

    /// <summary>Servers inside this process.</summary>
    public InProcessRegistry InProcess { get; } = new();

    /// <summary>Knows the secret values of all configurations.</summary>
    public SecretRedactor Redactor { get; }

    /// <summary>The value of a variable that a built-in server may take: from the configuration's <c>.env</c> files or the process. Null when it is not set.</summary>
    public string? FindVariable(string name) => Options.Variables is { } variables ? variables.GetValueOrDefault(name) : Environment.GetEnvironmentVariable(name);

    /// <summary>Ends every child that is left, then writes what is unwritten.</summary>
    public async ValueTask DisposeAsync()
    {
        await Processes.DisposeAsync().ConfigureAwait(false);
        await Work.WhenIdleAsync().ConfigureAwait(false);
        await Verdicts.DisposeAsync().ConfigureAwait(false);
        await Catalogue.DisposeAsync().ConfigureAwait(false);
        if (Audit is not null)
        {
            await Audit.DisposeAsync().ConfigureAwait(false);
        }

        _store?.Dispose();
        Health.Dispose();
        Sweep.Dispose();
        Gate.Dispose();
    }
}
