using Fairlead.Upstreams;

namespace Fairlead.Faults;

/// <summary>Calls that a latency holds back before they are sent. They are open all the while: their deadlines run, and they can be cancelled.</summary>
/// <remarks>Owns their frames, together at most <c>limits.bufferedBytesMax</c>. One timer, set to the next that is due. Any thread.</remarks>
internal sealed class HeldCalls(TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<HeldCall, (long Due, long Number)> _waiting = new();
    private ITimer? _timer;
    private long _numbers;
    private long _bytes;
    private bool _isOver;

    /// <summary>Holds a call back.</summary>
    /// <param name="held">The call; its frame is owned from here on when it is taken.</param>
    /// <param name="delay">How long.</param>
    /// <returns>False when so many are held already that there is no room, and the call must fail.</returns>
    public bool TryHold(HeldCall held, TimeSpan delay)
    {
        lock (_lock)
        {
            if (_bytes + held.Frame.Span.Length > held.Connection.Limits.BufferedBytesMax)
            {
                return false;
            }

            if (!_isOver)
            {
                _bytes += held.Frame.Span.Length;
                _waiting.Enqueue(held, (time.GetTimestamp() + (long)(delay.TotalSeconds * time.TimestampFrequency), ++_numbers));
                SetTimer_NeedsLock();
                return true;
            }
        }

        held.Send();
        return true;
    }

    /// <summary>Sends all that wait; none waits any more from here on.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            _timer?.Dispose();
        }

        SendDue();
    }

    private void SendDue()
    {
        while (TakeDue() is { } held)
        {
            held.Send();
        }
    }

    private HeldCall? TakeDue()
    {
        lock (_lock)
        {
            if (_waiting.TryPeek(out var held, out var key) && (_isOver || key.Due <= time.GetTimestamp()))
            {
                _bytes -= held.Frame.Span.Length;
                return _waiting.Dequeue();
            }

            SetTimer_NeedsLock();
            return null;
        }
    }

    private void SetTimer_NeedsLock()
    {
        if (_isOver || !_waiting.TryPeek(out _, out var key))
        {
            return;
        }

        // Rounded up, and never at once: a timer that is early by less than its unit would find nothing due and spin.
        var ms = Math.Max(1, Math.Ceiling((key.Due - time.GetTimestamp()) * 1000.0 / time.TimestampFrequency));
        _timer ??= time.CreateTimer(static state => ((HeldCalls)state!).SendDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(TimeSpan.FromMilliseconds(ms), Timeout.InfiniteTimeSpan);
    }
}

/// <summary>A call that is held back.</summary>
/// <param name="Connection">Where it is open.</param>
/// <param name="Id">The id that the server sees.</param>
/// <param name="Frame">The whole request; owned by whoever holds the call.</param>
/// <param name="Then">What it meets afterwards; null = it is sent.</param>
internal sealed record HeldCall(UpstreamConnection Connection, long Id, OutboundFrame Frame, Fault? Then)
{
    /// <summary>Lets it go on its way, unless it has ended meanwhile. A partition that began meanwhile swallows it.</summary>
    public void Send()
    {
        if (Then is not null)
        {
            ServerFaults.Hit(Then, Connection, Id, Frame);
            return;
        }

        if (Connection.Faults is { IsCutOff: true } || !Connection.Pending.TryBeginDelivery(Id, out var call))
        {
            Frame.Return();
            return;
        }

        Connection.Transmit(call, Frame);
        Connection.EndDelivery(call);
    }
}
