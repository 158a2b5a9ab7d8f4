namespace Fairlead.Processes;

/// <summary>
/// Lets only so many servers start at once: a hundred runtimes that start together on two cores are each ready later than when they take turns.
/// Waiters hold no thread and are served in the order they came. Any thread may use it.
/// </summary>
internal sealed class StartGate : IDisposable
{
    private readonly SemaphoreSlim _places;

    /// <summary>Opens the gate.</summary>
    /// <param name="startConcurrency">Starts at once; at least 1. Null = <see cref="DefaultConcurrency"/>.</param>
    public StartGate(int? startConcurrency = null)
    {
        var places = startConcurrency ?? DefaultConcurrency;
        ArgumentOutOfRangeException.ThrowIfLessThan(places, 1, nameof(startConcurrency));
        _places = new SemaphoreSlim(places, places);
        Concurrency = places;
    }

    /// <summary>Twice the number of cores.</summary>
    public static int DefaultConcurrency => 2 * Environment.ProcessorCount;

    /// <summary>How many starts may run at once.</summary>
    public int Concurrency { get; }

    /// <summary>Waits for a place. Dispose the result when the server is ready or has failed; disposing it twice is harmless.</summary>
    /// <param name="cancellationToken">Gives up the wait with <see cref="OperationCanceledException"/>.</param>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Place(_places);
    }

    /// <summary>Ends the gate. Waiters must have been cancelled and places returned before.</summary>
    public void Dispose() => _places.Dispose();

    private sealed class Place(SemaphoreSlim places) : IDisposable
    {
        private SemaphoreSlim? _places = places;

        public void Dispose() => Interlocked.Exchange(ref _places, null)?.Release();
    }
}
