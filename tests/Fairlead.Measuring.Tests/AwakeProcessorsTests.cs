namespace Fairlead.Measuring.Tests;

public sealed class AwakeProcessorsTests
{
    [Fact]
    public void Keep_AsksForNoWaitAndHoldsTheRequestUntilDisposed()
    {
        var device = Path.GetTempFileName();
        try
        {
            using (var awake = AwakeProcessors.Keep(device))
            {
                Assert.True(awake.IsKept, awake.Words);
                Assert.Contains(Opened(), path => path == device);
            }

            Assert.DoesNotContain(Opened(), path => path == device);
            Assert.Equal([0, 0, 0, 0], File.ReadAllBytes(device));
        }
        finally
        {
            File.Delete(device);
        }
    }

    [Fact]
    public void Keep_WhereThereIsNoSuchDevice_ChangesNothingAndSaysWhy()
    {
        using var awake = AwakeProcessors.Keep("/nonexistent/cpu_dma_latency");

        Assert.False(awake.IsKept);
        Assert.StartsWith("processors not kept awake: ", awake.Words, StringComparison.Ordinal);
        Assert.Contains("/nonexistent/cpu_dma_latency", awake.Words, StringComparison.Ordinal);
    }

    private static List<string?> Opened() => [.. new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Select(static descriptor => descriptor.LinkTarget)];
}
