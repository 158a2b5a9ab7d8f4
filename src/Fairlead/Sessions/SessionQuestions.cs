using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>What one legacy client has been asked and has not answered, by the ids that the client knows. Any thread; each question is ended by whoever takes it out.</summary>
/// <param name="session">The client.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="numbersAfter">Ids are higher than this.</param>
internal sealed class SessionQuestions(LegacySession session, TimeProvider timeProvider, long numbersAfter)
{
    private readonly ConcurrentDictionary<long, OpenQuestion> _open = new();
    private long _next = numbersAfter;
    private volatile bool _hasLeft;

    /// <summary>Notes a question that a server sent, and composes it for the client with an id of ours, which is its progress token too. When the server withdraws it the client is told.</summary>
    /// <param name="question">The server's request.</param>
    /// <param name="call">The open call that it came with; null when it came without one.</param>
    public (long Id, byte[] Message) Ask(CallMessage question, UpstreamCall? call)
    {
        var id = Interlocked.Increment(ref _next);
        Span<byte> token = stackalloc byte[RequestIds.TokenBytesMax];
        token = token[..RequestIds.Format(id, token)];
        var splice = new Splice(question.Bytes, stackalloc byte[Splice.ScratchBytes], blankNewlines: true);
        splice.Replace(question.Envelope.Id, token);
        if (question.Envelope.ProgressToken.Exists)
        {
            splice.Replace(question.Envelope.ProgressToken, token);
        }

        if (question.Question!.Method == McpMethod.SamplingCreateMessage && SamplingEdits.AreDueFor(session.Version))
        {
            SamplingEdits.Apply(ref splice, question.Bytes, question.Envelope.Params, session.Version);
        }

        var message = splice.ToArray();
        splice.Dispose();
        _open[id] = new UpstreamQuestion(question, call) { AskedAt = timeProvider.GetTimestamp() };
        question.Question.WhenWithdrawn(() => Withdraw(id));
        return (id, message);
    }

    /// <summary>Notes a question that no server sent as a request, and composes it.</summary>
    /// <param name="question">Told of the answer.</param>
    /// <param name="parameters">The raw params object; empty = none.</param>
    public (long Id, byte[] Message) Ask(OpenQuestion question, ReadOnlySpan<byte> parameters)
    {
        var id = Interlocked.Increment(ref _next);
        Span<byte> token = stackalloc byte[RequestIds.TokenBytesMax];
        token = token[..RequestIds.Format(id, token)];
        byte[] message =
        [
            .. "{\"jsonrpc\":\"2.0\",\"id\":"u8, .. token, .. ",\"method\":\""u8, .. McpMethods.NameOf(question.Method), .. "\""u8,
            .. parameters.IsEmpty ? default : ",\"params\":"u8, .. parameters, .. "}"u8,
        ];
        _open[id] = question;
        return (id, message);
    }

    /// <summary>Takes a question that the client answers, or that is given up.</summary>
    public bool TryTake(long id, [NotNullWhen(true)] out OpenQuestion? question) => _open.TryRemove(id, out question);

    /// <summary>The client reports progress on a question: the server that asked is told, if it wants to know.</summary>
    /// <param name="message">The notification.</param>
    /// <param name="envelope">Its scan.</param>
    public void PassProgress(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        if (RequestIds.TryParse(envelope.ProgressToken.Of(message), out var id) && _open.TryGetValue(id, out var open)
            && open is UpstreamQuestion { ProgressToken.Length: > 0 } question)
        {
            using var splice = new Splice(message, stackalloc byte[Splice.ScratchBytes], blankNewlines: true);
            splice.Replace(envelope.ProgressToken, question.ProgressToken);
            question.AskedBy.Post(OutboundFrame.Copy(splice.ToArray()));
        }
    }

    /// <summary>Declines a question if it is still open.</summary>
    /// <returns>Whether it was: the client has been asked and has not answered.</returns>
    public bool Decline(long id)
    {
        if (!_open.TryRemove(id, out var question))
        {
            return false;
        }

        question.Decline();
        return true;
    }

    /// <summary>Declines every question that is still open: the client is gone.</summary>
    public void DeclineAll()
    {
        foreach (var id in _open.Keys)
        {
            Decline(id);
        }
    }

    /// <summary>Declines questions that have no call and have been open for too long: their server waits, and no call's deadline ends that. The client is told.</summary>
    /// <param name="lifetime">How long they may be open.</param>
    public void DeclineForgotten(TimeSpan lifetime)
    {
        foreach (var (id, question) in _open)
        {
            if (question is UpstreamQuestion { IsOutsideCalls: true } outside && timeProvider.GetElapsedTime(outside.AskedAt) >= lifetime)
            {
                DeclineAndTell(id);
            }
        }
    }

    /// <summary>Leaves a question open although the call that it came with has ended, when another one may wait for the answer. <see cref="DeclineLeft"/> follows, then and after every other call.</summary>
    /// <returns>False when nobody can want the answer.</returns>
    public bool TryLeave(long id)
    {
        if (!_open.TryGetValue(id, out var open) || open is not UpstreamQuestion question || !question.MayBeOf(session.Caller.Owner!))
        {
            return false;
        }

        question.Leave();
        _hasLeft = true;
        return true;
    }

    /// <summary>Declines the questions that were left open and can be nobody's any more: the last call that could have asked them has ended. The client is told.</summary>
    public void DeclineLeft()
    {
        if (!_hasLeft)
        {
            return;
        }

        // Before the look: what is left meanwhile is looked at by whoever leaves it.
        _hasLeft = false;
        foreach (var (id, open) in _open)
        {
            if (open is not UpstreamQuestion { WasLeft: true } question)
            {
                continue;
            }

            if (question.MayBeOf(session.Caller.Owner!))
            {
                _hasLeft = true;
            }
            else
            {
                DeclineAndTell(id);
            }
        }
    }

    /// <summary>What tells the client that nobody waits for its answer any more.</summary>
    public static byte[] Withdrawal(long id) => Encoding.ASCII.GetBytes(
        $"{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{id},\"reason\":\"The server does not wait for the answer any more.\"}}}}");

    private void DeclineAndTell(long id)
    {
        if (Decline(id))
        {
            session.Log.Standalone.Append(Withdrawal(id));
        }
    }

    // The client reads it where it read the question, after it: in the order of the call, while that is open.
    private void Withdraw(long id)
    {
        if (!_open.TryGetValue(id, out var open))
        {
            return;
        }

        var question = (UpstreamQuestion)open;
        var message = Withdrawal(id);
        EnvelopeScanner.Scan(message, new ScanLimits(int.MaxValue, message.Length), out var envelope);

        // The call may be another one by now, of this client or not; delivery checks that, and to another one of this client it may go.
        if (question.UpstreamId is not { } call || !question.AskedBy.TryDeliver(call, new CallMessage(message, envelope), session.Caller.Owner))
        {
            session.Log.Standalone.Append(message);
        }

        Decline(id);
    }
}
