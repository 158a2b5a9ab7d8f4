namespace Fairlead.Health;

/// <summary>What the health checks of one server have found lately: survives its instances, is gone with the server.</summary>
/// <remarks>Written by the monitor of the instance in service, for a moment by those of two; read by anybody, without a lock: what is read is frozen.</remarks>
internal sealed class HealthRecord
{
    /// <summary>Checks that are remembered; the oldest make room.</summary>
    public const int ChecksMax = 100;

    private volatile HealthRecordSnapshot _current = new([], 0, 0);
    private volatile IReadOnlyList<HealthCheck> _checks = [];
    private long _good;
    private long _bad;

    /// <summary>Good checks since the server was deployed.</summary>
    public long Good => Volatile.Read(ref _good);

    /// <summary>Bad checks since the server was deployed.</summary>
    public long Bad => Volatile.Read(ref _bad);

    /// <summary>The record of the moment.</summary>
    public HealthRecordSnapshot Current => _current;

    /// <summary>The checks of the instance in service, by which whoever asks in between joins a run instead of making a second one.</summary>
    public IReadOnlyList<HealthCheck> Checks
    {
        get => _checks;
        set => _checks = value;
    }

    /// <summary>Remembers a check.</summary>
    /// <param name="check">What it found.</param>
    /// <param name="failuresInARow">Of the worst check of the instance.</param>
    /// <param name="successesInARow">Of the worst check of the instance.</param>
    public void Add(ServerHealthCheck check, int failuresInARow, int successesInARow)
    {
        Interlocked.Increment(ref check.IsHealthy ? ref _good : ref _bad);
        while (true)
        {
            var old = _current;
            var kept = old.Checks.Length < ChecksMax ? old.Checks.AsSpan() : old.Checks.AsSpan(1);
            if (Interlocked.CompareExchange(ref _current, new HealthRecordSnapshot([.. kept, check], failuresInARow, successesInARow), old) == old)
            {
                return;
            }
        }
    }
}

/// <summary>A record at one moment. Nobody changes it.</summary>
/// <param name="Checks">The oldest first; at most <see cref="HealthRecord.ChecksMax"/>.</param>
/// <param name="FailuresInARow">Bad checks at the end.</param>
/// <param name="SuccessesInARow">Good checks at the end.</param>
internal sealed record HealthRecordSnapshot(ServerHealthCheck[] Checks, int FailuresInARow, int SuccessesInARow);
