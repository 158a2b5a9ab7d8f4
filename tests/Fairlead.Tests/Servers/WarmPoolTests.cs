using System.Diagnostics;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Upstreams.Stdio;

namespace Fairlead.Tests.Servers;

public sealed class WarmPoolTests
{
    private static ServerConfig Config(int warm, ServerIsolation isolation = ServerIsolation.Session)
    {
        var config = MisbehaveServer.Config("s", "asks");
        config.WarmPool = warm;
        config.Isolation = isolation;
        return config;
    }

    private static async Task WarmAsync(McpManager manager, int count, string name = "s")
    {
        while ((await manager.ListServersAsync()).Single(server => server.Id == name).WarmInstances != count)
        {
            await Task.Yield();
        }
    }

    private static async Task<StdioConnection> OwnAsync(McpManager manager) => Assert.IsType<StdioConnection>(
        await Guard.WithinAsync(manager.Cell("s").InstanceFor!(new Caller(new object(), """{"elicitation":{}}"""u8.ToArray()) { IsSession = true }, CancellationToken.None), "an instance"));

    [Fact]
    public async Task Take_WhenAProcessIsReady_TheClientGetsItAndAnotherIsStarted()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(Config(warm: 1));
        await manager.ReachedAsync("s", ServerState.Healthy);
        await Guard.WithinAsync(WarmAsync(manager, 1), "a warm process");
        var ready = TimeProvider.System.GetLocalNow().DateTime;

        var own = await OwnAsync(manager);

        using (var process = Process.GetProcessById(own.ProcessId))
        {
            Assert.True(process.StartTime <= ready, $"The client's process was started at {process.StartTime:O}, after a warm one was ready at {ready:O}.");
        }

        await Guard.WithinAsync(WarmAsync(manager, 1), "the next warm process");
        Assert.NotEqual(own.ProcessId, (await OwnAsync(manager)).ProcessId);
        await manager.ShutdownServerAsync("s");
        Assert.Equal(0, (await manager.ListServersAsync()).Single().WarmInstances);
    }

    [Fact]
    public async Task Instances_OfEachRole_AreListedWithTheirProcesses()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(Config(warm: 1));
        await manager.ReachedAsync("s", ServerState.Healthy);
        await Guard.WithinAsync(WarmAsync(manager, 1), "a warm process");
        var own = await OwnAsync(manager);
        await Guard.WithinAsync(WarmAsync(manager, 1), "the next warm process");

        var instances = await manager.ListInstancesAsync("s");

        Assert.Equal([(InstanceRole.Shared, ServerState.Healthy), (InstanceRole.Own, ServerState.Healthy), (InstanceRole.Warm, ServerState.Idle)], instances.Select(static one => (one.Role, one.State)));
        Assert.Equal(own.ProcessId, instances[1].ProcessId);
        Assert.Equal(3, instances.Select(static one => one.ProcessId).OfType<int>().Distinct().Count());
        Assert.All(instances, static one => Assert.InRange(one.MemoryBytes!.Value, 100_000, 10_000_000_000));
        Assert.Equal(3, instances.Select(static one => one.Id).OfType<long>().Distinct().Count());
    }

    [Fact]
    public async Task Keep_WhenTheConfigurationWantsOther_TheirNumberFollowsWithoutARestart()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(Config(warm: 2));
        await manager.ReachedAsync("s", ServerState.Healthy);
        await Guard.WithinAsync(WarmAsync(manager, 2), "two warm processes");
        var shared = manager.Cell("s").Current.Shared;

        await manager.UpdateServerAsync("s", Config(warm: 1));
        await Guard.WithinAsync(WarmAsync(manager, 1), "one of them to end");

        Assert.Same(shared, manager.Cell("s").Current.Shared);
    }

    [Fact]
    public async Task Keep_WhenTheServerHasNeverAsked_OneIsReadyForTheFirstQuestion()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(Config(warm: 1, ServerIsolation.Auto));
        await manager.ReachedAsync("s", ServerState.Healthy);

        await Guard.WithinAsync(WarmAsync(manager, 1), "a warm process before the first question");
    }

    [Fact]
    public async Task Keep_WhenAllShareOneInstance_NothingIsKept()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(Config(warm: 1, ServerIsolation.Shared));
        await manager.ReachedAsync("s", ServerState.Healthy);
        manager.OnElicitation = static (_, _) => Task.FromResult<object>(new { action = "cancel" });

        await manager.CallAsync("s", "ask_elicitation", new { message = "?" });

        // By the time that a later server has one, the first would have had it long since.
        var later = Config(warm: 1, ServerIsolation.Auto);
        later.Name = "later";
        await manager.DeployServerAsync(later);
        await manager.ReachedAsync("later", ServerState.Healthy);
        await Guard.WithinAsync(WarmAsync(manager, 1, "later"), "a warm process of a server that may have one");
        Assert.Equal(0, (await manager.ListServersAsync()).Single(static server => server.Id == "s").WarmInstances);
    }
}
