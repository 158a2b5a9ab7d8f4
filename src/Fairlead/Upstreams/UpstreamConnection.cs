using System.Text;
using Fairlead.Configuration;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>One connection to one instance of a server, of either shape (decision 5): multiplexed (stdio, in-process pipe) or a stream per call (HTTP).</summary>
/// <remarks>
/// Owns the table of calls in flight. Any thread may open, send and cancel. A connection ends once: <see cref="Lost"/> completes, every open call
/// fails with <see cref="ForwardError.ServerLost"/>, and no call can be opened any more.
/// </remarks>
internal abstract partial class UpstreamConnection : IAsyncDisposable
{
    private static long s_numbers;

    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly DeadlineSweep _sweep;
    private UpstreamIdentity? _identity;
    private string? _flood;
    private string? _refusal;
    private Action<UpstreamConnection, TimeSpan, bool>? _sessionEnded;
    private long _sessionBegan;
    private int _isOver;
    private readonly AbandonedCalls _abandoned;
    private long _signsOfLife;
    private long _waited;

    /// <summary>What the guards know of this instance; theirs alone.</summary>
    internal object? Guard;

    /// <summary>Starts with no call open and joins <paramref name="sweep"/>.</summary>
    protected UpstreamConnection(string server, DeadlineSweep sweep, LimitsOptions limits)
    {
        Server = server;
        Limits = limits;
        Verbosity = new ServerLogLevel(this);
        _sweep = sweep;
        StartedAt = sweep.TimeProvider.GetUtcNow();
        ServerTasks = new ServerTasks(this);
        Questions = new ServerRequests(this);
        _abandoned = new AbandonedCalls(sweep);
        Buffers = new BufferBudget(limits.BufferedBytesTotalMax);
        sweep.Add(this);
    }

    /// <summary>Tells this connection from every other one of this process.</summary>
    public long Number { get; } = Interlocked.Increment(ref s_numbers);

    /// <summary>When it was made: its process, if it has one, was started a moment before.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>Name of the server, as users know it.</summary>
    public string Server { get; }

    /// <summary>Bounds of this connection.</summary>
    public LimitsOptions Limits { get; }

    /// <summary>Room for large messages. All connections of a manager share one; a connection by itself has its own. Set before the first call.</summary>
    public BufferBudget Buffers { get; set; }

    /// <summary>How verbose the server was told to log.</summary>
    public ServerLogLevel Verbosity { get; }

    /// <summary>The calls in flight.</summary>
    public PendingTable Pending { get; } = new();

    /// <summary>The clock and the deadlines.</summary>
    public DeadlineSweep Sweeper => _sweep;

    /// <summary>What the server is; set by the handshake before anybody else sees the connection.</summary>
    public UpstreamIdentity Identity
    {
        get => _identity ?? throw new InvalidOperationException("The handshake has not ended.");
        internal set => _identity = value;
    }

    /// <summary>What the server is; null before the handshake has ended.</summary>
    internal UpstreamIdentity? IdentityOrNull => _identity;

    /// <summary>In which form the server runs tools as tasks; none before the handshake has ended.</summary>
    internal TaskForm Tasks => _identity?.Tasks ?? TaskForm.None;

    /// <summary>What tasks need beside the calls in flight.</summary>
    internal ServerTasks ServerTasks { get; }

    /// <summary>What the server has asked of clients and waits for.</summary>
    internal ServerRequests Questions { get; }

    /// <summary>Receives notifications that belong to no call in flight (list_changed, resources/updated, log lines), on the reader's thread: it must not block. Set before the handshake.</summary>
    public Action<UpstreamConnection, CallMessage>? NotificationReceived { get; set; }

    /// <summary>Told each time a reader pauses because the server floods, with the reason in words that follow the server's name. On the reader's thread. Set before the handshake.</summary>
    public Action<string>? PausedByFlood { get; set; }

    /// <summary>Told in words, on any thread, that the server does not accept Fairlead's credentials any more, although it did at the handshake. It must not block.</summary>
    public Action<string>? Refused { get; set; }

    /// <summary>In which words it told so; null before.</summary>
    public string? Refusal => Volatile.Read(ref _refusal);

    /// <summary>How the server floods at the moment, for people; null when it does not.</summary>
    public string? Flood
    {
        get => Volatile.Read(ref _flood);
        set => Volatile.Write(ref _flood, value);
    }

    /// <summary>Faults that are injected on purpose; null almost always. Written by the sweep, which knows all connections.</summary>
    internal volatile LinkFaults? Faults;

    /// <summary>The child process at the other end; null when there is none.</summary>
    internal virtual Processes.ChildProcess? Child => null;

    /// <summary>Told once each kind of question a legacy server asks ("elicitation/create", ...): decision 8.3. On the reader's thread.</summary>
    public Action<UpstreamConnection, McpMethod>? Asked { get; set; }

    /// <summary>Asks the one owner that this connection works for, when the server asks outside of any call; false when that cannot be now. Null: it works for everybody. Set before the handshake.</summary>
    public Func<CallMessage, bool>? AskOwner { get; set; }

    /// <summary>Whether the server reads messages in the order in which they were sent; not over HTTP, where each has a request of its own.</summary>
    internal virtual bool KeepsOrder => false;

    /// <summary>Whether a question may be about any call in flight: then none of them is taken for silent while a client is asked, since the server may be waiting for a person.</summary>
    internal virtual bool SharesQuestions => false;

    /// <summary>The raw result of <c>roots/list</c> when no client can be asked; default an empty list (decision 8.1).</summary>
    public byte[] RootsResult { get; set; } = "{\"roots\":[]}"u8.ToArray();

    /// <summary>Completes when the connection has ended, with the reason in words.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>Answers that met no open call: late, duplicate or invented.</summary>
    public long LateAnswers => _abandoned.LateAnswers;

    /// <inheritdoc cref="AbandonedCalls.StrayAnswers"/>
    internal long StrayAnswers => _abandoned.StrayAnswers;

    /// <summary>Rises with each answer and each progress of a call. Whoever waits for one answer sees by it whether the server works on others.</summary>
    public long SignsOfLife => Volatile.Read(ref _signsOfLife);

    /// <summary>Notes that the server does not accept Fairlead's credentials any more.</summary>
    internal void NoteRefused(string reason)
    {
        Volatile.Write(ref _refusal, reason);
        Refused?.Invoke(reason);
    }

    /// <summary>Notes an answer or progress. On a reader's thread.</summary>
    internal void NoteLife() => Interlocked.Increment(ref _signsOfLife);

    /// <summary>Opens <paramref name="call"/>: gives it a slot and an id. Deadlines must be set before.</summary>
    /// <returns>False when the connection has ended or is full; the call then keeps both references.</returns>
    public bool TryOpen(UpstreamCall call)
    {
        call.Connection = this;
        call.OpenedAt = _sweep.Now;
        if (!Pending.TryOpen(call))
        {
            return false;
        }

        _sweep.EnsureRunning();
        return true;
    }

    /// <summary>Sends the request of an open call. Never blocks and never throws for what the server does: the call fails instead.</summary>
    /// <param name="call">The call; it was opened here.</param>
    /// <param name="frame">The whole request with the call's upstream id; owned by the connection from here on.</param>
    public void Send(UpstreamCall call, OutboundFrame frame)
    {
        if (Faults is not { } faults || !faults.TryTake(this, call, frame))
        {
            Transmit(call, frame);
        }
    }

    /// <summary>Sends a notification or an answer. Owned by the connection from here on; lost silently when the connection has ended.</summary>
    public void Post(OutboundFrame frame)
    {
        if (Faults is { IsCutOff: true })
        {
            frame.Return();
            return;
        }

        Transmit(frame);
    }

    /// <summary>Closes the connection as if it had been lost: every open call fails with the reason.</summary>
    internal virtual void Sever(string reason) => Lose(reason);

    /// <summary>As <see cref="Send"/>, past all faults.</summary>
    protected internal abstract void Transmit(UpstreamCall call, OutboundFrame frame);

    /// <summary>As <see cref="Post"/>, past all faults.</summary>
    protected abstract void Transmit(OutboundFrame frame);

    /// <summary>Tells a legacy server that the handshake has ended; returns when calls may follow.</summary>
    internal virtual Task ConfirmInitializedAsync(CancellationToken cancellationToken)
    {
        Post(OutboundFrame.Copy("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"u8));
        return Task.CompletedTask;
    }

    /// <summary>The client gave up: ends the call with <see cref="ForwardError.ClientCancelled"/> and tells the server. Nothing happens when the call ended already.</summary>
    public void Cancel(UpstreamCall call, ForwardError cause = ForwardError.ClientCancelled)
    {
        call.NoteGivenUp();
        if (Pending.TryTake(call.UpstreamId, cause, out var taken))
        {
            GiveUp(taken);
            taken.Fail(cause, null);
        }
    }

    /// <summary>Cancels the open call of <paramref name="owner"/> that its client knows by <paramref name="requestIdToken"/>.</summary>
    internal bool TryCancel(object owner, ReadOnlySpan<byte> requestIdToken)
    {
        for (var i = 0; i < Pending.Used; i++)
        {
            var id = Pending.Peek(i, out var call);
            if (id == 0 || !ReferenceEquals(call!.Owner, owner) || !Pending.TryBeginDelivery(id, out var held))
            {
                continue;
            }

            // Held open, the call is surely this one and its request is still there to compare with.
            var matches = ReferenceEquals(held.Owner, owner) && held.IsKnownAs(requestIdToken);
            EndDelivery(held);
            if (matches && Pending.TryTake(id, ForwardError.ClientCancelled, out var taken))
            {
                GiveUp(taken);
                taken.Fail(ForwardError.ClientCancelled, null);
                return true;
            }
        }

        return false;
    }

    /// <summary>Answers a request of the server.</summary>
    /// <param name="requestId">The raw id token of the request.</param>
    /// <param name="member">"result" or "error".</param>
    /// <param name="payload">The raw value of that member.</param>
    internal void AnswerRequest(ReadOnlySpan<byte> requestId, ReadOnlySpan<byte> member, ReadOnlySpan<byte> payload)
    {
        var frame = OutboundFrame.Rent(64 + requestId.Length + payload.Length);
        frame.Append("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        frame.Append(requestId);
        frame.Append(",\""u8);
        frame.Append(member);
        frame.Append("\":"u8);
        frame.AppendBlankingNewlines(payload);
        frame.Append("}"u8);
        Post(frame);
    }

    /// <summary>Ends calls whose deadline has passed and wakes those whose grace is over.</summary>
    /// <returns>Whether any call was open.</returns>
    internal bool Sweep(long now)
    {
        var any = false;

        // The time in which people were asked is left out, for every call on the pipe: the server may have waited for any of them.
        var waited = SharesQuestions ? Questions.Waited : 0;
        var waitedSince = waited - Interlocked.Exchange(ref _waited, waited);
        for (var i = 0; i < Pending.Used; i++)
        {
            var id = Pending.Peek(i, out var call);
            if (id == 0)
            {
                continue;
            }

            any = true;
            if (waitedSince > 0)
            {
                call!.ExtendIdleDeadline(Math.Min(waitedSince, now - call.OpenedAt));
            }

            var idle = Volatile.Read(ref call!.IdleDeadline);
            var hard = Volatile.Read(ref call.HardDeadline);
            if (now >= idle || now >= hard)
            {
                var cause = now >= hard ? ForwardError.ServerTimedOutHard : ForwardError.ServerTimedOut;
                if (Pending.TryTake(id, cause, out var taken))
                {
                    GiveUp(taken);
                    taken.Fail(cause, null);
                }
            }
            else if (now >= Volatile.Read(ref call.GraceDeadline) && Pending.TryBeginDelivery(id, out var waiting))
            {
                waiting.DeliverGrace();
                EndDelivery(waiting);
            }
        }

        return any;
    }

    /// <inheritdoc cref="AbandonedCalls.AreForOthers"/>
    internal bool WorksForOthers(object owner) => _abandoned.AreForOthers(owner);

    /// <summary>Tells the server that a call has been given up: a cancelled notification, or the end of the call's own stream.</summary>
    protected virtual void AbandonAtServer(UpstreamCall call)
    {
        _abandoned.Add(call, nobody: this);

        // initialize must not be cancelled (2025-11-25, basic/utilities/cancellation).
        if (call.IsInitialize)
        {
            return;
        }

        var frame = OutboundFrame.Rent(128);
        frame.Append("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":"u8);
        frame.Append(call.UpstreamId);
        frame.Append(",\"reason\":\"The client gave up.\"}}"u8);
        Post(frame);
        if (_identity is { IsModern: true } && Faults is not { IsCutOff: true })
        {
            _abandoned.NoteTold(call.UpstreamId);
        }
    }

    /// <summary>The handshake has ended.</summary>
    /// <param name="ended">Told once, on any thread and before <see cref="Lost"/> completes, how long the session lasted and whether the server was lost; it must not block.</param>
    internal void BeginSession(Action<UpstreamConnection, TimeSpan, bool> ended)
    {
        _sessionBegan = _sweep.TimeProvider.GetTimestamp();
        Volatile.Write(ref _sessionEnded, ended);
        if (Volatile.Read(ref _isOver) != 0)
        {
            EndSession(isLost: true);
        }
    }

    /// <summary>Ends the connection: every open call fails with <see cref="ForwardError.ServerLost"/>. The first reason is kept.</summary>
    /// <param name="reason">In words that follow the server's name.</param>
    /// <param name="byUs">Whether Fairlead wants it, not the server.</param>
    protected void Lose(string reason, bool byUs = false)
    {
        if (Interlocked.Exchange(ref _isOver, 1) != 0)
        {
            return;
        }

        EndSession(!byUs);
        _lost.TrySetResult(reason);
        Pending.Close();
        _sweep.Remove(this);
        for (var i = 0; i < Pending.Used; i++)
        {
            var id = Pending.Peek(i, out _);
            if (id != 0 && Pending.TryTake(id, ForwardError.ServerLost, out var call))
            {
                call.Fail(ForwardError.ServerLost, reason);
            }
        }
    }

    private void EndSession(bool isLost) => Interlocked.Exchange(ref _sessionEnded, null)?.Invoke(this, _sweep.TimeProvider.GetElapsedTime(_sessionBegan), isLost);

    /// <summary>Ends a delivery, completing the call when somebody wanted to end it meanwhile.</summary>
    internal void EndDelivery(UpstreamCall call)
    {
        var doom = Pending.EndDelivery(call);
        if (doom != ForwardError.None)
        {
            if (doom is not ForwardError.ServerLost)
            {
                GiveUp(call);
            }

            call.Fail(doom, null);
        }
    }

    /// <summary>Sends the call with this id, whose turn has come.</summary>
    /// <returns>False when it has ended meanwhile.</returns>
    internal bool TrySendQueued(long upstreamId)
    {
        if (!Pending.TryBeginDelivery(upstreamId, out var call))
        {
            return false;
        }

        call.SendQueued();
        EndDelivery(call);
        return true;
    }

    /// <summary>Puts a message into the inbox of the call with this id, if the call is <paramref name="owner"/>'s.</summary>
    /// <returns>Whether the call was open and took it.</returns>
    internal bool TryDeliver(long upstreamId, CallMessage message, object? owner)
    {
        if (!Pending.TryBeginDelivery(upstreamId, out var call))
        {
            return false;
        }

        var taken = ReferenceEquals(call.Owner, owner) && (call.WantsProgress || message.Envelope.KnownMethod != McpMethod.NotificationsProgress) && call.Deliver(message);
        EndDelivery(call);
        return taken;
    }

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>Tells the server that a call has been given up, and the task with it that only this call knows.</summary>
    private void GiveUp(UpstreamCall call)
    {
        if (call.IsQueued || !call.IsAtServer)
        {
            return;
        }

        AbandonAtServer(call);
        _abandoned.NoteGivenUp();
        if (call is { OwnsTask: true, TaskAtServer: { } task })
        {
            ServerTasks.Cancel(task);
        }
    }

    /// <summary>For people: server, kind and number of open calls.</summary>
    public override string ToString() =>
        new StringBuilder(Server).Append(" (").Append(GetType().Name).Append(", ").Append(Pending.CountOpen()).Append(" open)").ToString();
}
