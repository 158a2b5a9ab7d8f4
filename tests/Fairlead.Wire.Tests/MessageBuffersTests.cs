using Fairlead.Wire;

namespace Fairlead.Wire.Tests;

public sealed class MessageBuffersTests
{
    [Fact]
    public void Return_OfALargeBuffer_KeepsNothingOfIt()
    {
        var large = RentAndReturn(16 * MessageBuffers.PooledBytesMax);

        GC.Collect();

        Assert.False(large.IsAlive);
    }

    [Fact]
    public void Rent_AfterAReturn_GivesABufferOfUsualSizeAgain()
    {
        var first = MessageBuffers.Rent(MessageBuffers.PooledBytesMax);
        MessageBuffers.Return(first);

        Assert.Same(first, MessageBuffers.Rent(MessageBuffers.PooledBytesMax));
    }

    private static WeakReference RentAndReturn(int length)
    {
        var buffer = MessageBuffers.Rent(length);
        Assert.True(buffer.Length >= length);
        MessageBuffers.Return(buffer);
        return new WeakReference(buffer);
    }
}
