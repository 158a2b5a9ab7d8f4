using Fairlead.AspNetCore.Auth;
using Fairlead.Audit;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Exchanges;
using Fairlead.Exchanges.Tasks;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.State;
using Fairlead.Telemetry;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>What all MCP endpoints of one process share. Built once; every member may be used from any thread.</summary>
internal sealed partial class McpFront : IAsyncDisposable
{
    private readonly OwnerLists _ownerLists = new();

    /// <summary>Takes the parts it does not own: fleet, sweep, options, files of the state folder (null = sessions end with the process).</summary>
    public McpFront(Fleet fleet, DeadlineSweep sweep, FairleadOptions options, StateFiles? state, ILogger<McpFront> logger, AuditLog? audit = null)
    {
        Fleet = fleet;
        Options = options;
        Sweep = sweep;
        Logger = logger;
        TimeProvider = sweep.TimeProvider;
        Dispatcher = new CallDispatcher(fleet, sweep, options.Limits, audit);
        Audit = audit;
        var tickets = new SessionTickets(state, TimeProvider, logger);
        Sessions = new SessionTable(options.Limits, tickets, TimeProvider);
        Callers = new ModernCallers(options.Limits, TimeProvider);
        Parked = new ParkedCalls(options.Limits, tickets, sweep, logger);
        Subscriptions = new ResourceSubscriptions(fleet);
        Tasks = new ClientTasks(fleet, state);
        Hosts = new HostOriginPolicy(options.PublicUrl, options.AllowedOrigins);
        Limits = new ScanLimits(options.Limits.JsonDepthMax, options.Limits.IdBytesMax);
        GraceTicks = sweep.Ticks(TimeSpan.FromMilliseconds(options.SseGraceMs));
        Listeners = new Listeners(fleet);
        Operations = new CallMetrics(TimeProvider);
        Sessions.Ended += RecordSession;
        Broadcast = new SessionBroadcast(fleet, Sessions, Subscriptions, logger);
    }

    /// <summary>The servers.</summary>
    public Fleet Fleet { get; }

    /// <summary>What the user configured.</summary>
    public FairleadOptions Options { get; }

    /// <summary>Deadlines and the clock they are measured with.</summary>
    public DeadlineSweep Sweep { get; }

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>The record of who did what; null when there is none.</summary>
    public AuditLog? Audit { get; }

    /// <summary>Sends calls.</summary>
    public CallDispatcher Dispatcher { get; }

    /// <summary>Legacy sessions.</summary>
    public SessionTable Sessions { get; }

    /// <summary>Who calls, for clients that keep no session.</summary>
    public ModernCallers Callers { get; }

    /// <summary>Calls that wait for their clients' input.</summary>
    public ParkedCalls Parked { get; }

    /// <summary>Resource subscriptions towards servers.</summary>
    public ResourceSubscriptions Subscriptions { get; }

    /// <summary>Tasks of servers and the ids by which clients know them.</summary>
    public ClientTasks Tasks { get; }

    /// <summary>Tells sessions of changes.</summary>
    public SessionBroadcast Broadcast { get; }

    /// <summary>The listen streams that are open.</summary>
    public Listeners Listeners { get; }

    /// <summary>What the requests of clients came to.</summary>
    public CallMetrics Operations { get; }

    /// <summary>How long legacy sessions lasted, those that have ended.</summary>
    public SessionTimes SessionTimes { get; } = new();

    /// <summary>Host and Origin check.</summary>
    public HostOriginPolicy Hosts { get; }

    /// <summary>Listeners of single servers.</summary>
    public PortTable Ports { get; } = new();

    /// <summary>Bounds of the scan.</summary>
    public ScanLimits Limits { get; }

    /// <summary>How long an answer may keep the choice between JSON and SSE open (decision 7), in ticks of the sweep's clock.</summary>
    public long GraceTicks { get; }

    /// <summary>Where the front logs.</summary>
    public ILogger Logger { get; }

    /// <summary>What is offered at an endpoint: the aggregate, one server, or a profile.</summary>
    public CatalogSnapshot OfferedAt(NamedEndpoint? cell) => cell is null ? Fleet.Aggregate : cell.Offered;

    /// <summary>One page of a list as a caller sees it: without what the instance that its calls go to does not have.</summary>
    /// <inheritdoc cref="CatalogSnapshot.TryGetPage"/>
    public bool TryGetPage(NamedEndpoint? cell, Caller caller, ListKind kind, ProtocolVersion clientVersion, ReadOnlySpan<byte> cursorToken, out ReadOnlyMemory<byte> result) =>
        _ownerLists.For(OfferedAt(cell).List(kind), caller).TryGetPage(ListAudiences.Of(clientVersion), cursorToken, out result);

    /// <summary>Waits until lists are worth answering (decision 12): within the first moments after the start, for servers of which nothing is known yet.</summary>
    public ValueTask ListsReadyAsync(NamedEndpoint? cell, CancellationToken cancellationToken)
    {
        var wait = Fleet.FirstListWait;
        if (wait.IsCompleted || (cell is ServerCell server && !(server.Current.IsWorthWaiting && server.Current.Catalog.IsUnknown)))
        {
            return default;
        }

        return new ValueTask(wait.WaitAsync(cancellationToken));
    }

    /// <summary>Counts a request that Fairlead answers by itself, and traces it when somebody wants that.</summary>
    /// <param name="request">What it was.</param>
    /// <param name="body">Its bytes.</param>
    /// <param name="code">The code of the error that it is answered with; 0 = none.</param>
    /// <param name="version">The revision that the client speaks.</param>
    /// <param name="context">The HTTP request that brought it alone; null when there is none.</param>
    /// <param name="session">The id of the legacy session; null for none.</param>
    public void RecordOwn(in OwnRequest request, ReadOnlySpan<byte> body, int code, ProtocolVersion version, HttpContext? context, string? session = null)
    {
        var now = TimeProvider.GetTimestamp();
        var status = code != 0 ? CallStatus.Error : CallStatus.Ok;
        Operations.Record(request.Method, status, request.Started, now);
        if (OperationInstruments.AreOn)
        {
            OperationInstruments.RecordServer(TimeProvider.GetElapsedTime(request.Started, now), request.Method, status);
        }

        if (Tracing.IsOn)
        {
            var headers = context?.Request.Headers;
            var began = TimeProvider.GetUtcNow().UtcDateTime - TimeProvider.GetElapsedTime(request.Started, now);
            CallSpans.AddOwn(request, body, version, headers?.TraceParent.ToString(), headers?.TraceState.ToString(), session, code, began);
        }
    }

    /// <summary>Counts a request of a legacy session that Fairlead answers by itself.</summary>
    /// <inheritdoc cref="RecordOwn(in OwnRequest, ReadOnlySpan{byte}, int, ProtocolVersion, HttpContext?, string?)"/>
    public void RecordOwn(in OwnRequest request, ReadOnlySpan<byte> body, int code, LegacyReply reply, LegacySession session) =>
        RecordOwn(request, body, code, session.Version, reply.Request, session.Id);

    private void RecordSession(LegacySession session)
    {
        SessionTimes.Record(session.Version, isLost: false, session.Age);
        OperationInstruments.RecordServerSession(session.Age, session.Version);
    }

    /// <summary>Tells of an error of our own in a message that has no response to tell it in.</summary>
    public void LogMessageFailed(Exception bug) => LogMessageFailed(Logger, bug);

    [LoggerMessage(EventIds.FrontMessageFailed, LogLevel.Error, "A message of an HTTP+SSE connection could not be handled.")]
    private static partial void LogMessageFailed(ILogger logger, Exception bug);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Broadcast.Dispose();
        Listeners.Dispose();
        Parked.Dispose();
        Dispatcher.Dispose();
        Sessions.Dispose();
        Tasks.Dispose();
        await Subscriptions.DisposeAsync().ConfigureAwait(false);
    }
}
