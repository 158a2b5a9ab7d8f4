using Fairlead.Upstreams;

namespace Fairlead.Tests.Upstreams;

public class PendingTableTests
{
    [Fact]
    public void TryOpen_WhenSlotsAreReused_IdsNeverRepeat()
    {
        var table = new PendingTable();
        var ids = new HashSet<long>();
        for (var i = 0; i < 10_000; i++)
        {
            var call = UpstreamCall.Create();
            Assert.True(table.TryOpen(call));
            Assert.True(ids.Add(call.UpstreamId));
            Assert.True(call.UpstreamId < 1L << 53);
            Assert.True(table.TryTake(call.UpstreamId, ForwardError.None, out var taken));
            Assert.Same(call, taken);
        }
    }

    [Fact]
    public void Used_WhenCallsComeAndGo_IsWhatWasOpenAtOnce()
    {
        var table = new PendingTable();
        for (var round = 0; round < 10; round++)
        {
            UpstreamCall[] calls = [UpstreamCall.Create(), UpstreamCall.Create(), UpstreamCall.Create()];
            Assert.All(calls, call => Assert.True(table.TryOpen(call)));
            Assert.All(Enumerable.Range(0, 3), place => Assert.NotEqual(0, table.Peek(place, out _)));
            Assert.All(calls, call => Assert.True(table.TryTake(call.UpstreamId, ForwardError.None, out _)));
        }

        Assert.Equal(3, table.Used);
        Assert.True(table.Capacity >= 3);
    }

    [Fact]
    public void TryTake_WhenTheCallHasEnded_LosesAndTouchesNobodyElse()
    {
        var table = new PendingTable();
        var first = UpstreamCall.Create();
        table.TryOpen(first);
        var late = first.UpstreamId;
        Assert.True(table.TryTake(late, ForwardError.None, out _));
        var second = UpstreamCall.Create();
        table.TryOpen(second);

        Assert.False(table.TryTake(late, ForwardError.None, out _));
        Assert.True(table.TryTake(second.UpstreamId, ForwardError.None, out _));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(65536)]
    [InlineData(65535)]
    [InlineData(long.MaxValue)]
    public void TryTake_WhenTheServerInventsAnId_Loses(long id)
    {
        var table = new PendingTable();
        Assert.False(table.TryTake(id, ForwardError.None, out _));
        Assert.False(table.TryBeginDelivery(id, out _));
    }

    [Fact]
    public void TryOpen_WhenAllSlotsAreTaken_RefusesAndWorksAgainAfterOneIsFree()
    {
        var table = new PendingTable();
        var calls = Enumerable.Range(0, PendingTable.SlotsMax).Select(_ => UpstreamCall.Create()).ToArray();
        Assert.All(calls, call => Assert.True(table.TryOpen(call)));
        Assert.False(table.TryOpen(UpstreamCall.Create()));
        Assert.True(table.TryTake(calls[77].UpstreamId, ForwardError.None, out _));
        Assert.True(table.TryOpen(UpstreamCall.Create()));
    }

    [Fact]
    public void EndDelivery_WhenTheCallWasToEndMeanwhile_HandsTheEndToTheDeliverer()
    {
        var table = new PendingTable();
        var call = UpstreamCall.Create();
        table.TryOpen(call);
        Assert.True(table.TryBeginDelivery(call.UpstreamId, out _));

        Assert.False(table.TryTake(call.UpstreamId, ForwardError.ServerTimedOut, out _));
        Assert.False(table.TryTake(call.UpstreamId, ForwardError.ClientCancelled, out _));

        Assert.Equal(ForwardError.ServerTimedOut, table.EndDelivery(call));
        Assert.Equal(0, table.CountOpen());
    }

    [Fact]
    public void TryOpen_WhenClosed_Refuses()
    {
        var table = new PendingTable();
        table.Close();
        Assert.False(table.TryOpen(UpstreamCall.Create()));
    }

    /// <summary>Openers, answerers, cancellers and deliverers at once: every call ends exactly once, by exactly one of them.</summary>
    [Fact]
    public async Task TryTake_WhenManyRace_ExactlyOneWins()
    {
        const int Workers = 4;
        const int CallsEach = 20_000;
        var table = new PendingTable();
        var ends = 0;
        async Task WorkAsync(int seed)
        {
            var random = new Random(seed);
            for (var i = 0; i < CallsEach; i++)
            {
                var call = UpstreamCall.Create();
                Assert.True(table.TryOpen(call));
                var id = call.UpstreamId;
                var racers = new[]
                {
                    Task.Run(() => table.TryTake(id, ForwardError.None, out _) ? 1 : 0),
                    Task.Run(() => table.TryTake(id, ForwardError.ClientCancelled, out _) ? 1 : 0),
                };
                var byDelivery = 0;
                if (random.Next(2) == 0 && table.TryBeginDelivery(id, out var held))
                {
                    byDelivery = table.EndDelivery(held) == ForwardError.None ? 0 : 1;
                }

                var wins = (await Task.WhenAll(racers)).Sum() + byDelivery;
                Assert.Equal(1, wins);
                Interlocked.Increment(ref ends);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(WorkAsync));
        Assert.Equal(Workers * CallsEach, ends);
        Assert.Equal(0, table.CountOpen());
    }
}
