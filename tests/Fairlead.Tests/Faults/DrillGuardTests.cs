using Fairlead.Routing;
using Fairlead.Tests.Servers;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Faults;

/// <summary>The guard ends a drill when servers suffer that it is not about.</summary>
public sealed class DrillGuardTests
{
    private static readonly FaultRequest s_error = new(FaultKind.Error) { Duration = TimeSpan.FromMinutes(5) };

    [Fact]
    public async Task Drill_WhenANeighbourFails_EndsAllFaultsAndSaysWhy()
    {
        await using var world = await FaultWorld.StartAsync(null, "target", "neighbour");
        var fault = await world.InjectAsync(s_error, "target");
        Record(world, "neighbour", good: 38, failed: 2);
        world.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Single((await world.Manager.ListFaultsAsync()).Active);

        Record(world, "neighbour", good: 0, failed: 1);
        world.Clock.Advance(TimeSpan.FromSeconds(1));

        var ended = await world.EndedAsync(fault.Id);
        Assert.Contains("neighbour", ended.EndReason, StringComparison.Ordinal);
        Assert.Contains("faultInjection.stopAtErrorRate (0.05)", ended.EndReason, StringComparison.Ordinal);
        Assert.Empty((await world.Manager.ListFaultsAsync()).Active);
    }

    [Theory]
    [InlineData("target", 0, 100, 0)]   // It is the target's to fail.
    [InlineData("neighbour", 0, 19, 0)] // Too few to say anything.
    [InlineData("neighbour", 0, 50, 20)] // Longer ago than the window.
    public async Task Drill_WhenNothingSpeaksAgainstIt_GoesOn(string server, int good, int failed, int secondsBefore)
    {
        await using var world = await FaultWorld.StartAsync(null, "target", "neighbour");
        if (secondsBefore != 0)
        {
            // Before the drill.
            Record(world, server, good, failed);
            world.Clock.Advance(TimeSpan.FromSeconds(secondsBefore));
        }

        await world.InjectAsync(s_error, "target");
        Record(world, server, good, secondsBefore == 0 ? failed : 0);
        world.Clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Single((await world.Manager.ListFaultsAsync()).Active);
    }

    [Fact]
    public async Task Drill_WhenMuchOlderFailuresAreOutOfTheWindow_CountsTheLatestAlone()
    {
        await using var world = await FaultWorld.StartAsync(null, "target", "neighbour");
        await world.InjectAsync(s_error, "target");
        for (var i = 0; i < 10; i++)
        {
            Record(world, "neighbour", good: 0, failed: 10);
            world.Clock.Advance(TimeSpan.FromMilliseconds(100));
            if (i == 0)
            {
                // 10 calls every 12 s: never 20 within the window.
                world.Clock.Advance(TimeSpan.FromSeconds(12));
            }

            if (i == 1)
            {
                Assert.Single((await world.Manager.ListFaultsAsync()).Active);
            }
        }

        world.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty((await world.Manager.ListFaultsAsync()).Active);
    }

    [Fact]
    public async Task Drill_WhenOneFaultHasEnded_ItsServersFailuresAreNotHeldAgainstTheOther()
    {
        await using var world = await FaultWorld.StartAsync(null, "one", "two");
        var first = await world.InjectAsync(s_error, "one");
        await world.InjectAsync(s_error, "two");
        Record(world, "one", good: 0, failed: 50);
        world.Clock.Advance(TimeSpan.FromSeconds(1));
        await world.Manager.EndFaultAsync(first.Id);
        world.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Single((await world.Manager.ListFaultsAsync()).Active);

        Record(world, "one", good: 0, failed: 50);
        world.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty((await world.Manager.ListFaultsAsync()).Active);
    }

    private static void Record(FaultWorld world, string server, int good, int failed)
    {
        for (var i = 0; i < good + failed; i++)
        {
            world.Manager.Cell(server).Counters.Record(McpMethod.ToolsCall, CallStatus.Of(i >= good ? ForwardError.ServerLost : ForwardError.None, isErrorAnswer: false), 0, 0);
        }
    }
}
