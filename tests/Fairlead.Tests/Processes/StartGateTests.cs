using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

public sealed class StartGateTests
{
    [Fact]
    public async Task EnterAsync_WhenFull_WaitsForAPlaceInTurn()
    {
        using var gate = new StartGate(2);
        var first = await gate.EnterAsync(CancellationToken.None);
        using var second = await gate.EnterAsync(CancellationToken.None);
        var third = gate.EnterAsync(CancellationToken.None).AsTask();
        var fourth = gate.EnterAsync(CancellationToken.None).AsTask();

        Assert.False(third.IsCompleted);
        first.Dispose();
        first.Dispose();

        using var entered = await Guard.WithinAsync(third, "the third to enter");
        Assert.False(fourth.IsCompleted);
        entered.Dispose();
        (await Guard.WithinAsync(fourth, "the fourth to enter")).Dispose();
    }

    [Fact]
    public async Task EnterAsync_WhenCancelled_LeavesThePlaceToOthers()
    {
        using var gate = new StartGate(1);
        var inside = await gate.EnterAsync(CancellationToken.None);
        using var cancel = new CancellationTokenSource();
        var waiting = gate.EnterAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        inside.Dispose();
        (await Guard.WithinAsync(gate.EnterAsync(CancellationToken.None), "an entry after the cancelled one")).Dispose();
    }

    [Fact]
    public void Concurrency_ByDefault_IsTwiceTheCores()
    {
        using var gate = new StartGate();
        Assert.Equal(2 * Environment.ProcessorCount, gate.Concurrency);
        Assert.Throws<ArgumentOutOfRangeException>(() => new StartGate(0));
    }
}
