using Fairlead.Guards;
using Fairlead.Routing;
using Fairlead.Upstreams;

namespace Fairlead.Exchanges;

/// <summary>A call that passes the guards of its server: admitted by rates and circuits, counted by the bulkhead while it is in flight, recorded at its end.</summary>
internal abstract class GuardedCall : UpstreamCall
{
    // An instance that is replaced refuses calls from then on; who meets several of those in a row has met a fault.
    private const int InstancesTriedMax = 4;

    /// <summary>What it holds of the server's guards.</summary>
    public CallAdmission Admission;

    /// <summary>The whole request, once the call is open: it carries the upstream id.</summary>
    public abstract OutboundFrame Compose();

    /// <summary>Asks rates and the tool's circuit (step 3). The call fails when they refuse it.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="client">Who calls; null = one that does not say who it is.</param>
    /// <param name="tool">The tool; null when it is no call of a tool.</param>
    /// <param name="isRepeated">Whether the call is sent once more: rates have counted it.</param>
    /// <param name="now">The clock's timestamp.</param>
    /// <returns>False when the call has failed.</returns>
    public bool TryAdmit(ServerCell cell, object? client, ToolGuard? tool, bool isRepeated, long now)
    {
        var refusal = cell.Guards.TryAdmit(client, tool, isRepeated, now, out var isProbe, out var retryAfter);
        if (refusal != GuardRefusal.None)
        {
            Refuse(refusal, cell, tool?.Name, retryAfter);
            return false;
        }

        Admission.Begin(cell.Guards, tool, isProbe);
        return true;
    }

    /// <summary>Sends the call to an instance, or lets it wait for its turn (steps 4 to 6). Deadlines and owner are set. It is on its way afterwards, or has failed.</summary>
    /// <param name="connection">The instance.</param>
    /// <param name="cell">The server.</param>
    /// <param name="isShared">Whether any other instance that shares the server's calls will do as well.</param>
    /// <param name="now">The clock's timestamp.</param>
    public void SendTo(UpstreamConnection connection, ServerCell cell, bool isShared, long now) => SendTo(connection, cell, isShared ? InstancesTriedMax : 1, now);

    /// <summary>Sends the call to an instance at once, beside the calls of clients: no bound of the server's counts. It is on its way afterwards, or has failed.</summary>
    public void SendUncountedTo(UpstreamConnection connection, ServerCell cell, long now)
    {
        var instance = InstanceGuard.Of(connection, cell.Guards);
        if (!Admission.TryEnter(cell.Guards, instance, now))
        {
            Refuse(GuardRefusal.Circuit, cell, null, instance.Breaker.RetryAfter(now));
        }
        else if (connection.TryOpen(this))
        {
            connection.Send(this, Compose());
        }
        else
        {
            Fail(connection.Lost.IsCompleted ? ForwardError.ServerLost : ForwardError.TooManyCalls, null);
        }
    }

    private void SendTo(UpstreamConnection connection, ServerCell cell, int triesLeft, long now)
    {
        // 4. Instance and permit. Waiting for the end of a task is no work of the server's.
        var guards = cell.Guards;
        var instance = InstanceGuard.Of(connection, guards);
        if (!Admission.TryEnter(guards, instance, now))
        {
            Refuse(GuardRefusal.Circuit, cell, null, instance.Breaker.RetryAfter(now));
            return;
        }

        var isWaiting = TaskAtServer is null && !Admission.TryTakePermit();
        MarkQueued(isWaiting);
        if (isWaiting)
        {
            CallSpans.NoteQueued(this);
        }

        // 5. Open the exchange.
        if (!connection.TryOpen(this))
        {
            if (triesLeft > 1 && AnotherThan(connection, cell) is { } latest)
            {
                // Another instance has taken over since the caller looked.
                Admission.LeaveInstance();
                SendTo(latest, cell, triesLeft - 1, now);
                return;
            }

            if (!connection.Lost.IsCompleted && !connection.Pending.IsClosed)
            {
                Fail(ForwardError.TooManyCalls, null);
                return;
            }

            // The server has not heard of it: whatever it does, it may be sent again.
            MarkQueued(true);
            Fail(ForwardError.ServerLost, connection.Lost.IsCompletedSuccessfully ? connection.Lost.Result : "its instance was replaced at this moment");
            return;
        }

        // 6. Send.
        if (!isWaiting)
        {
            Start(wasQueued: false);
        }
        else if (!guards.Bulkhead.TryWait(this, connection) && connection.Pending.TryTake(UpstreamId, ForwardError.TooManyCalls, out _))
        {
            var config = cell.Current.Config;
            Fail(ForwardError.TooManyCalls, $"maxConnections ({config.MaxConnections}) are in flight and queueMax ({config.QueueMax}) wait");
        }
    }

    /// <inheritdoc/>
    internal override void LeaveBulkhead() => Admission.LeaveBulkhead();

    /// <summary>Puts the open call on its way. Must not block when the call was queued: it is another call's end that has come to it.</summary>
    protected virtual void Start(bool wasQueued) => Connection!.Send(this, Compose());

    /// <inheritdoc/>
    protected sealed override void StartQueued()
    {
        Admission.TakePermit();
        Start(wasQueued: true);
    }

    /// <inheritdoc/>
    protected override void Settle(ForwardError error)
    {
        EndTry(error);
        Admission.Settle(OutcomeOf(error, IsQueued), error == ForwardError.ServerLost);
    }

    /// <summary>Ends the span of this try, if it is traced.</summary>
    protected void EndTry(ForwardError error)
    {
        if (TrySpan is not null && Interlocked.Exchange(ref TrySpan, null) is { } span)
        {
            CallSpans.EndTry(span, error);
        }
    }

    /// <summary>What the end of a call says of its server (decision 15).</summary>
    private static CallOutcome OutcomeOf(ForwardError error, bool isQueued) => error switch
    {
        _ when isQueued => CallOutcome.Neutral,
        ForwardError.None => CallOutcome.Good,
        ForwardError.ServerLost or ForwardError.SendFailed => CallOutcome.ConnectionFailed,
        _ => ForwardErrors.IsServerFailure(error) ? CallOutcome.Failed : CallOutcome.Neutral,
    };

    private static UpstreamConnection? AnotherThan(UpstreamConnection connection, ServerCell cell)
    {
        foreach (var other in cell.Current.Replicas)
        {
            if (other != connection && !other.Lost.IsCompleted)
            {
                return other;
            }
        }

        return null;
    }

    private void Refuse(GuardRefusal refusal, ServerCell cell, string? tool, long retryAfterTicks)
    {
        RetryAfterMs = (long)Math.Ceiling(retryAfterTicks * 1000.0 / cell.Guards.Time.TimestampFrequency);
        Fail(
            refusal is GuardRefusal.Circuit or GuardRefusal.ToolCircuit ? ForwardError.CircuitOpen : ForwardError.RateLimited,
            Describe(refusal, cell, tool, RetryAfterMs));
    }

    /// <summary>Which guard it was, the key that sets it, and when to come back; words that follow the sentence of the error.</summary>
    private static string Describe(GuardRefusal refusal, ServerCell cell, string? tool, long retryAfterMs)
    {
        var when = retryAfterMs > 0 ? $"; try again in {(retryAfterMs < 10_000 ? $"{retryAfterMs} ms" : $"{retryAfterMs / 1000} s")}" : "";
        return refusal switch
        {
            GuardRefusal.ClientRate => $"this client has made as many calls as rateLimit.client allows{when}",
            GuardRefusal.ServerRate => $"it gets as many calls as rateLimit.server allows{when}",
            GuardRefusal.ToolRate => $"the tool '{tool}' gets as many calls as rateLimit.tools allows{when}",
            GuardRefusal.ToolCircuit => $"the circuit of the tool '{tool}' is open because too many of its calls failed{when}",
            _ => $"the circuit of {(cell.Current.Replicas.Length > 1 ? "each of its instances" : "its instance")} is open because too many calls failed{when}",
        };
    }
}
