using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests.Rollouts;

/// <summary>Whoever waits for changes of a server and then reads its rollout sees the end of it.</summary>
public sealed class RolloutEndTests
{
    [Fact]
    public async Task End_IsFollowedByAChangeOfTheServer()
    {
        var clock = new StampingClock();
        await using var manager = new McpManager(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, timeProvider: clock);
        manager.AddTools("s", new TextTool("say", static (arguments, _) => new ValueTask<ToolOutput>(ToolOutput.Text(arguments))));
        Assert.Equal(["s"], await Guard.WithinAsync(manager.LaunchAllAsync(), "the server to start"));
        Assert.True(manager.Fleet.TryGet("s", out var cell));
        await Guard.WithinAsync(manager.StartRolloutAsync("s", new RolloutOptions { Strategy = RolloutStrategy.BlueGreen, ObserveMs = 3_600_000 }), "the rollout to begin");

        // What somebody waits for who looks at the very moment at which the end is stamped: before it can be read.
        clock.Stamped = () => cell.Changed;
        using var end = new CancellationTokenSource();
        var ended = Guard.WithinAsync(EndAsync(), "the end of the rollout");
        await manager.PromoteRolloutAsync("s");

        await Guard.WithinAsync(clock.At((await ended).EndedAt!.Value), "a change of the server after its rollout has ended");

        async Task<RolloutInfo> EndAsync()
        {
            await foreach (var one in manager.WatchEventsAsync(new FleetEventFilter { Types = [FleetEventType.Rollout] }, null, end.Token))
            {
                if (one.Rollout is { Phase: RolloutPhase.Completed } info)
                {
                    return info;
                }
            }

            throw new InvalidOperationException("The events have ended.");
        }
    }

    /// <summary>The system's clock, on which no two moments are the same; notes what there was to wait for at each.</summary>
    private sealed class StampingClock : TimeProvider
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<DateTimeOffset, Task> _waits = [];
        private DateTimeOffset _last;

        public Func<Task>? Stamped { get; set; }

        public Task At(DateTimeOffset moment)
        {
            lock (_lock)
            {
                return _waits[moment];
            }
        }

        public override DateTimeOffset GetUtcNow()
        {
            lock (_lock)
            {
                var now = System.GetUtcNow();
                _last = now > _last ? now : _last.AddTicks(1);
                if (Stamped is { } stamped)
                {
                    _waits[_last] = stamped();
                }

                return _last;
            }
        }
    }
}
