using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.Tests.Servers;

public sealed class SleepingFleetTests : IDisposable
{
    private const int Configured = 500;
    private const int Used = 5;

    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("fairlead-sleep-");

    public void Dispose() => _state.Delete(recursive: true);

    [Fact]
    public async Task Start_WhenFiveHundredServersStartOnDemand_OnlyThoseThatAreCalledRun()
    {
        var first = ScriptedRuns.Legacy();
        await using (var manager = Manager(first))
        {
            await manager.InitializeAsync();
            await manager.LaunchAllAsync();

            // Their lists are not known yet, so each runs once.
            for (var i = 0; i < Configured; i++)
            {
                await manager.ReachedAsync($"s-{i}", static snapshot => !snapshot.Catalog.IsUnknown, "its lists");
            }
        }

        Assert.Equal(Configured, first.Count);
        var second = ScriptedRuns.Legacy();
        await using var again = Manager(second);
        await again.InitializeAsync();
        await again.LaunchAllAsync();
        Assert.All(await again.ListServersAsync(), static server => Assert.Equal((ServerState.Idle, 1), (server.State, server.Tools)));
        Assert.Equal(0, second.Count);

        for (var i = 0; i < Used; i++)
        {
            Assert.Equal("hello", (await Guard.WithinAsync(again.CallAsync($"s-{i * 100}", "hello"), "a call that wakes its server")).Text);
        }

        Assert.Equal(Used, second.Count);
        Assert.Equal(Used, (await again.ListServersAsync()).Count(static server => server.State == ServerState.Healthy));
    }

    private McpManager Manager(ScriptedRuns runs)
    {
        var options = new FairleadOptions { StateFolder = _state.FullName };
        for (var i = 0; i < Configured; i++)
        {
            options.Servers.Add(new ServerConfig { Name = $"s-{i}", Start = ServerStartMode.OnDemand });
        }

        var manager = new McpManager(options);
        for (var i = 0; i < Configured; i++)
        {
            manager.AddServer($"s-{i}", runs);
        }

        return manager;
    }
}
