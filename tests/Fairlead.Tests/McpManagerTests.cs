using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests;

public sealed class McpManagerTests
{
    private static ServerConfig InProcess(string name) => new() { Name = name };

    private static McpManager WithEcho(params string[] names)
    {
        var manager = new McpManager();
        foreach (var name in names)
        {
            manager.AddTools(name, TextTool.Echo());
        }

        return manager;
    }

    [Fact]
    public async Task Life_WhenServerIsDeployedAskedAndUndeployed_EachReplyShowsItsEffect()
    {
        await using var manager = WithEcho("echo");

        var id = await manager.DeployServerAsync(InProcess("echo"));
        Assert.Equal("echo", Assert.Single(await manager.ListServersAsync()).Id);

        var result = await Guard.WithinAsync(manager.ExecuteToolAsync(id, "echo", new { text = "hi" }), "the first call");
        Assert.Equal("{\"text\":\"hi\"}", result.Text);
        Assert.Equal(ServerState.Healthy, Assert.Single(await manager.ListServersAsync()).State);

        var health = await Guard.WithinAsync(manager.GetServerHealthAsync(id), "the health");
        Assert.True(health.IsHealthy);
        Assert.NotNull(health.ResponseTime);

        await Guard.WithinAsync(manager.UndeployServerAsync(id), "the removal");
        Assert.Empty(await manager.ListServersAsync());
        await Assert.ThrowsAsync<ServerNotFound>(() => manager.GetServerHealthAsync(id));
    }

    [Fact]
    public async Task Call_WhenServerIsAChild_GoesThroughItsPipes()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(MisbehaveServer.Config("junk", "junk"));

        var result = await Guard.WithinAsync(manager.ExecuteToolAsync("junk", "hello"), "the call");

        Assert.Equal("hello", result.Text);
        var info = Assert.Single(await manager.ListServersAsync());
        Assert.Equal(ServerState.Healthy, info.State);
        Assert.Equal("misbehave", info.ServerName);
        Assert.NotNull(info.ProcessId);
    }
}
