using Fairlead.Configuration;
using Fairlead.Events;
using Fairlead.TestKit;

namespace Fairlead.Tests.Events;

public sealed class FleetEventsTests
{
    private readonly FleetEvents _events = new(new FakeTimeProvider());

    private static FleetEvent State(string server, string reason) => new() { Type = FleetEventType.ServerState, Server = server, State = ServerState.Unhealthy, Reason = reason };

    private static FleetEvent Line(string text) => new() { Type = FleetEventType.Log, Server = "s", Line = text };

    private Reader Watch(FleetEventFilter? filter = null, long? after = null) => new(_events.WatchAsync(filter ?? new FleetEventFilter(), after, CancellationToken.None));

    [Fact]
    public async Task Watch_OfAll_GivesWhatComesInOrderButNotWhatMustBeNamed()
    {
        await using var reader = Watch();
        _events.Tell(Line("a"));
        _events.Tell(State("a", "1"));
        _events.Tell(State("b", "2"));

        Assert.Equal((2, "1"), await reader.NextAsync());
        Assert.Equal((3, "2"), await reader.NextAsync());
        Assert.False(_events.WantsLogs);
    }

    [Fact]
    public async Task Watch_OfNamedTypesAndServers_GivesOnlyThose()
    {
        await using var reader = Watch(new FleetEventFilter { Types = ["server", "log"], Servers = ["s"] });
        Assert.True(_events.WantsLogs);
        Assert.False(_events.WantsCalls);
        _events.Tell(State("other", "no"));
        _events.Tell(new FleetEvent { Type = FleetEventType.Rollout, Server = "s" });
        _events.Tell(Line("yes"));
        _events.Tell(State("s", "too"));

        Assert.Equal(3, (await reader.NextAsync()).Number);
        Assert.Equal((4, "too"), await reader.NextAsync());
        await reader.DisposeAsync();
        Assert.False(_events.WantsLogs);
    }

    [Fact]
    public async Task Watch_AfterANumber_BeginsWithWhatIsKeptAndGoesOnWithWhatComes()
    {
        await using (var keeping = Watch(new FleetEventFilter { Types = ["log"] }))
        {
            _events.Tell(State("s", "1"));
            _events.Tell(Line("is not kept"));
            _events.Tell(State("s", "3"));
        }

        await using var reader = Watch(new FleetEventFilter { Types = ["log", "server"] }, after: 1);
        _events.Tell(State("s", "4"));

        Assert.Equal((3, "3"), await reader.NextAsync());
        Assert.Equal((4, "4"), await reader.NextAsync());
    }

    [Fact]
    public async Task Watch_AfterMoreThanIsKept_IsToldOfTheGapFirst()
    {
        for (var i = 1; i <= FleetEvents.HistoryMax + 10; i++)
        {
            _events.Tell(State("s", "x"));
        }

        await using var reader = Watch(after: 3);
        Assert.Equal((10, "only the last 4096 events are kept"), await reader.NextAsync());
        Assert.Equal(11, (await reader.NextAsync()).Number);
    }

    [Fact]
    public async Task Watch_ByOneWhoDoesNotRead_IsToldHowManyAreMissingAndHoldsUpNobody()
    {
        await using var slow = Watch();
        await using var other = Watch();
        for (var i = 1; i <= FleetEvents.QueueMax + 5; i++)
        {
            _events.Tell(State("s", "x"));
            Assert.Equal(i, (await other.NextAsync()).Number);
        }

        var seen = await slow.UntilAsync(static one => one.Type == FleetEventType.Gap);
        Assert.Equal(FleetEvents.QueueMax + 5, (seen.Count - 1) + seen[^1].Lost);
        Assert.Equal(FleetEvents.QueueMax + 5, seen[^1].Number);
        _events.Tell(State("s", "y"));
        Assert.Equal((FleetEvents.QueueMax + 6, "y"), await slow.NextAsync());
    }

    [Fact]
    public void WatchEvents_OfATypeThatDoesNotExist_NamesThoseThatDo()
    {
        var manager = new McpManager();
        var error = Assert.Throws<InvalidConfiguration>(() => manager.WatchEventsAsync(new FleetEventFilter { Types = ["serve"] }));
        Assert.Contains("'serve'. There are: server.added, ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fleet_WhenServersComeChangeAndGo_TellsOfEachStep()
    {
        await using var manager = new McpManager();
        await using var reader = new Reader(manager.WatchEventsAsync());
        manager.AddServer("s", Servers.ScriptedRuns.Legacy());
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        var seen = await reader.UntilAsync(static one => one is { Type: FleetEventType.ServerState, State: ServerState.Healthy });
        Assert.Equal(FleetEventType.ServerAdded, seen[0].Type);
        Assert.Contains(seen, static one => one is { Type: FleetEventType.ServerLists, Tools: 1 });

        await manager.ScaleServerAsync("s", 2);
        await reader.UntilAsync(static one => one is { Type: FleetEventType.ServerInstances, Replicas: 2, ReplicasWanted: 2 });

        await manager.SetMaintenanceAsync("s", true, "moving house");
        seen = await reader.UntilAsync(static one => one is { Type: FleetEventType.ServerState, State: ServerState.Maintenance });
        Assert.Equal(("moving house", ServerState.Healthy), (seen[^1].Reason, seen[^1].Before));
        Assert.Contains(seen, static one => one.Type == FleetEventType.ServerChanged);

        await manager.UndeployServerAsync("s");
        await reader.UntilAsync(static one => one is { Type: FleetEventType.ServerRemoved, Server: "s" });

        // What is left of it ends in silence: whoever keeps states by name would take its end for that of its successor.
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        Assert.Equal(FleetEventType.ServerAdded, (await reader.ReadAsync()).Type);
    }

    /// <summary>Reads with a bound on each wait. Begins to watch at once.</summary>
    private sealed class Reader : IAsyncDisposable
    {
        private readonly IAsyncEnumerator<FleetEvent> _reader;
        private readonly CancellationTokenSource _mine = new();
        private Task<bool> _next;

        public Reader(IAsyncEnumerable<FleetEvent> events)
        {
            _reader = events.GetAsyncEnumerator(_mine.Token);
            _next = _reader.MoveNextAsync().AsTask();
        }

        public async Task<FleetEvent> ReadAsync()
        {
            Assert.True(await Guard.WithinAsync(_next, "the next event"));
            var one = _reader.Current;
            _next = _reader.MoveNextAsync().AsTask();
            return one;
        }

        public async Task<(long Number, string? Reason)> NextAsync()
        {
            var one = await ReadAsync();
            return (one.Number, one.Reason);
        }

        public async Task<List<FleetEvent>> UntilAsync(Predicate<FleetEvent> last)
        {
            var seen = new List<FleetEvent>();
            do
            {
                seen.Add(await ReadAsync());
            }
            while (!last(seen[^1]));
            return seen;
        }

        public async ValueTask DisposeAsync()
        {
            await _mine.CancelAsync();
            await ((Task)_next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            await _reader.DisposeAsync();
        }
    }
}
