using System.Collections.Concurrent;

namespace Fairlead.Upstreams;

/// <summary>Calls of one connection that were given up and whose late answers have not come: the server may still work on them. Bounded; any thread.</summary>
internal sealed class AbandonedCalls(DeadlineSweep sweep)
{
    private const int CallsMax = 1024;

    // A server that obeys the cancellation never answers: after this time it is taken to have stopped.
    private static readonly TimeSpan s_keptFor = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<long, AbandonedCall> _calls = new();

    // When a modern server was last told of one of them; 0 = none is known, which is all that an answer looks at.
    private long _toldAt;
    private long _lateAnswers;
    private long _strayAnswers;
    private int _lateExpected;

    /// <summary>Answers that met no open call.</summary>
    public long LateAnswers => Volatile.Read(ref _lateAnswers);

    /// <summary>Those of them that no call explains which was given up: nobody asked for them. As many as a flood of anything else are one.</summary>
    public long StrayAnswers => Volatile.Read(ref _strayAnswers);

    /// <summary>A call has been given up, whose answer may still come.</summary>
    public void NoteGivenUp()
    {
        if (Volatile.Read(ref _lateExpected) < PendingTable.SlotsMax)
        {
            Interlocked.Increment(ref _lateExpected);
        }
    }

    /// <summary>An answer has met no open call. On a reader's thread.</summary>
    public void NoteLateAnswer()
    {
        Interlocked.Increment(ref _lateAnswers);
        if (Volatile.Read(ref _lateExpected) > 0)
        {
            Interlocked.Decrement(ref _lateExpected);
        }
        else
        {
            Interlocked.Increment(ref _strayAnswers);
        }
    }

    /// <summary>A call has been given up.</summary>
    /// <param name="call">The winner of its slot still holds it.</param>
    /// <param name="nobody">Stands for owners that cannot be told apart later: it is no caller's.</param>
    public void Add(UpstreamCall call, object nobody)
    {
        if (call.Owner is not { } owner)
        {
            return;
        }

        // A call that is its own owner is pooled and will be somebody else's: its entry is nobody's. So is the one that stands for all past the bound.
        owner = ReferenceEquals(owner, call) ? nobody : owner;
        var room = _calls.Count < CallsMax;
        _calls[room ? call.UpstreamId : -1] =
            new AbandonedCall(room ? owner : nobody, long.MaxValue, sweep.Now + sweep.Ticks(s_keptFor), call is { OwnsTask: true, TaskAtServer: null });
    }

    /// <summary>A modern server has been told of it. After its notification: a call that is opened from here on is read by the server after it.</summary>
    public void NoteTold(long upstreamId)
    {
        if (_calls.TryGetValue(upstreamId, out var call))
        {
            var now = sweep.Now;
            _calls[upstreamId] = call with { ToldAt = now };
            Volatile.Write(ref _toldAt, now);
        }
    }

    /// <summary>
    /// Takes note that a modern server has answered a call that was opened at <paramref name="openedAt"/>: it has read the cancellations before it, after which it
    /// must stay silent about those calls (2026-07-28, basic/utilities/cancellation). Legacy servers may go on with what was cancelled.
    /// </summary>
    public void ForgetBefore(long openedAt)
    {
        if (Volatile.Read(ref _toldAt) == 0)
        {
            return;
        }

        foreach (var (id, call) in _calls)
        {
            if (call.ToldAt < openedAt)
            {
                _calls.TryRemove(id, out _);
            }
        }

        if (_calls.IsEmpty)
        {
            Volatile.Write(ref _toldAt, 0);
        }
    }

    /// <summary>Whether the server may still work on a call that was given up for somebody else than <paramref name="owner"/>: its questions may be about that one.</summary>
    public bool AreForOthers(object owner)
    {
        var now = sweep.Now;
        foreach (var (id, call) in _calls)
        {
            if (now >= call.Until)
            {
                _calls.TryRemove(id, out _);
            }
            else if (!ReferenceEquals(call.Owner, owner))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The late answer of a call has come.</summary>
    /// <returns>Whether it may tell of a task that nobody knows.</returns>
    public bool TakeTaskMaker(long upstreamId) => _calls.TryRemove(upstreamId, out var call) && call.MayCreateTask;

    private readonly record struct AbandonedCall(object Owner, long ToldAt, long Until, bool MayCreateTask);
}
