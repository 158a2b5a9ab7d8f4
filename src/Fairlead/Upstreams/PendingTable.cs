using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Fairlead.Upstreams;

/// <summary>The calls in flight on one connection, found by the id that the server sees: <c>generation &lt;&lt; 16 | slot</c>.</summary>
/// <remarks>
/// Owns the slots. Anybody may open a call; whoever wins the compare-and-swap on a slot's word ends it, and only the winner touches the call
/// afterwards (decision 6). A slot's word is <c>generation &lt;&lt; 2 | state</c>: a late answer meets another generation and loses.
/// No lock, no hashing and no allocation per call; growing (256 slots at a time) is the only step under a lock.
/// Always holds: a slot is on the free list or its word is Open, Delivering or Doomed.
/// </remarks>
internal sealed class PendingTable
{
    /// <summary>Most calls in flight on one connection.</summary>
    public const int SlotsMax = 16_384;

    private const int ChunkSize = 256;
    private const int StateBits = 2;
    private const long StateMask = 3;

    private const long Free = 0;
    private const long Open = 1;
    private const long Delivering = 2;  // One producer puts a message into the call's inbox; the slot cannot be taken meanwhile.
    private const long Doomed = 3;      // Delivering, and somebody wants to end the call: the deliverer does it for them.

    private readonly Slot[]?[] _chunks = new Slot[]?[SlotsMax / ChunkSize];
    private readonly Lock _growth = new();
    private long _freeHead = -1 & 0xFFFF_FFFFL; // tag << 32 | index; index 0xFFFFFFFF = empty
    private volatile int _capacity;
    private int _used;
    private volatile bool _closed;

    /// <summary>Number of slots that have ever held a call, from the first on: whoever looks for open calls need not look further. The freed ones are used first, so it is what was open at once at most.</summary>
    public int Used => Volatile.Read(ref _used);

    /// <summary>Number of slots that exist.</summary>
    public int Capacity => _capacity;

    /// <summary>Puts <paramref name="call"/> into a slot and sets its <see cref="UpstreamCall.UpstreamId"/>.</summary>
    /// <returns>False when <see cref="SlotsMax"/> calls are open or the table is closed.</returns>
    public bool TryOpen(UpstreamCall call)
    {
        if (_closed || !TryPop(out var index))
        {
            return false;
        }

        for (var used = Volatile.Read(ref _used); used <= index; used = Volatile.Read(ref _used))
        {
            Interlocked.CompareExchange(ref _used, index + 1, used);
        }

        ref var slot = ref SlotAt(index);
        var generation = (slot.Word >> StateBits) + 1;
        slot.Call = call;
        call.UpstreamId = (generation << 16) | (uint)index;
        Interlocked.Exchange(ref slot.Word, (generation << StateBits) | Open);

        // Closing walks the slots after setting the flag: either it sees this slot, or this line sees the flag.
        if (_closed && TryTake(call.UpstreamId, ForwardError.ServerLost, out _))
        {
            return false;
        }

        return true;
    }

    /// <summary>Ends the call with this id, if it is open: the caller becomes the only one who may complete it, and the slot is free again.</summary>
    /// <param name="upstreamId">The id the server used.</param>
    /// <param name="cause">Why; when a message is being delivered at this moment, the deliverer completes the call with this cause instead.</param>
    /// <param name="call">The call, when this caller won.</param>
    /// <returns>True when this caller won and must complete the call.</returns>
    public bool TryTake(long upstreamId, ForwardError cause, [NotNullWhen(true)] out UpstreamCall? call)
    {
        call = null;
        var index = (int)(upstreamId & 0xFFFF);
        if (upstreamId < 0 || index >= _capacity)
        {
            return false;
        }

        ref var slot = ref SlotAt(index);
        var generation = upstreamId >> 16;
        var open = (generation << StateBits) | Open;
        var spinner = default(SpinWait);
        while (true)
        {
            var word = Interlocked.CompareExchange(ref slot.Word, (generation << StateBits) | Free, open);
            if (word == open)
            {
                // The slot is nobody else's until it is pushed.
                call = slot.Call!;
                slot.Call = null;
                Push(index);
                return true;
            }

            if (word >> StateBits != generation || (word & StateMask) is Free or Doomed)
            {
                return false;
            }

            // Delivering. An answer (cause None) comes from the reader, which may meet only the sweep's very short delivery: wait it out.
            if (cause == ForwardError.None)
            {
                spinner.SpinOnce();
                continue;
            }

            slot.DoomCause = cause;
            if (Interlocked.CompareExchange(ref slot.Word, (generation << StateBits) | Doomed, word) == word)
            {
                return false;
            }
        }
    }

    /// <summary>Holds the call open while one message is put into its inbox. Must be followed by <see cref="EndDelivery"/>.</summary>
    public bool TryBeginDelivery(long upstreamId, [NotNullWhen(true)] out UpstreamCall? call)
    {
        call = null;
        var index = (int)(upstreamId & 0xFFFF);
        if (upstreamId < 0 || index >= _capacity)
        {
            return false;
        }

        ref var slot = ref SlotAt(index);
        var generation = upstreamId >> 16;
        var open = (generation << StateBits) | Open;
        var spinner = default(SpinWait);
        while (true)
        {
            var word = Interlocked.CompareExchange(ref slot.Word, (generation << StateBits) | Delivering, open);
            if (word == open)
            {
                call = slot.Call!;
                return true;
            }

            if (word != ((generation << StateBits) | Delivering))
            {
                return false;
            }

            spinner.SpinOnce();
        }
    }

    /// <summary>Ends a delivery.</summary>
    /// <returns>None, or the cause with which somebody wanted to end the call meanwhile: the caller has now taken it and must complete it so.</returns>
    public ForwardError EndDelivery(UpstreamCall call)
    {
        var index = (int)(call.UpstreamId & 0xFFFF);
        var generation = call.UpstreamId >> 16;
        ref var slot = ref SlotAt(index);
        var delivering = (generation << StateBits) | Delivering;
        if (Interlocked.CompareExchange(ref slot.Word, (generation << StateBits) | Open, delivering) == delivering)
        {
            return ForwardError.None;
        }

        Debug.Assert(slot.Word == ((generation << StateBits) | Doomed), "Only a doom may follow a delivery.");
        var cause = slot.DoomCause;
        slot.Call = null;
        Interlocked.Exchange(ref slot.Word, (generation << StateBits) | Free);
        Push(index);
        return cause;
    }

    /// <summary>The id of the call in a slot and the call itself, or 0 when the slot is not open. The call may end at any moment; take it by its id.</summary>
    public long Peek(int index, out UpstreamCall? call)
    {
        ref var slot = ref SlotAt(index);
        var word = Volatile.Read(ref slot.Word);
        call = slot.Call;
        if ((word & StateMask) == Free || call is null || Volatile.Read(ref slot.Word) != word)
        {
            call = null;
            return 0;
        }

        return (word >> StateBits << 16) | (uint)index;
    }

    /// <summary>Whether no call can be opened any more.</summary>
    public bool IsClosed => _closed;

    /// <summary>Number of calls in flight, counted now; listens, which stay open for as long as the connection, are none. For metrics and drains, not for the request path.</summary>
    public int CountOpen()
    {
        var open = 0;
        for (var i = 0; i < Used; i++)
        {
            ref var slot = ref SlotAt(i);
            open += (Volatile.Read(ref slot.Word) & StateMask) == Free || slot.Call is { IsListening: true } ? 0 : 1;
        }

        return open;
    }

    /// <summary>Whether a call of <paramref name="owner"/> is open that can carry questions.</summary>
    public bool HasCallOf(object owner)
    {
        for (var i = 0; i < Used; i++)
        {
            if (Peek(i, out var call) != 0 && call!.CarriesMessages && ReferenceEquals(call.Owner, owner))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a call of any client is open.</summary>
    public bool HasOwnedCall()
    {
        for (var i = 0; i < Used; i++)
        {
            if (Peek(i, out var call) != 0 && call!.Owner is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Refuses new calls from here on. The caller then takes what is still open.</summary>
    public void Close()
    {
        _closed = true;
        Interlocked.MemoryBarrier();
    }

    private ref Slot SlotAt(int index) => ref _chunks[index / ChunkSize]![index % ChunkSize];

    private bool TryPop(out int index)
    {
        while (true)
        {
            var head = Volatile.Read(ref _freeHead);
            var top = (uint)head;
            if (top == uint.MaxValue)
            {
                if (!TryGrow())
                {
                    index = 0;
                    return false;
                }

                continue;
            }

            var next = (uint)SlotAt((int)top).NextFree;
            var tag = (head >> 32) + 1; // The tag makes a head that was popped and pushed again differ from the one read above.
            if (Interlocked.CompareExchange(ref _freeHead, (tag << 32) | next, head) == head)
            {
                index = (int)top;
                return true;
            }
        }
    }

    private void Push(int index)
    {
        ref var slot = ref SlotAt(index);
        while (true)
        {
            var head = Volatile.Read(ref _freeHead);
            slot.NextFree = (int)(uint)head;
            var tag = (head >> 32) + 1;
            if (Interlocked.CompareExchange(ref _freeHead, (tag << 32) | (uint)index, head) == head)
            {
                return;
            }
        }
    }

    private bool TryGrow()
    {
        lock (_growth)
        {
            if ((uint)Volatile.Read(ref _freeHead) != uint.MaxValue)
            {
                return true;
            }

            var first = _capacity;
            if (first == SlotsMax)
            {
                return false;
            }

            _chunks[first / ChunkSize] = new Slot[ChunkSize];
            _capacity = first + ChunkSize;
            for (var i = first + ChunkSize - 1; i >= first; i--)
            {
                Push(i);
            }

            return true;
        }
    }

    private struct Slot
    {
        public long Word;
        public UpstreamCall? Call;
        public int NextFree;
        public ForwardError DoomCause;
    }
}
