namespace Fairlead.Budgets.Tests;

/// <summary>Counts what this thread allocates.</summary>
internal static class Measured
{
    private const int Rounds = 3;

    /// <summary>Bytes per operation, after the pools are full. Exact: the code is compiled before, and no other thread is counted.</summary>
    /// <param name="operation">What is measured; it must end on this thread.</param>
    /// <param name="times">How often in a round.</param>
    public static double BytesPerOperation(Action operation, int times = 1000)
    {
        Repeat(operation, 50);
        var least = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Repeat(operation, times);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return (double)least / times;
    }

    /// <summary>Bytes that one making of something takes, with all that it makes.</summary>
    public static double BytesOf(Func<object> make)
    {
        GC.KeepAlive(make());
        var before = GC.GetAllocatedBytesForCurrentThread();
        var made = make();
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        GC.KeepAlive(made);
        return bytes;
    }

    private static void Repeat(Action operation, int times)
    {
        for (var i = 0; i < times; i++)
        {
            operation();
        }
    }
}
