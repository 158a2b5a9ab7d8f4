using System.Runtime.CompilerServices;
using Fairlead.Catalog;
using Fairlead.Events;
using Fairlead.Guards;
using Fairlead.Health;
using Fairlead.Telemetry;
using Fairlead.Upstreams;

namespace Fairlead.Routing;

/// <summary>One server's place in the fleet: a fixed name and the snapshot of the moment.</summary>
/// <remarks>Written only by the server's actor; read by anybody. The delegates are set once by the actor before the cell is published.</remarks>
internal sealed class ServerCell : NamedEndpoint
{
    private readonly ConditionalWeakTable<object, SemaphoreSlim> _turns = [];
    private volatile ServerSnapshot _current;
    private volatile string? _portProblem;
    private volatile int _subscribedResources;
    private volatile bool _hasLeft;
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Starts with <paramref name="first"/>; the guards read <paramref name="time"/>.</summary>
    /// <param name="name">A slug, which is its id.</param>
    /// <param name="first">What is known of it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="events">Told of what happens; null = nobody is.</param>
    public ServerCell(string name, ServerSnapshot first, TimeProvider time, FleetEvents? events = null)
        : base(name)
    {
        Events = events ?? new FleetEvents(time);
        Guards = new ServerGuards(time);
        Guards.Apply(first.Config);
        Counters = new CallMetrics(time);
        States = new StateHistory(time);
        States.Note(first.State);
        NameUtf8 = System.Text.Encoding.UTF8.GetBytes(name);
        _current = first;
    }

    /// <summary>The server's name, a slug and its id, as bytes.</summary>
    public byte[] NameUtf8 { get; }

    /// <summary>The guards of the request path; they follow the configuration that is published.</summary>
    public ServerGuards Guards { get; }

    /// <summary>Told of what happens to it.</summary>
    public FleetEvents Events { get; }

    /// <summary>Counters of the request path.</summary>
    public CallMetrics Counters { get; }

    /// <summary>How long its instances were connected, those that have ended.</summary>
    public SessionTimes Sessions { get; } = new();

    /// <summary>How it was over the last minutes.</summary>
    public StateHistory States { get; }

    /// <summary>What its health checks have found. Written by the monitor of its instance.</summary>
    public HealthRecord Health { get; } = new();

    /// <summary>Resources that it has named in results. Written by whoever passes those on.</summary>
    public NamedUris NamedUris { get; } = new();

    /// <summary>The snapshot of the moment.</summary>
    public ServerSnapshot Current => _current;

    /// <summary>Why the server's own port is not open, in words that follow the server's name; null when it is open, or there is none. Written by whoever opens it.</summary>
    public string? PortProblem
    {
        get => _portProblem;
        set => _portProblem = value;
    }

    /// <summary>Whether the server has left the fleet; what is left of it is still ending. Written by whoever publishes the fleet.</summary>
    public bool HasLeft
    {
        get => _hasLeft;
        set => _hasLeft = value;
    }

    /// <summary>How many of its resources connected clients want to be told of. Written by whoever keeps their subscriptions.</summary>
    public int SubscribedResources
    {
        get => _subscribedResources;
        set => _subscribedResources = value;
    }

    /// <summary>An instance that was ready has ended.</summary>
    /// <param name="connection">The instance.</param>
    /// <param name="length">How long it lasted.</param>
    /// <param name="isLost">Whether it ended without Fairlead wanting it.</param>
    public void NoteSession(UpstreamConnection connection, TimeSpan length, bool isLost)
    {
        var version = connection.Identity.Version;
        Sessions.Record(version, isLost, length);
        OperationInstruments.RecordClientSession(length, version, isLost, Name, ServerFamilies.TransportOf(Current.Config));
    }

    /// <summary>The instance for the next call of a caller, among those that share the calls.</summary>
    /// <param name="snapshot">The server at this moment; callable.</param>
    /// <param name="caller">Who calls.</param>
    public UpstreamConnection Choose(ServerSnapshot snapshot, Caller caller) =>
        snapshot.Trial is { } trial && trial.TakesNext(caller, snapshot.Config.LoadBalancing.SessionAffinity, Guards) ? trial.Connection
        : snapshot.Replicas.Length < 2 ? snapshot.Shared!
        : Guards.Balancer.Pick(snapshot.Replicas, snapshot.Config.LoadBalancing, caller.Owner, caller.IsSession, Guards.Time.GetTimestamp());

    /// <summary>Wakes a sleeping server; returns at once. Set by the actor.</summary>
    public Action Wake { get; init; } = static () => { };

    /// <summary>Gives the instance for a caller when the server is asking or isolated (decision 8.3, 8.5). Null result: use the shared one. Set by the actor.</summary>
    /// <remarks>Ask for every call: which sessions have used the shared instance decides later. Completes at once, without allocating, unless an instance must be started.
    /// Throws <see cref="ConnectionFailed"/> when isolation was demanded and the instance cannot be started.</remarks>
    public Func<Caller, CancellationToken, ValueTask<UpstreamConnection?>>? InstanceFor { get; init; }

    /// <summary>Ends what belongs to an owner who has gone. Returns at once. Set by the actor.</summary>
    public Action<object> ReleaseOwner { get; init; } = static _ => { };

    /// <summary>What calls of one owner wait for where they run one at a time (decision 8.4). The owner is held weakly.</summary>
    public SemaphoreSlim TurnOf(object owner) => _turns.GetValue(owner, static _ => new SemaphoreSlim(1, 1));

    /// <summary>The instance beside the shared one that the next call of a caller goes to, and what it lacks of what that one has, as far as that is known. Null when it is the shared one or not there yet: nothing is started. Set by the actor.</summary>
    public Func<Caller, (UpstreamConnection Connection, LessOffered? Less)?> OwnOf { get; init; } = static _ => null;

    /// <summary>Completes when the next snapshot is published.</summary>
    public Task Changed => _changed.Task;

    /// <inheritdoc/>
    public override bool Serves(ServerCell server) => ReferenceEquals(server, this);

    /// <summary>Publishes a snapshot. Only the server's actor calls it.</summary>
    public void Publish(ServerSnapshot snapshot)
    {
        if (!ReferenceEquals(snapshot.Config, _current.Config))
        {
            Guards.Apply(snapshot.Config);
        }

        var before = _current;
        _current = snapshot;
        States.Note(snapshot.State);
        var told = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        told.TrySetResult();
        Events.TellOf(this, before, snapshot);
    }

    /// <summary>Waits while the server is Initializing or Idle, waking it if it sleeps.</summary>
    /// <returns>The first snapshot that is worth no waiting; whether calls run then is for the caller to look at.</returns>
    public async ValueTask<ServerSnapshot> WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // The task is taken before the snapshot is read: a change between the two completes the task already taken.
            var changed = Changed;
            var snapshot = Current;
            if (!snapshot.IsWorthWaiting)
            {
                return snapshot;
            }

            if (snapshot.State == ServerState.Idle)
            {
                Wake();
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
