using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests.Faults;

/// <summary>Faults at servers that are real children.</summary>
public sealed class FaultChildTests : IAsyncLifetime, IAsyncDisposable
{
    private const char Stopped = 'T';

    private readonly McpManager _manager = new(new FairleadOptions
    {
        FaultInjection = { Enabled = true },
        Limits = { RestartBase = TimeSpan.FromMilliseconds(10), DrainGrace = TimeSpan.FromMilliseconds(100) },
    });

    public async Task InitializeAsync()
    {
        foreach (var name in (string[])["s", "neighbour"])
        {
            var config = MisbehaveServer.Config(name, "slow");
            config.HealthCheck.Kind = HealthCheckKind.None;
            config.Retry.Attempts = 1;
            config.TimeoutMs = 2_000;
            await _manager.DeployServerAsync(config);
            await _manager.ReachedAsync(name, ServerState.Healthy);
        }
    }

    Task IAsyncLifetime.DisposeAsync() => _manager.DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _manager.DisposeAsync();

    [Fact]
    public async Task Crash_KillsTheChildAndTheServerComesBackWithAnother()
    {
        var (child, neighbour) = (Child("s"), Child("neighbour"));
        var call = WaitAsync("s");
        await WhenInFlightAsync("s");

        var fault = await _manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Crash));

        Assert.Equal((1, "it happened, to 1 instance"), (fault.CallsAffected, fault.EndReason));
        Assert.Contains("SIGKILL", (await Assert.ThrowsAsync<ConnectionFailed>(() => call)).Message, StringComparison.Ordinal);
        await ProcessTable.WhenGoneAsync(child);
        await _manager.ReachedAsync("s", snapshot => snapshot.State == ServerState.Healthy && snapshot.ProcessId != child, "another child");
        Assert.Equal("0 released", await ReleaseAsync("s"));
        Assert.Equal(neighbour, Child("neighbour"));
    }

    [Fact]
    public async Task Stall_StopsTheChildForTheTimeAndItGoesOnAfterwards()
    {
        var child = Child("s");
        var fault = await _manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Stall) { Duration = TimeSpan.FromSeconds(60) });
        await ProcessTable.WhenInStateAsync(child, Stopped);
        var call = ReleaseAsync("s");
        await WhenInFlightAsync("s");
        Assert.Equal("0 released", await ReleaseAsync("neighbour"));
        Assert.False(call.IsCompleted);

        Assert.Equal(1, (await _manager.EndFaultAsync(fault.Id)).CallsAffected);
        Assert.Equal("0 released", await call);
        Assert.NotEqual(Stopped, ProcessTable.StateOf(child));
        Assert.Equal(child, Child("s"));
    }

    [Fact]
    public async Task Stall_WhenItsTimeIsOver_EndsByItself()
    {
        var child = Child("s");
        await _manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Stall) { Duration = TimeSpan.FromMilliseconds(300) });

        Assert.Equal("0 released", await ReleaseAsync("s"));
        Assert.NotEqual(Stopped, ProcessTable.StateOf(child));
    }

    [Theory]
    [InlineData("stop")]
    [InlineData("restart")]
    [InlineData("undeploy")]
    [InlineData("shutdown")]
    public async Task Stall_WhenTheServerIsStopped_LeavesNoStoppedProcessBehind(string way)
    {
        var child = Child("s");
        await _manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Stall) { Duration = TimeSpan.FromMinutes(5) });
        await ProcessTable.WhenInStateAsync(child, Stopped);

        await Guard.WithinAsync(
            way switch
            {
                "stop" => _manager.ShutdownServerAsync("s"),
                "restart" => _manager.RestartServerAsync("s"),
                "undeploy" => _manager.UndeployServerAsync("s"),
                _ => _manager.ShutdownAsync(TimeSpan.Zero),
            },
            way);

        await ProcessTable.WhenGoneAsync(child);
    }

    [Fact]
    public async Task Stall_OfAChildThatCrashesMeanwhile_IsNoObstacle()
    {
        var child = Child("s");
        await _manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Stall) { Duration = TimeSpan.FromMinutes(5) });
        await _manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Crash));

        await ProcessTable.WhenGoneAsync(child);
        await _manager.ReachedAsync("s", snapshot => snapshot.State == ServerState.Healthy && snapshot.ProcessId != child, "another child");
        Assert.Equal("0 released", await ReleaseAsync("s"));
        Assert.Single(await _manager.EndAllFaultsAsync());
        Assert.NotEqual(Stopped, ProcessTable.StateOf(Child("s")));
    }

    [Fact]
    public async Task Disconnect_EndsTheChildInOrderAndTheServerComesBack()
    {
        var child = Child("s");
        var call = WaitAsync("s");
        await WhenInFlightAsync("s");

        await _manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Disconnect));

        Assert.Contains("(disconnect) was injected on purpose", (await Assert.ThrowsAsync<ConnectionFailed>(() => call)).Message, StringComparison.Ordinal);
        await ProcessTable.WhenGoneAsync(child);
        await _manager.ReachedAsync("s", snapshot => snapshot.State == ServerState.Healthy && snapshot.ProcessId != child, "another child");
        Assert.Equal("0 released", await ReleaseAsync("s"));
    }

    [Fact]
    public async Task Partition_OfAChild_RunsCallsIntoTheirTimeOutAndTheChildLivesOn()
    {
        var child = Child("s");
        var fault = await _manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Partition) { Duration = TimeSpan.FromSeconds(60) });

        await Assert.ThrowsAsync<McpTimeout>(() => ReleaseAsync("s"));
        Assert.Equal("0 released", await ReleaseAsync("neighbour"));

        Assert.Equal(1, (await _manager.EndFaultAsync(fault.Id)).CallsAffected);
        Assert.Equal("0 released", await ReleaseAsync("s"));
        Assert.Equal(child, Child("s"));
    }

    private int Child(string server) => _manager.Cell(server).Current.ProcessId!.Value;

    private async Task<string> ReleaseAsync(string server) => (await Guard.WithinAsync(_manager.CallAsync(server, "release"), $"the answer of {server}")).Text;

    private async Task<string> WaitAsync(string server) => (await Guard.WithinAsync(_manager.CallAsync(server, "wait"), $"the answer of {server}")).Text;

    private Task WhenInFlightAsync(string server) => ProcessTable.WhenClearAsync(
        () => _manager.Cell(server).Current.Shared!.Pending.HasOwnedCall() ? null : "none is open", $"a call to {server} to be in flight");
}
