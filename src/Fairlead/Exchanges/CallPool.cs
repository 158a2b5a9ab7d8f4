using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Fairlead.Upstreams;

namespace Fairlead.Exchanges;

/// <summary>Keeps calls that have ended for the next ones, at most 1 024. Any thread.</summary>
internal sealed class CallPool<T>
    where T : UpstreamCall
{
    private const int CallsMax = 1024;

    private readonly ConcurrentQueue<T> _calls = new();
    private int _count;

    /// <summary>Takes one.</summary>
    public bool TryRent([NotNullWhen(true)] out T? call)
    {
        if (!_calls.TryDequeue(out call))
        {
            return false;
        }

        Interlocked.Decrement(ref _count);
        return true;
    }

    /// <summary>Gives one back that nobody knows any more.</summary>
    /// <returns>False when there are enough: it is garbage.</returns>
    public bool TryReturn(T call)
    {
        if (Interlocked.Increment(ref _count) <= CallsMax)
        {
            _calls.Enqueue(call);
            return true;
        }

        Interlocked.Decrement(ref _count);
        return false;
    }
}
