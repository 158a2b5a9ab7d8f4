namespace Fairlead.Guards;

/// <summary>How a circuit stands (product D1).</summary>
public enum CircuitState
{
    /// <summary>Calls pass.</summary>
    Closed,

    /// <summary>Calls are refused, because too many have failed.</summary>
    Open,

    /// <summary>A few calls pass as probes; the others are refused.</summary>
    HalfOpen,

    /// <summary>Calls are refused until somebody closes the circuit.</summary>
    Isolated,
}

/// <summary>How a call ended, for a breaker (decision 15).</summary>
internal enum CallOutcome : byte
{
    /// <summary>The server answered, whatever it said.</summary>
    Good,

    /// <summary>The server is to blame: a time-out, an answer that is none, an HTTP status of 5xx or 429.</summary>
    Failed,

    /// <summary>As <see cref="Failed"/>; the connection could not be made, or was lost.</summary>
    ConnectionFailed,

    /// <summary>Nothing was learned of the server: the client gave up, or Fairlead refused the call itself.</summary>
    Neutral,
}

/// <summary>Stops calls to what keeps failing (decision 15). Any thread; no lock and no allocation.</summary>
/// <remarks>
/// Closed, it counts calls and failures in ten slices of the window, each one number {slice, failures, calls} that is swapped whole; a slice of an earlier turn counts as empty.
/// It opens when the share of failures of enough calls is reached, or after enough connection failures in a row. After a while it lets probes through, and their outcome closes or opens it
/// again. A success costs one compare-and-swap while it is closed; a look at a closed circuit costs one read.
/// </remarks>
internal sealed class CircuitBreaker(ServerGuards guards)
{
    private const int Slices = 10;
    private const int CountBits = 20;
    private const long CountMask = (1L << CountBits) - 1;

    private readonly long[] _window = new long[Slices];
    private int _state;
    private int _inARow;
    private long _openedAt;
    private int _probesLeft;
    private int _probesGood;

    /// <summary>How it stands. An open circuit whose time is over says so until the next call comes.</summary>
    public CircuitState State => (CircuitState)Volatile.Read(ref _state);

    /// <summary>Whether a call may pass.</summary>
    /// <param name="now">The clock's timestamp.</param>
    /// <param name="isProbe">Whether it passes as a probe; then <see cref="Record"/> must be told so.</param>
    public bool TryPass(long now, out bool isProbe)
    {
        isProbe = false;
        return Volatile.Read(ref _state) == (int)CircuitState.Closed || TryProbe(now, out isProbe);
    }

    /// <summary>Whether a call that came now would pass, or could be a probe. Changes nothing.</summary>
    public bool MayPass(long now) => State switch
    {
        CircuitState.Closed => true,
        CircuitState.Open => now - Volatile.Read(ref _openedAt) >= guards.Settings.OpenTicks,
        CircuitState.HalfOpen => Volatile.Read(ref _probesLeft) > 0,
        _ => false,
    };

    /// <summary>Ticks after which a refused call can pass; 0 when that is not known.</summary>
    public long RetryAfter(long now) => State switch
    {
        CircuitState.Open => Math.Max(1, Volatile.Read(ref _openedAt) + guards.Settings.OpenTicks - now),
        _ => 0,
    };

    /// <summary>A call that passed has ended.</summary>
    /// <param name="outcome">How.</param>
    /// <param name="isProbe">Whether it was a probe.</param>
    /// <param name="now">The clock's timestamp.</param>
    public void Record(CallOutcome outcome, bool isProbe, long now)
    {
        if (isProbe)
        {
            RecordProbe(outcome, now);
        }
        else if (outcome != CallOutcome.Neutral && Volatile.Read(ref _state) == (int)CircuitState.Closed && guards.Settings is { HasBreaker: true } settings)
        {
            RecordClosed(outcome, settings, now);
        }
    }

    /// <summary>Refuses all calls until <see cref="Close"/>.</summary>
    public void Isolate() => Volatile.Write(ref _state, (int)CircuitState.Isolated);

    /// <summary>Lets calls pass again, and forgets what has failed.</summary>
    public void Close()
    {
        Array.Clear(_window);
        Volatile.Write(ref _inARow, 0);
        Volatile.Write(ref _state, (int)CircuitState.Closed);
    }

    private bool TryProbe(long now, out bool isProbe)
    {
        isProbe = false;
        var state = Volatile.Read(ref _state);
        if (state == (int)CircuitState.Open && now - Volatile.Read(ref _openedAt) >= guards.Settings.OpenTicks)
        {
            // Nobody is let in before the winner has said how many: none are left from before.
            if (Interlocked.CompareExchange(ref _state, (int)CircuitState.HalfOpen, (int)CircuitState.Open) == (int)CircuitState.Open)
            {
                Volatile.Write(ref _probesGood, 0);
                Volatile.Write(ref _probesLeft, guards.Settings.HalfOpenProbes);
            }

            state = Volatile.Read(ref _state);
        }

        if (state == (int)CircuitState.Closed)
        {
            return true;
        }

        isProbe = state == (int)CircuitState.HalfOpen && Interlocked.Decrement(ref _probesLeft) >= 0;
        return isProbe;
    }

    private void RecordProbe(CallOutcome outcome, long now)
    {
        switch (outcome)
        {
            case CallOutcome.Good when Interlocked.Increment(ref _probesGood) >= guards.Settings.HalfOpenProbes:
                if (State == CircuitState.HalfOpen)
                {
                    Close();
                }

                break;
            case CallOutcome.Good:
                break;
            case CallOutcome.Neutral:
                Interlocked.Increment(ref _probesLeft);
                break;
            default:
                Open(CircuitState.HalfOpen, now);
                break;
        }
    }

    private void RecordClosed(CallOutcome outcome, GuardSettings settings, long now)
    {
        if (outcome == CallOutcome.Good)
        {
            if (Volatile.Read(ref _inARow) != 0)
            {
                Volatile.Write(ref _inARow, 0);
            }

            Count(settings, now, failed: false);
            return;
        }

        Count(settings, now, failed: true);
        var inARow = outcome == CallOutcome.ConnectionFailed ? Interlocked.Increment(ref _inARow) : 0;
        if (inARow >= settings.ConnectionFailures || IsTooMuch(settings, now))
        {
            Open(CircuitState.Closed, now);
        }
    }

    private void Count(GuardSettings settings, long now, bool failed)
    {
        var turn = TurnOf(settings, now);
        ref var slice = ref _window[turn % Slices];
        while (true)
        {
            var old = Volatile.Read(ref slice);
            var fresh = old >> (2 * CountBits) == turn ? old : turn << (2 * CountBits);
            var isFull = (fresh & CountMask) == CountMask;
            var next = isFull ? fresh : fresh + 1 + (failed ? 1L << CountBits : 0);
            if (Interlocked.CompareExchange(ref slice, next, old) == old)
            {
                return;
            }
        }
    }

    /// <summary>The number of the slice that a time falls into, small enough to stand beside two counts.</summary>
    private static long TurnOf(GuardSettings settings, long now) => (now / settings.SliceTicks) & (int.MaxValue >> 8);

    private bool IsTooMuch(GuardSettings settings, long now)
    {
        var turn = TurnOf(settings, now);
        long calls = 0;
        long failures = 0;
        foreach (ref var slice in _window.AsSpan())
        {
            var word = Volatile.Read(ref slice);
            var age = turn - (word >> (2 * CountBits));
            if (age is >= 0 and < Slices)
            {
                calls += word & CountMask;
                failures += (word >> CountBits) & CountMask;
            }
        }

        return calls >= settings.MinimumCalls && failures >= settings.FailureRatio * calls;
    }

    private void Open(CircuitState from, long now)
    {
        Volatile.Write(ref _openedAt, now);
        Volatile.Write(ref _probesLeft, 0);
        Interlocked.CompareExchange(ref _state, (int)CircuitState.Open, (int)from);
    }
}
