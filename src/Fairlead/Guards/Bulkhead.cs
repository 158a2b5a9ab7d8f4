using System.Collections.Concurrent;
using Fairlead.Upstreams;

namespace Fairlead.Guards;

/// <summary>Bounds the calls in flight to one server over all its instances (<c>maxConnections</c>). Calls beyond wait in order, at most <c>queueMax</c> of them.</summary>
/// <remarks>
/// Any thread; no lock. A call that waits is open at its connection and only not sent, so that deadlines, cancellation and a lost connection end it as they end any other. Whoever leaves
/// sends the next one. An entry whose call has ended meanwhile stays until its turn and counts as waiting.
/// </remarks>
internal sealed class Bulkhead
{
    private readonly ConcurrentQueue<(UpstreamCall Call, UpstreamConnection Connection, long Id)> _queue = new();
    private int _taken;
    private int _waiting;
    private volatile int _max = int.MaxValue;
    private volatile int _queueMax;

    /// <summary>Calls in flight.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Calls that stand in the queue: one that is about to is not told before it has its place, so that who sees it knows that later calls come behind it.</summary>
    public int Waiting => _queue.Count;

    /// <summary>Most calls in flight.</summary>
    public int Max => _max;

    /// <summary>Sets the bounds; more room is used at once.</summary>
    public void Apply(int max, int queueMax)
    {
        _max = max;
        _queueMax = queueMax;
        SendWaiting();
    }

    /// <summary>Takes a permit when one is free and nobody waits for it.</summary>
    public bool TryEnter() => Volatile.Read(ref _waiting) == 0 && TryTake();

    /// <summary>Takes a permit whatever the bound says: for a call that has been let in before.</summary>
    public void Reenter() => Interlocked.Increment(ref _taken);

    /// <summary>Lets a call wait for its turn; it is sent by <see cref="UpstreamCall.SendQueued"/>, perhaps before this returns.</summary>
    /// <param name="call">Open at <paramref name="connection"/>, and marked as queued.</param>
    /// <param name="connection">Where it will be sent.</param>
    /// <returns>False when too many wait.</returns>
    public bool TryWait(UpstreamCall call, UpstreamConnection connection)
    {
        if (Interlocked.Increment(ref _waiting) > _queueMax)
        {
            Interlocked.Decrement(ref _waiting);
            return false;
        }

        _queue.Enqueue((call, connection, call.UpstreamId));

        // A permit that was given back before the call stood in the queue was given to nobody.
        SendWaiting();
        return true;
    }

    /// <summary>Gives a permit back.</summary>
    public void Leave()
    {
        Interlocked.Decrement(ref _taken);
        if (Volatile.Read(ref _waiting) != 0)
        {
            SendWaiting();
        }
    }

    private bool TryTake()
    {
        while (true)
        {
            var taken = Volatile.Read(ref _taken);
            if (taken >= _max)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _taken, taken + 1, taken) == taken)
            {
                return true;
            }
        }
    }

    private void SendWaiting()
    {
        while (Volatile.Read(ref _waiting) != 0 && TryTake())
        {
            if (!_queue.TryDequeue(out var next))
            {
                // It counts already and does not stand in the queue yet; whoever puts it there looks again.
                Interlocked.Decrement(ref _taken);
                return;
            }

            Interlocked.Decrement(ref _waiting);
            if (!next.Connection.TrySendQueued(next.Id))
            {
                Interlocked.Decrement(ref _taken);
            }
        }
    }
}
