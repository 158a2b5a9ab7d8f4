using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Tasks.Sources;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>A message that a server sent for a call before the answer: progress, a log line, or a question.</summary>
/// <param name="Bytes">The whole JSON text; owned by this object.</param>
/// <param name="Envelope">Its scan.</param>
internal sealed record CallMessage(byte[] Bytes, Envelope Envelope)
{
    /// <summary>For a question: the request of the server, which waits for its end. Null for notifications.</summary>
    public ServerRequest? Question { get; init; }

    /// <summary>When it is no message but the begin of an answer that is passed on while it comes: the answer, which its reader closes. Null for all else.</summary>
    public AnswerStream? Answer { get; init; }
}

/// <summary>One call as the server's side sees it: its slot, its deadlines, its inbox and its end.</summary>
/// <remarks>
/// References keep it: the caller's, given up with <see cref="Release"/>, and the slot's, given up by whoever took the slot after
/// <see cref="Complete"/> or <see cref="Fail"/>, and one for each <see cref="Retain"/>. Producers are exclusive by the slot's word, so the inbox has one producer at a time and one consumer.
/// The consumer loops: awaits <see cref="WaitAsync"/>, looks at <see cref="IsComplete"/>, and empties the inbox with <see cref="TryReadMessage"/> before it acts on what it saw.
/// Questions that it leaves unread are declined with the last reference.
/// </remarks>
internal class UpstreamCall : IValueTaskSource<bool>
{
    private const int NobodyWaits = 0;
    private const int ConsumerWaits = 1;

    private ManualResetValueTaskSourceCore<bool> _signal = new() { RunContinuationsAsynchronously = true };
    private ConcurrentQueue<CallMessage>? _inbox;
    private byte[] _answer = [];
    private int _answerLength;
    private int _references;
    private int _inboxBytes;
    private int _waiting;
    private int _complete;
    private int _graceIsOver;
    private int _givenUp;
    private int _rests;
    private BufferBudget? _room;
    private int _roomBytes;

    /// <summary>The id that the server sees; set by <see cref="PendingTable.TryOpen"/>.</summary>
    public long UpstreamId { get; internal set; }

    /// <summary>The connection the call was opened on; null before.</summary>
    public UpstreamConnection? Connection { get; internal set; }

    /// <summary>Who asked (decision 8): a legacy session, or the interned pair of principal and clientInfo. Compared by reference. Null: Fairlead itself.</summary>
    public object? Owner { get; set; }

    /// <summary>Whether the client sent a progress token, so that progress has somewhere to go.</summary>
    public bool WantsProgress { get; set; }

    /// <summary>Whether questions and log lines of the server can reach the client while this call is open.</summary>
    public bool CarriesMessages { get; set; }

    /// <summary>Whether it is a listen of Fairlead's own: it ends with the connection, so nobody waits for its end.</summary>
    public bool IsListening { get; set; }

    /// <summary>Custom headers that the tool's schema asks for, for HTTP servers of 2026-07-28; null for almost all calls.</summary>
    public McpHeaderParameter[]? Headers { get; set; }

    /// <summary>Timestamp at which the call was opened.</summary>
    public long OpenedAt { get; internal set; }

    /// <summary>HTTP status of the head that the server answered with; 0 when there was none, or no HTTP.</summary>
    public int HttpStatus { get; internal set; }

    /// <summary>Whether this is <c>initialize</c>, which must not be cancelled.</summary>
    public bool IsInitialize { get; init; }

    /// <summary>Whether <see cref="Intercept"/> looks at the answer before it ends the call: only where tasks may be spoken of.</summary>
    public bool LooksAtAnswer { get; set; }

    /// <summary>Whether the consumer can take an answer as an <see cref="AnswerStream"/>; set before the call is sent.</summary>
    public bool StreamsAnswer { get; set; }

    /// <summary>Whether the answer was passed on while it came, or part of it was: there is no <see cref="Answer"/> then.</summary>
    public bool IsStreamed { get; private set; }

    /// <summary>The raw id token of the task at a legacy server that this call waits for (<c>tasks/result</c>); null for almost all calls.</summary>
    public byte[]? TaskAtServer { get; set; }

    /// <summary>Whether the client knows nothing of the task that this call creates and waits for, so that the task ends when the call is given up.</summary>
    public bool OwnsTask { get; set; }

    /// <summary>Whether the call is open and waits for its turn to be sent (<see cref="SendQueued"/>): the server knows nothing of it.</summary>
    public bool IsQueued { get; private set; }

    /// <summary>Whether it waited for its turn before it was sent: then the end of another call sends it, and must not be held up by its answer.</summary>
    public bool HasWaited { get; private set; }

    /// <summary>When to try again after <see cref="Error"/>, in milliseconds; 0 = not known.</summary>
    public long RetryAfterMs { get; set; }

    /// <summary>Whether somebody wanted to cancel the call, perhaps while it was between two requests.</summary>
    public bool IsGivenUp => Volatile.Read(ref _givenUp) != 0;

    /// <summary>Timestamp (of the sweep's clock) after which the call fails unless the server is heard of; moved by progress. <see cref="long.MaxValue"/> = never.</summary>
    public long IdleDeadline;

    /// <summary>Timestamp after which the call fails whatever the server says. <see cref="long.MaxValue"/> = never.</summary>
    public long HardDeadline;

    /// <summary>Timestamp at which a waiting consumer is woken once to begin a stream; <see cref="long.MaxValue"/> = never.</summary>
    public long GraceDeadline;

    /// <summary>Length of the idle deadline in ticks of the sweep's clock; 0 = none.</summary>
    public long IdleTicks;

    /// <summary>The span of this try at the server, whose context the request carries; null for all calls that are not traced. Ended by <see cref="Settle"/>.</summary>
    internal Activity? TrySpan;

    /// <summary>Why the call failed; None when it was answered. Valid once <see cref="IsComplete"/>.</summary>
    public ForwardError Error { get; private set; }

    /// <summary>More about <see cref="Error"/>, for people; no secrets.</summary>
    public string? ErrorDetail { get; private set; }

    /// <summary>The scan of the answer. Valid once <see cref="IsComplete"/> without <see cref="Error"/>.</summary>
    public Envelope AnswerEnvelope;

    /// <summary>Whether a message for the client has come before the end.</summary>
    public bool HasDelivered { get; private set; }

    /// <summary>Messages that were dropped because the inbox was full.</summary>
    public int Dropped { get; private set; }

    /// <summary>The answer's bytes, or empty. Owned by the call until <see cref="Release"/>.</summary>
    public ReadOnlySpan<byte> Answer => _answer.AsSpan(0, _answerLength);

    /// <summary>Whether the end is known. Messages that came before may still be in the inbox.</summary>
    public bool IsComplete => Volatile.Read(ref _complete) != 0;

    /// <summary>Prepares a new or pooled call for use with two references.</summary>
    protected void Reset()
    {
        _references = 2;
        _waiting = NobodyWaits;
        _complete = 0;
        _graceIsOver = 0;
        _rests = 0;

        _inboxBytes = 0;
        UpstreamId = 0;
        Connection = null;
        Owner = null;
        WantsProgress = false;
        CarriesMessages = false;
        IsListening = false;
        IdleDeadline = HardDeadline = GraceDeadline = long.MaxValue;
        IdleTicks = 0;
        Error = ForwardError.None;
        ErrorDetail = null;
        Dropped = 0;
        AnswerEnvelope = default;
        HttpStatus = 0;
        Headers = null;
        LooksAtAnswer = false;
        StreamsAnswer = false;
        IsStreamed = false;
        TaskAtServer = null;
        OwnsTask = false;
        _givenUp = 0;
        IsQueued = false;
        HasWaited = false;
        RetryAfterMs = 0;
        HasDelivered = false;
    }

    /// <summary>A call of Fairlead's own (handshake, lists, probes); not pooled.</summary>
    public static UpstreamCall Create(bool isInitialize = false)
    {
        var call = new UpstreamCall { IsInitialize = isInitialize };
        call.Reset();
        return call;
    }

    /// <summary>Takes the oldest message.</summary>
    public bool TryReadMessage(out CallMessage? message)
    {
        message = null;
        if (_inbox is null || !_inbox.TryDequeue(out message))
        {
            return false;
        }

        Interlocked.Add(ref _inboxBytes, -message.Bytes.Length);
        return true;
    }

    /// <summary>Whether the grace has passed since the last look; true once.</summary>
    public bool TakeGrace() => Interlocked.Exchange(ref _graceIsOver, 0) == 1;

    /// <summary>Completes when there is something to read: a message, the end of the grace, or the end of the call. One waiter at a time.</summary>
    public ValueTask<bool> WaitAsync()
    {
        if (HasNews())
        {
            return new ValueTask<bool>(true);
        }

        _signal.Reset();
        Interlocked.Exchange(ref _waiting, ConsumerWaits);

        // What came between the look above and the line above was signalled to nobody: look again, unless a producer has already woken us.
        if (HasNews() && Interlocked.Exchange(ref _waiting, NobodyWaits) == ConsumerWaits)
        {
            return new ValueTask<bool>(true);
        }

        return new ValueTask<bool>(this, _signal.Version);
    }

    /// <summary>Puts a message into the inbox. Only between <see cref="PendingTable.TryBeginDelivery"/> and <see cref="PendingTable.EndDelivery"/>.</summary>
    /// <returns>False when the inbox is full (exchangeQueue messages, or stalledClientBytes in them: its client does not read) and the message was dropped. Questions are never dropped: the caller declines them.</returns>
    public bool Deliver(CallMessage message)
    {
        _inbox ??= new ConcurrentQueue<CallMessage>();
        HasDelivered = true;
        if (Connection!.Tasks == TaskForm.Core)
        {
            message = Localize(message);
        }

        var limits = Connection.Limits;
        if (_inbox.Count >= limits.ExchangeQueue || Volatile.Read(ref _inboxBytes) >= limits.StalledClientBytes)
        {
            Dropped++;
            return false;
        }

        Interlocked.Add(ref _inboxBytes, message.Bytes.Length);
        _inbox.Enqueue(message);
        Wake();
        return true;
    }

    /// <summary>Tells the consumer that the grace is over. Only within a delivery.</summary>
    public void DeliverGrace()
    {
        GraceDeadline = long.MaxValue;
        Volatile.Write(ref _graceIsOver, 1);
        Wake();
    }

    /// <summary>Ends the call with the server's answer, which is copied. Only by the winner of the slot.</summary>
    public void Complete(ReadOnlySpan<byte> answer, in Envelope envelope)
    {
        if (LooksAtAnswer && Intercept(answer, envelope))
        {
            return;
        }

        if (_answer.Length < answer.Length)
        {
            ReturnAnswer();
            if (answer.Length > BufferBudget.FreeBytes && !TryTakeRoom(answer.Length))
            {
                Fail(ForwardError.BuffersFull, Connection!.Buffers.Describe());
                return;
            }

            _answer = MessageBuffers.Rent(answer.Length);
        }

        answer.CopyTo(_answer);
        _answerLength = answer.Length;
        AnswerEnvelope = envelope;
        Settle(ForwardError.None);
        End();
    }

    /// <summary>Hands over an answer that begins to be passed on. Only between <see cref="PendingTable.TryBeginDelivery"/> and <see cref="PendingTable.EndDelivery"/>.</summary>
    /// <remarks>Its client sees it from here on, so nothing else can stand in for it. It may take as long as it needs: the hard deadline ends.</remarks>
    public void DeliverStream(AnswerStream answer)
    {
        _inbox ??= new ConcurrentQueue<CallMessage>();
        HasDelivered = true;
        IsStreamed = true;
        Volatile.Write(ref HardDeadline, long.MaxValue);
        _inbox.Enqueue(new CallMessage([], default) { Answer = answer });
        Wake();
    }

    /// <summary>Ends the call well whose answer has been passed on whole, or whose result is elsewhere. Only by the winner of the slot.</summary>
    public void CompleteWithoutAnswer()
    {
        Settle(ForwardError.None);
        End();
    }

    /// <summary>Ends the call without an answer. Only by the winner of the slot.</summary>
    public void Fail(ForwardError error, string? detail)
    {
        if (IsQueued && error is ForwardError.ServerTimedOut)
        {
            // Not the server's silence: it has not heard of the call.
            (error, detail) = (ForwardError.TooManyCalls, "the call waited for its turn until its time was over");
        }

        Settle(error);
        if (error != ForwardError.None && TryRecover(error, detail))
        {
            return;
        }

        Error = error;
        ErrorDetail = detail;
        End();
    }

    /// <summary>Whether the server has heard of the call once it was started, and must be told when it is given up.</summary>
    internal virtual bool IsAtServer => true;

    /// <summary>The server waits rather than works from here on: the call does not count as one in flight any more.</summary>
    internal virtual void LeaveBulkhead()
    {
    }

    /// <summary>Says, before the call is opened, whether it will wait for its turn.</summary>
    internal void MarkQueued(bool isQueued) => IsQueued = isQueued;

    /// <summary>Sends a call whose turn has come. Only within a delivery, which keeps it what it is.</summary>
    internal void SendQueued()
    {
        IsQueued = false;
        HasWaited = true;
        MoveIdleDeadline(Connection!.Sweeper.Now);
        StartQueued();
    }

    /// <summary>Whether the idle deadline rests, because somebody other than the server is waited for.</summary>
    public bool IsIdleResting => Volatile.Read(ref _rests) != 0;

    /// <summary>Lets the idle deadline rest: a person is asked, and the server waits with us. As often as it is called, <see cref="ResumeIdleDeadline"/> must be. Only while the call is kept.</summary>
    public void RestIdleDeadline()
    {
        Interlocked.Increment(ref _rests);
        Volatile.Write(ref IdleDeadline, long.MaxValue);
    }

    /// <summary>Lets the idle deadline begin anew when nobody is asked any more.</summary>
    public void ResumeIdleDeadline()
    {
        if (Interlocked.Decrement(ref _rests) == 0 && Connection is { } connection)
        {
            MoveIdleDeadline(connection.Sweeper.Now);
        }
    }

    /// <summary>The server was heard of, or is known to be at work until <paramref name="now"/>: the idle deadline begins anew.</summary>
    public void MoveIdleDeadline(long now)
    {
        if (IdleTicks == 0 || IsIdleResting)
        {
            return;
        }

        Volatile.Write(ref IdleDeadline, now + IdleTicks);
        if (IsIdleResting)
        {
            // It was laid to rest between the two lines above.
            Volatile.Write(ref IdleDeadline, long.MaxValue);
        }
    }

    /// <summary>Leaves a time out of the idle deadline. Nothing happens when it rests, or moves meanwhile.</summary>
    public void ExtendIdleDeadline(long ticks)
    {
        var deadline = Volatile.Read(ref IdleDeadline);
        if (ticks > 0 && deadline != long.MaxValue)
        {
            Interlocked.CompareExchange(ref IdleDeadline, deadline + ticks, deadline);
        }
    }

    /// <summary>Takes one more reference, while the call is open: the object stays this call until it is given up with <see cref="Release"/>.</summary>
    public void Retain() => Interlocked.Increment(ref _references);

    /// <summary>Gives up one reference. The caller must not touch the call afterwards.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0)
        {
            return;
        }

        // A question that came with the end of the call, or that its reader did not stay for: its server waits for an answer all the same.
        while (TryReadMessage(out var unread))
        {
            unread!.Question?.Decline();
            unread.Answer?.Close(ForwardError.ClientCancelled, null);
        }

        // A small answer buffer stays with the call, so that the next one copies into warm memory; a large one goes back.
        if (_answer.Length > 4096)
        {
            ReturnAnswer();
        }

        _answerLength = 0;
        Recycle();
    }

    /// <summary>Whether the client gave the call this id. Only while the call is open.</summary>
    public virtual bool IsKnownAs(ReadOnlySpan<byte> requestIdToken) => false;

    /// <summary>Notes that the call is to be cancelled, before its slot is looked for. Only until <see cref="Release"/>.</summary>
    internal void NoteGivenUp()
    {
        Interlocked.Exchange(ref _givenUp, 1);
    }

    /// <summary>Whether a long answer may be passed on as an <see cref="AnswerStream"/>. Asked on the reader's thread while somebody keeps the call; it must not block.</summary>
    /// <param name="look">The first bytes of the answer.</param>
    internal virtual bool MayStream(ReadOnlySpan<byte> look) => false;

    /// <summary>Looks at an answer on the reader's thread, before the call ends with it; it must not block.</summary>
    /// <returns>True when the call goes on with another request: it is open again, or has failed, and the answer concerns nobody.</returns>
    protected virtual bool Intercept(ReadOnlySpan<byte> answer, in Envelope envelope) => false;

    /// <summary>Puts a call that waited for its turn on its way. Must not block.</summary>
    protected virtual void StartQueued() => throw new InvalidOperationException("This kind of call is not queued.");

    /// <summary>Called once for each time that the call was open or refused, by the winner, before anybody sees the end: gives back what guards gave.</summary>
    protected virtual void Settle(ForwardError error)
    {
    }

    /// <summary>Tries to save a call that failed. Must not block.</summary>
    /// <returns>True when the call goes on; the reference of its slot is then with whoever carries on.</returns>
    protected virtual bool TryRecover(ForwardError error, string? detail) => false;

    /// <summary>Puts the client's words for the server's into a message before it reaches the inbox. Only at servers with tasks of 2025-11-25.</summary>
    protected virtual CallMessage Localize(CallMessage message) => message;

    /// <summary>Called when both references are gone.</summary>
    protected virtual void Recycle()
    {
        ReturnAnswer();
    }

    /// <inheritdoc/>
    bool IValueTaskSource<bool>.GetResult(short token) => _signal.GetResult(token);

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _signal.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _signal.OnCompleted(continuation, state, token, flags);

    private bool HasNews() => IsComplete || _inbox is { IsEmpty: false } || Volatile.Read(ref _graceIsOver) != 0;

    private void End()
    {
        // Before the look at the permit: a call that is taken up again at this moment sees one of the two.
        Interlocked.Exchange(ref _complete, 1);
        LeaveBulkhead();
        Wake();
        Release();
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _waiting, NobodyWaits) == ConsumerWaits)
        {
            _signal.SetResult(true);
        }
    }

    private bool TryTakeRoom(int bytes)
    {
        if (Connection is not { Buffers: var room })
        {
            return true;
        }

        var isTaken = room.TryTake(bytes);
        (_room, _roomBytes) = isTaken ? (room, bytes) : (null, 0);
        return isTaken;
    }

    private void ReturnAnswer()
    {
        if (_answer.Length != 0)
        {
            _room?.Return(_roomBytes);
            _room = null;
            MessageBuffers.Return(_answer);
            _answer = [];
        }
    }
}
