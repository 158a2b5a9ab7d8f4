using System.Buffers;

namespace Fairlead.Wire;

/// <summary>Buffers for whole messages. Those of usual size are pooled; large ones are left to the collector.</summary>
/// <remarks>
/// The shared pool keeps what it is given back, some of it for each thread: a few messages of many megabytes, from several threads, would stay in memory long after them. A large message costs
/// an allocation, which is little beside reading it. Any thread.
/// </remarks>
public static class MessageBuffers
{
    /// <summary>Longest buffer that is pooled, bytes.</summary>
    public const int PooledBytesMax = 1024 * 1024;

    /// <summary>A buffer of at least this length, with whatever was in it before.</summary>
    public static byte[] Rent(int length) => length <= PooledBytesMax ? ArrayPool<byte>.Shared.Rent(length) : GC.AllocateUninitializedArray<byte>(length);

    /// <summary>Gives up a buffer that <see cref="Rent"/> gave: its giver must not touch it afterwards.</summary>
    public static void Return(byte[] buffer)
    {
        if (buffer.Length <= PooledBytesMax)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
