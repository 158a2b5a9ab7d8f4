using Fairlead.Catalog;
using Fairlead.Exchanges.Tasks;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>One call from its arrival at a front to its answer: what the client asked, where it went, and the upstream face that it inherits.</summary>
/// <remarks>
/// Pooled. The front rents it, fills it, hands it to <see cref="CallDispatcher"/>, reads messages until it is complete, writes the answer, and calls
/// <see cref="UpstreamCall.Release"/> exactly once. <see cref="Request"/> must stay valid until then.
/// </remarks>
internal sealed class Exchange : GuardedCall
{
    private static readonly CallPool<Exchange> s_pool = new();

    /// <summary>The scan of <see cref="Request"/>.</summary>
    public Envelope RequestEnvelope;

    private Exchange()
    {
    }

    /// <summary>The client's whole request; owned by the front.</summary>
    public ReadOnlyMemory<byte> Request { get; set; }

    /// <summary>The revision the client speaks.</summary>
    public ProtocolVersion ClientVersion { get; set; }

    /// <summary>For legacy clients of modern servers: the capabilities and client info that go into <c>_meta</c>, and the session's log level. Null otherwise.</summary>
    public LegacyClient? Client { get; set; }

    /// <summary>The server.</summary>
    public ServerCell? Cell { get; set; }

    /// <summary>By which entry of the offer the call found its server; null when it was not routed by one.</summary>
    public CatalogRoute? Route { get; set; }

    /// <summary>The server's own name or URI, when it differs from the client's; else null.</summary>
    public byte[]? UpstreamName { get; set; }

    /// <summary>The tasks of all clients, whose ids differ on both sides; null where a call's client knows no tasks. Set by the front.</summary>
    public ClientTasks? Tasks { get; set; }

    /// <summary>What the call has to do with tasks; set when it is sent.</summary>
    public TaskRole TaskRole { get; set; }

    /// <summary>What a further round of a multi round-trip request carries (2026-07-28, basic/utilities/mrtr), when Fairlead makes it for a legacy client: raw members for <c>params</c>. Empty in the first.</summary>
    public byte[] RoundMembers { get; set; } = [];

    /// <summary>Why the input that a server asked for cannot be had, in words for the client; null while nobody has tried.</summary>
    public string? InputFault { get; set; }

    /// <summary>How often it has been sent, or tried to be. Counted by <see cref="Recovery"/>.</summary>
    public int Tries { get; set; } = 1;

    /// <summary>Who calls; set when it is sent.</summary>
    public Caller? Caller { get; set; }

    /// <summary>Carries the call on when it fails; null = nobody does. Set when it is sent.</summary>
    public CallRecovery? Recovery { get; set; }

    /// <summary>The server that was called first, once a fallback has been tried; null before.</summary>
    public ServerCell? FallbackOf { get; set; }

    /// <summary>How many of its fallbacks have been tried.</summary>
    public int FallbackSteps { get; set; }

    /// <summary>Whether the answer is no server's but a fallback's own, in the form of legacy revisions.</summary>
    public bool IsFallback { get; set; }

    /// <summary>The revision that the answer is written in.</summary>
    public ProtocolVersion AnswerVersion => IsFallback || Connection is null ? ProtocolVersion.V20251125 : Connection.Identity.Version;

    /// <summary>The turn that the call has at a server whose calls run one at a time for an owner; given up with the exchange. Null for almost all.</summary>
    public SemaphoreSlim? Turn { get; set; }

    /// <summary>The spans of the call; null for all calls that are not traced. Begun and ended by the front.</summary>
    public CallTrace? Trace { get; set; }

    /// <summary>Takes a clean exchange with two references.</summary>
    public static Exchange Rent()
    {
        if (!s_pool.TryRent(out var exchange))
        {
            exchange = new Exchange();
        }

        exchange.Reset();
        return exchange;
    }

    /// <inheritdoc/>
    public override bool IsKnownAs(ReadOnlySpan<byte> requestIdToken) => RequestEnvelope.Id.Of(Request.Span).SequenceEqual(requestIdToken);

    /// <inheritdoc/>
    public override OutboundFrame Compose()
    {
        if (Trace is not null)
        {
            TrySpan = CallSpans.BeginTry(this);
        }

        return RequestSplicer.Compose(this, Connection!.Identity.IsModern, UpstreamId);
    }

    /// <inheritdoc/>
    protected override bool TryRecover(ForwardError error, string? detail) => Recovery?.TryBegin(this, error) == true;

    /// <inheritdoc/>
    protected override void Settle(ForwardError error)
    {
        if (Trace is { } trace)
        {
            CallSpans.EndGuard(trace, error);
        }

        base.Settle(error);
        if (error == ForwardError.None && Cell is { Current.Config.Fallback.Order.Count: > 0 })
        {
            CallFallback.Keep(this);
        }
    }

    /// <inheritdoc/>
    internal override bool MayStream(ReadOnlySpan<byte> look) => PassingAnswers.CanPass(this, look);

    /// <inheritdoc/>
    protected override bool Intercept(ReadOnlySpan<byte> answer, in Envelope envelope) => TaskTraffic.Intercept(this, answer, envelope);

    /// <inheritdoc/>
    protected override CallMessage Localize(CallMessage message) =>
        TaskRole == TaskRole.Absorbs ? TaskEdits.Unrelated(message) : Tasks is { } tasks && Cell is { } cell ? TaskEdits.Localized(tasks, cell.Name, message) : message;

    /// <inheritdoc/>
    protected override void Recycle()
    {
        if (Trace is { } trace)
        {
            // A call that ended before it was sent may have begun its try afterwards.
            EndTry(ForwardError.ClientCancelled);
            CallSpans.Close(trace);
            Trace = null;
        }

        TaskRole = TaskRole.None;
        Tries = 1;
        Caller = null;
        Recovery = null;
        FallbackOf = null;
        FallbackSteps = 0;
        IsFallback = false;
        Tasks = null;
        Request = default;
        Client = null;
        Cell = null;
        Route = null;
        UpstreamName = null;
        Headers = null;
        RoundMembers = [];
        InputFault = null;
        Turn?.Release();
        Turn = null;
        if (!s_pool.TryReturn(this))
        {
            base.Recycle();
        }
    }
}
