using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;

namespace Fairlead.Wire;

/// <summary>Buffers for whole messages. Those of usual size are pooled; large ones are used again until the collector takes them.</summary>
/// <remarks>
/// The shared pool keeps what it is given back, some of it for each thread: a few messages of many megabytes, from several threads, would stay in memory long after them. Large buffers are
/// therefore only remembered weakly: a flood of large messages uses the same few again, and nothing of it is kept past the next full collection. Any thread.
/// </remarks>
public static class MessageBuffers
{
    /// <summary>Longest buffer that is pooled, bytes.</summary>
    public const int PooledBytesMax = 1024 * 1024;

    // 2 MiB to 64 MiB; messages beyond that are not expected under any sensible limit.
    private const int FirstPower = 21;
    private const int RememberedMax = 16;

    private static readonly ConcurrentQueue<WeakReference<byte[]>>[] s_large = [new(), new(), new(), new(), new(), new()];

    /// <summary>A buffer of at least this length, with whatever was in it before.</summary>
    public static byte[] Rent(int length)
    {
        if (length <= PooledBytesMax)
        {
            return ArrayPool<byte>.Shared.Rent(length);
        }

        var power = BitOperations.Log2((uint)length - 1) + 1;
        if (power - FirstPower >= s_large.Length)
        {
            return GC.AllocateUninitializedArray<byte>(length);
        }

        while (s_large[power - FirstPower].TryDequeue(out var remembered))
        {
            if (remembered.TryGetTarget(out var buffer))
            {
                return buffer;
            }
        }

        return GC.AllocateUninitializedArray<byte>(1 << power);
    }

    /// <summary>Gives up a buffer that <see cref="Rent"/> gave: its giver must not touch it afterwards.</summary>
    public static void Return(byte[] buffer)
    {
        if (buffer.Length <= PooledBytesMax)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            return;
        }

        var power = BitOperations.Log2((uint)buffer.Length);
        if (BitOperations.IsPow2(buffer.Length) && power - FirstPower < s_large.Length && s_large[power - FirstPower].Count < RememberedMax)
        {
            s_large[power - FirstPower].Enqueue(new WeakReference<byte[]>(buffer));
        }
    }
}
