using Fairlead.Processes;

namespace Fairlead.Faults;

/// <summary>One fault that is active: what was asked for, what it holds, and what it has hit.</summary>
/// <remarks>Made and ended by <see cref="FaultInjector"/>; counted by the request path, from any thread.</remarks>
internal sealed class Fault : IDisposable
{
    private readonly ulong _seed = (ulong)Random.Shared.NextInt64();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[]? _tool;
    private long _drawn;
    private long _affected;

    /// <summary>Begins nothing yet.</summary>
    /// <param name="first">What is known of it at its start.</param>
    /// <param name="time">The clock.</param>
    public Fault(FaultInfo first, TimeProvider time)
    {
        First = first;
        _tool = first.Tool is null ? null : System.Text.Encoding.UTF8.GetBytes(first.Tool);
        Waiting = first.Kind == FaultKind.Latency ? new HeldCalls(time) : null;
    }

    /// <summary>What was known of it at its start.</summary>
    public FaultInfo First { get; }

    /// <summary>What it does.</summary>
    public FaultKind Kind => First.Kind;

    /// <summary>The only tool whose calls it hits, as bytes; empty = all calls.</summary>
    public ReadOnlySpan<byte> Tool => _tool;

    /// <summary>Whether it hits all calls, so that it is a fault of the whole connection.</summary>
    public bool IsOfAllCalls => _tool is null && First.Percent >= 100;

    /// <summary>The calls that it holds back; null unless it is latency.</summary>
    public HeldCalls? Waiting { get; }

    /// <summary>The children that it has stopped. Set once, before anybody else sees it.</summary>
    public IReadOnlyList<ChildProcess?> Stalled { get; init; } = [];

    /// <summary>Completes when the fault has ended.</summary>
    public Task Released => _released.Task;

    /// <summary>Ends it when its time is over. Set by the injector.</summary>
    public ITimer? Timer { get; set; }

    /// <summary>Counts calls that it has hit.</summary>
    public void Count(long calls = 1) => Interlocked.Add(ref _affected, calls);

    /// <summary>Draws whether the next call is hit.</summary>
    /// <remarks>The numbers are those of SplitMix64: no lock and no state but a counter, and over many calls exactly the share that was asked for.</remarks>
    public bool Draw()
    {
        if (First.Percent >= 100)
        {
            return true;
        }

        var z = _seed + ((ulong)Interlocked.Increment(ref _drawn) * 0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        z ^= z >> 31;
        return (z >> 11) * (100.0 / (1UL << 53)) < First.Percent;
    }

    /// <summary>How long the next call is held back.</summary>
    public TimeSpan NextLatency() => TimeSpan.FromMilliseconds((First.LatencyMs ?? 0) + (Random.Shared.NextDouble() * (First.JitterMs ?? 0)));

    /// <summary>What is known of it now.</summary>
    public FaultInfo Info(DateTimeOffset? endedAt = null, string? reason = null) =>
        First with { CallsAffected = Interlocked.Read(ref _affected), EndedAt = endedAt, EndReason = reason };

    /// <summary>Undoes it, once it lies on no connection any more: children go on at once, and what was held back goes on its way.</summary>
    public void Dispose()
    {
        Timer?.Dispose();
        foreach (var child in Stalled)
        {
            child?.Continue();
        }

        _released.TrySetResult();
        if (Waiting is { } waiting)
        {
            // Beside the caller, who ends it under his lock: calls are sent here, and may fail.
            ThreadPool.UnsafeQueueUserWorkItem(static waiting => waiting.Dispose(), waiting, preferLocal: false);
        }
    }
}
