using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>How many bytes of large messages are held at a time, over all servers and calls (<c>bufferedBytesTotalMax</c>).</summary>
/// <remarks>Only messages above <see cref="FreeBytes"/> are counted, so that the road of a small call does not meet it. No lock; any thread.</remarks>
/// <param name="bytesMax">The bound.</param>
internal sealed class BufferBudget(long bytesMax)
{
    /// <summary>Largest message that is not counted, bytes: calls in flight are bounded in number.</summary>
    public const int FreeBytes = MessageBuffers.PooledBytesMax;

    private long _held;

    /// <summary>Bytes held now.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>The bound, in words that follow the sentence of <see cref="ForwardError.BuffersFull"/>.</summary>
    public string Describe() => $"bufferedBytesTotalMax is {bytesMax}";

    /// <summary>Takes room for a message; whoever took it gives it back with <see cref="Return"/>.</summary>
    /// <returns>False when there is too little, and nothing was taken.</returns>
    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _held, bytes) <= bytesMax)
        {
            return true;
        }

        Interlocked.Add(ref _held, -bytes);
        return false;
    }

    /// <summary>Gives room back.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _held, -bytes);
}
