using Fairlead.Wire;

namespace Fairlead.Wire.Tests;

public sealed class MessageBuffersTests
{
    [Fact]
    public void Return_OfALargeBuffer_KeepsNothingOfIt()
    {
        var large = RentAndReturn(32 * MessageBuffers.PooledBytesMax);

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

    [Fact]
    public void Rent_OfALargeBufferAfterAReturn_UsesItAgain()
    {
        const int Length = (8 * MessageBuffers.PooledBytesMax) + 1;
        var first = MessageBuffers.Rent(Length);
        MessageBuffers.Return(first);

        var second = MessageBuffers.Rent(Length);

        Assert.Same(first, second);
        Assert.Equal(16 * MessageBuffers.PooledBytesMax, second.Length);
        Assert.NotSame(second, MessageBuffers.Rent(Length));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(MessageBuffers.PooledBytesMax + 1)]
    [InlineData(2 * MessageBuffers.PooledBytesMax)]
    [InlineData((64 * MessageBuffers.PooledBytesMax) + 1)]
    public void Rent_OfAnyLength_IsLongEnough(int length)
    {
        var buffer = MessageBuffers.Rent(length);

        Assert.True(buffer.Length >= length);
        MessageBuffers.Return(buffer);
    }

    private static WeakReference RentAndReturn(int length)
    {
        var buffer = MessageBuffers.Rent(length);
        Assert.True(buffer.Length >= length);
        MessageBuffers.Return(buffer);
        return new WeakReference(buffer);
    }
}
