using Fairlead.Wire;

namespace Fairlead.Routing;

/// <summary>What the calls of one server, or the requests at the front, came to: by method and status since the beginning, and together over the last minute.</summary>
/// <remarks>
/// Any thread; recording takes no lock and, from the second call of a method and status on, allocates nothing. The last minute is told by differences: the first who comes in each slice of it
/// notes what the counts are then. A slice in which nobody comes needs no note, since nothing was counted in it.
/// </remarks>
internal sealed class CallMetrics
{
    /// <summary>The time that rates and percentiles look back: a minute, of which the oldest slice may be left out.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(Slices * SliceSeconds);

    private const int Slices = 12;
    private const int SliceSeconds = 5;

    // All requests; the values after these are notifications.
    private const int Methods = (int)McpMethod.NotificationsInitialized;

    private readonly CallTimes?[]?[] _times = new CallTimes?[]?[Methods];
    private readonly TimeProvider _time;
    private readonly long _sliceTicks;
    private readonly long _since;
    private Slice[]? _slices;
    private long _turnAt;
    private long _retries;
    private long _fallbacks;

    /// <summary>Counts from now on.</summary>
    public CallMetrics(TimeProvider time)
    {
        _time = time;
        _sliceTicks = SliceSeconds * time.TimestampFrequency;
        _since = time.GetTimestamp();
    }

    /// <summary>Calls that have ended and went to an instance.</summary>
    public long Total => Add(static (_, times) => times.Count);

    /// <summary>Those of them whose server is to blame (decision 15).</summary>
    public long Failed => Add(static (status, times) => CallStatus.IsServerFailure(status) ? times.Count : 0);

    /// <summary>Mean time of a call in microseconds; 0 before the first.</summary>
    public double MeanMicros => Total is > 0 and var total ? Add(static (_, times) => times.SumTicks) / (double)TimeSpan.TicksPerMicrosecond / total : 0;

    /// <summary>How often a call was sent once more after it had failed.</summary>
    public long Retries => Volatile.Read(ref _retries);

    /// <summary>How often a fallback was tried.</summary>
    public long Fallbacks => Volatile.Read(ref _fallbacks);

    /// <summary>Adds one call that has ended.</summary>
    /// <param name="method">What was called; one that is no request of the specification counts as <see cref="McpMethod.Unknown"/>.</param>
    /// <param name="status">How it ended, a <see cref="CallStatus"/>.</param>
    /// <param name="started">The clock's timestamp at its begin.</param>
    /// <param name="now">The clock's timestamp.</param>
    /// <returns>Where it is counted.</returns>
    public CallTimes Record(McpMethod method, int status, long started, long now)
    {
        if (now >= Volatile.Read(ref _turnAt))
        {
            Turn(now);
        }

        var times = TimesOf(method, status);
        times.Record(_time.GetElapsedTime(started, now).Ticks);
        return times;
    }

    /// <summary>Adds one call that no instance has heard of: refused by a guard, or given up before.</summary>
    public void RecordUnsent(McpMethod method, int status) => TimesOf(method, status).RecordUnsent();

    /// <summary>A call is sent once more.</summary>
    public void NoteRetry() => Interlocked.Increment(ref _retries);

    /// <summary>A fallback is tried.</summary>
    public void NoteFallback() => Interlocked.Increment(ref _fallbacks);

    /// <summary>What has been counted, for each method and status that has occurred.</summary>
    public IEnumerable<(McpMethod Method, int Status, CallTimes Times)> All()
    {
        for (var method = 0; method < Methods; method++)
        {
            for (var status = 0; Volatile.Read(ref _times[method]) is { } byStatus && status < CallStatus.Count; status++)
            {
                if (Volatile.Read(ref byStatus[status]) is { } times)
                {
                    yield return ((McpMethod)method, status, times);
                }
            }
        }
    }

    /// <summary>What has ended within <see cref="Window"/>.</summary>
    public CallWindow Recent()
    {
        var now = _time.GetTimestamp();
        if (now >= Volatile.Read(ref _turnAt))
        {
            Turn(now);
        }

        var first = (now / _sliceTicks) - (Slices - 1);
        var window = new CallWindow { Elapsed = _time.GetElapsedTime(Math.Max(first * _sliceTicks, _since), now) };
        window.Failed = Count(window.Buckets);
        if (OldestSince(first) is { } base_)
        {
            window.Failed -= base_.Failed;
            for (var bucket = 0; bucket < window.Buckets.Length; bucket++)
            {
                window.Buckets[bucket] -= base_.Buckets[bucket];
            }
        }
        else
        {
            // Nobody has come since the window began.
            window.Failed = 0;
            Array.Clear(window.Buckets);
        }

        return window;
    }

    private static int IndexOf(McpMethod method) => (int)method < Methods ? (int)method : 0;

    private CallTimes TimesOf(McpMethod method, int status) => _times[IndexOf(method)]?[status] ?? Make(IndexOf(method), status);

    private CallTimes Make(int method, int status)
    {
        var byStatus = _times[method] ?? Interlocked.CompareExchange(ref _times[method], new CallTimes?[CallStatus.Count], null) ?? _times[method]!;
        return Interlocked.CompareExchange(ref byStatus[status], new CallTimes(), null) ?? byStatus[status]!;
    }

    private long Add(Func<int, CallTimes, long> part)
    {
        long sum = 0;
        foreach (var (_, status, times) in All())
        {
            sum += part(status, times);
        }

        return sum;
    }

    // Not by All: it runs on the request path and must not allocate.
    private long Count(long[] buckets)
    {
        Array.Clear(buckets);
        long failed = 0;
        foreach (var byStatus in _times)
        {
            for (var status = 0; byStatus is not null && status < byStatus.Length; status++)
            {
                if (Volatile.Read(ref byStatus[status]) is { } times)
                {
                    times.AddTo(buckets);
                    failed += CallStatus.IsServerFailure(status) ? times.Count : 0;
                }
            }
        }

        return failed;
    }

    /// <summary>Notes the counts at the begin of a slice. One of those who come first does.</summary>
    private void Turn(long now)
    {
        var slices = _slices ?? Interlocked.CompareExchange(ref _slices, NewSlices(), null) ?? _slices;
        var number = now / _sliceTicks;
        var before = Volatile.Read(ref _turnAt);
        if (now < before || Interlocked.CompareExchange(ref _turnAt, (number + 1) * _sliceTicks, before) != before)
        {
            return;
        }

        var slice = slices[number % slices.Length];
        Volatile.Write(ref slice.Number, -1);
        slice.Failed = Count(slice.Buckets);
        Volatile.Write(ref slice.Number, number);
    }

    private static Slice[] NewSlices()
    {
        var slices = new Slice[Slices + 1];
        for (var i = 0; i < slices.Length; i++)
        {
            slices[i] = new Slice();
        }

        return slices;
    }

    /// <summary>A copy of the note of the first slice, from <paramref name="first"/> on, that has one.</summary>
    private Slice? OldestSince(long first)
    {
        Slice? oldest = null;
        foreach (var slice in _slices!)
        {
            var number = Volatile.Read(ref slice.Number);
            if (number < first || number >= (oldest?.Number ?? long.MaxValue))
            {
                continue;
            }

            var copy = new Slice { Number = number, Failed = slice.Failed };
            slice.Buckets.CopyTo(copy.Buckets, 0);
            Interlocked.MemoryBarrier();
            oldest = Volatile.Read(ref slice.Number) == number ? copy : oldest;
        }

        return oldest;
    }

    /// <summary>The counts at the begin of a slice; number -1 while they are written, and before.</summary>
    private sealed class Slice
    {
        public readonly long[] Buckets = new long[CallTimes.Buckets];
        public long Number = -1;
        public long Failed;
    }
}

/// <summary>Calls of a while.</summary>
internal sealed class CallWindow
{
    /// <summary>By length, as <see cref="CallTimes"/> parts them.</summary>
    public long[] Buckets { get; } = new long[CallTimes.Buckets];

    /// <summary>How long the while was.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Those whose server is to blame (decision 15).</summary>
    public long Failed { get; set; }

    /// <summary>All of them.</summary>
    public long Calls => Buckets.Sum();

    /// <summary>Share of the failed, 0 to 1; 0 when there were no calls.</summary>
    public double ErrorRate => Calls is > 0 and var calls ? (double)Failed / calls : 0;

    /// <summary>Calls per second.</summary>
    public double PerSecond => Elapsed > TimeSpan.Zero ? Calls / Elapsed.TotalSeconds : 0;

    /// <summary>The length that a share of the calls does not exceed; null when there were no calls.</summary>
    public TimeSpan? Percentile(double share) => CallTimes.Percentile(Buckets, share);
}
