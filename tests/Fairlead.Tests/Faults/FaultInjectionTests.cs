using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests.Faults;

/// <summary>When faults may be injected, how long they last, and what is known of them (product D11).</summary>
public sealed class FaultInjectionTests
{
    private static readonly FaultRequest s_error = new(FaultKind.Error);

    [Fact]
    public async Task Inject_WhileItIsOff_IsRefusedAndNamesTheKey()
    {
        Assert.False(new FairleadOptions().FaultInjection.Enabled);
        await using var world = await FaultWorld.StartAsync(static options => options.FaultInjection.Enabled = false);

        foreach (var kind in Enum.GetValues<FaultKind>())
        {
            var refusal = await Assert.ThrowsAsync<FaultRefused>(() => world.InjectAsync(new FaultRequest(kind) { Latency = TimeSpan.FromSeconds(1) }));
            Assert.Contains("faultInjection.enabled", refusal.Message, StringComparison.Ordinal);
        }

        Assert.False((await world.Manager.ListFaultsAsync()).Enabled);
        Assert.Equal("hello", await world.CallAsync());
    }

    [Fact]
    public async Task Inject_WhenCallsAreNotCounted_IsRefusedBecauseTheGuardIsBlind()
    {
        await using var world = await FaultWorld.StartAsync(static options => options.EnableMetrics = false);

        Assert.Contains("enableMetrics", (await Assert.ThrowsAsync<FaultRefused>(() => world.InjectAsync(s_error))).Message, StringComparison.Ordinal);
    }

    public static TheoryData<FaultRequest, string> BadRequests() => new()
    {
        { new FaultRequest(FaultKind.Error) { Percent = 0 }, "percent" },
        { new FaultRequest(FaultKind.Error) { Percent = 100.5 }, "percent" },
        { new FaultRequest(FaultKind.Error) { Percent = double.NaN }, "percent" },
        { new FaultRequest(FaultKind.Error) { Duration = TimeSpan.FromMinutes(11) }, "faultInjection.maxDurationMs" },
        { new FaultRequest(FaultKind.Error) { Duration = TimeSpan.Zero }, "duration" },
        { new FaultRequest(FaultKind.Error) { Duration = TimeSpan.FromSeconds(-1) }, "duration" },
        { new FaultRequest(FaultKind.Error) { Latency = TimeSpan.FromSeconds(1) }, "latency" },
        { new FaultRequest(FaultKind.Error) { Tool = "" }, "tool" },
        { new FaultRequest(FaultKind.Error) { By = new string('x', 101) }, "by" },
        { new FaultRequest(FaultKind.Latency), "latency" },
        { new FaultRequest(FaultKind.Latency) { Latency = TimeSpan.Zero }, "latency" },
        { new FaultRequest(FaultKind.Latency) { Latency = TimeSpan.FromSeconds(1), Jitter = TimeSpan.FromSeconds(-1) }, "jitter" },
        { new FaultRequest(FaultKind.Crash) { Duration = TimeSpan.FromSeconds(1) }, "duration" },
        { new FaultRequest(FaultKind.Disconnect) { Percent = 50 }, "percent" },
        { new FaultRequest(FaultKind.Stall) { Tool = "hello" }, "tool" },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task Inject_WithAParameterThatMakesNoSense_IsRefusedAndNamesIt(FaultRequest request, string named)
    {
        await using var world = await FaultWorld.StartAsync();

        Assert.Contains(named, (await Assert.ThrowsAsync<InvalidConfiguration>(() => world.InjectAsync(request))).Message, StringComparison.Ordinal);
        Assert.Empty((await world.Manager.ListFaultsAsync()).Active);
    }

    [Fact]
    public async Task Inject_IntoWhatIsNotThere_IsRefusedWithTheNearest()
    {
        await using var world = await FaultWorld.StartAsync(null, "search");

        Assert.Contains("'search'", (await Assert.ThrowsAsync<ServerNotFound>(() => world.InjectAsync(s_error, "serach"))).Message, StringComparison.Ordinal);
        Assert.Contains("'hello'", (await Assert.ThrowsAsync<ToolNotFound>(() => world.InjectAsync(s_error with { Tool = "helo" }, "search"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Crash_OfAServerInThisProcess_IsRefusedAsImpossible()
    {
        await using var world = await FaultWorld.StartAsync();

        Assert.Contains("runs inside Fairlead", (await Assert.ThrowsAsync<FaultRefused>(() => world.InjectAsync(new FaultRequest(FaultKind.Crash)))).Message, StringComparison.Ordinal);
        await world.Manager.ShutdownServerAsync("s");
        Assert.Contains("no instance", (await Assert.ThrowsAsync<FaultRefused>(() => world.InjectAsync(new FaultRequest(FaultKind.Stall)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault_WhenItsTimeIsOver_EndsByTheClockAndStaysOnRecord()
    {
        await using var world = await FaultWorld.StartAsync();
        var fault = await world.InjectAsync(s_error with { Duration = TimeSpan.FromSeconds(5), By = "me" });
        Assert.Equal(fault.Id, Assert.Single(Assert.Single(await world.Manager.ListServersAsync()).Faults).Id);
        var failure = await Assert.ThrowsAsync<ConnectionFailed>(() => world.CallAsync());
        Assert.Contains($"the fault {fault.Id} (error) was injected on purpose", failure.Message, StringComparison.Ordinal);

        world.Clock.Advance(TimeSpan.FromMilliseconds(4_999));
        await Assert.ThrowsAsync<ConnectionFailed>(() => world.CallAsync());
        world.Clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal("hello", await world.CallAsync());
        Assert.Empty(Assert.Single(await world.Manager.ListServersAsync()).Faults);
        var ended = await world.EndedAsync(fault.Id);
        Assert.Equal(("its time was over", 2, "me", fault.EndsAt), (ended.EndReason, ended.CallsAffected, ended.By, ended.EndedAt));
        Assert.Equal(1, await world.CallsAsync());
        Assert.Equal(2, (await world.Manager.GetMetricsAsync()).Servers["s"].Failed);
    }

    [Fact]
    public async Task Fault_WithoutADuration_LastsThirtySecondsOrTheMaximumIfThatIsLess()
    {
        await using var world = await FaultWorld.StartAsync();
        var fault = await world.InjectAsync(s_error);
        Assert.Equal(TimeSpan.FromSeconds(30), fault.EndsAt - fault.StartedAt);
        await using var strict = await FaultWorld.StartAsync(static options => options.FaultInjection.MaxDurationMs = 2_000);
        var shorter = await strict.InjectAsync(s_error);
        Assert.Equal(TimeSpan.FromSeconds(2), shorter.EndsAt - shorter.StartedAt);
    }

    [Fact]
    public async Task Faults_BeyondMaxAtOnce_AreRefused()
    {
        await using var world = await FaultWorld.StartAsync(static options => options.FaultInjection.MaxAtOnce = 2);
        await world.InjectAsync(s_error with { Tool = "hello" });
        await world.InjectAsync(s_error with { Tool = "other" });

        Assert.Contains("faultInjection.maxAtOnce", (await Assert.ThrowsAsync<FaultRefused>(() => world.InjectAsync(s_error))).Message, StringComparison.Ordinal);
        Assert.Equal(2, (await world.Manager.EndAllFaultsAsync()).Count);
        await world.InjectAsync(s_error);
    }

    [Fact]
    public async Task End_ByHand_TellsWhyAndAnUnknownIdIsNamed()
    {
        await using var world = await FaultWorld.StartAsync();
        var fault = await world.InjectAsync(s_error);

        Assert.Equal("it was ended by hand", (await world.Manager.EndFaultAsync(fault.Id)).EndReason);
        Assert.Contains("has ended already", (await Assert.ThrowsAsync<FaultNotFound>(() => world.Manager.EndFaultAsync(fault.Id))).Message, StringComparison.Ordinal);
        Assert.Contains("'f99'", (await Assert.ThrowsAsync<FaultNotFound>(() => world.Manager.EndFaultAsync("f99"))).Message, StringComparison.Ordinal);
        Assert.Empty(await world.Manager.EndAllFaultsAsync());
    }

    [Fact]
    public async Task Record_OfFaultsThatEnded_KeepsTheLastHundred()
    {
        await using var world = await FaultWorld.StartAsync();
        for (var i = 0; i < 105; i++)
        {
            await world.InjectAsync(s_error);
            await world.Manager.EndAllFaultsAsync();
        }

        var ended = (await world.Manager.ListFaultsAsync()).Ended;
        Assert.Equal((100, "f105", "f6"), (ended.Count, ended[0].Id, ended[^1].Id));
    }

    [Fact]
    public async Task Reload_ThatSwitchesItOff_EndsAllFaultsAtOnce()
    {
        await using var world = await FaultWorld.StartAsync();
        var fault = await world.InjectAsync(s_error);

        var differences = await world.Manager.ReloadAsync(new FairleadOptions());

        Assert.DoesNotContain(differences.NeedRestart, static key => key.StartsWith("faultInjection", StringComparison.Ordinal));
        Assert.Contains("faultInjection.enabled", (await world.EndedAsync(fault.Id)).EndReason, StringComparison.Ordinal);
        Assert.Equal("hello", await world.CallAsync());
        await Assert.ThrowsAsync<FaultRefused>(() => world.InjectAsync(s_error));
        await world.Manager.ReloadAsync(new FairleadOptions { FaultInjection = { Enabled = true, MaxAtOnce = 1 } });
        await world.InjectAsync(s_error);
        await Assert.ThrowsAsync<FaultRefused>(() => world.InjectAsync(s_error));
    }

    [Fact]
    public async Task Reload_ThatLowersTheBounds_EndsWhatIsBeyondThem()
    {
        await using var world = await FaultWorld.StartAsync();
        var first = await world.InjectAsync(s_error with { Duration = TimeSpan.FromMinutes(5) });
        world.Clock.Advance(TimeSpan.FromSeconds(2));
        await world.InjectAsync(s_error);

        await world.Manager.ReloadAsync(new FairleadOptions { FaultInjection = { Enabled = true, MaxAtOnce = 1 } });
        Assert.Equal(first.Id, Assert.Single((await world.Manager.ListFaultsAsync()).Active).Id);
        await world.Manager.ReloadAsync(new FairleadOptions { FaultInjection = { Enabled = true, MaxDurationMs = 1_000 } });
        Assert.Contains("maxDurationMs", (await world.EndedAsync(first.Id)).EndReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Undeploy_OfItsServer_EndsTheFaultForTheNextOfThatNameToo()
    {
        await using var world = await FaultWorld.StartAsync();
        var fault = await world.InjectAsync(s_error with { Duration = TimeSpan.FromMinutes(5) });
        await Guard.WithinAsync(world.Manager.UndeployServerAsync("s"), "the removal");

        Assert.Equal("its server was undeployed", (await world.EndedAsync(fault.Id)).EndReason);
        await world.Manager.DeployServerAsync(FaultWorld.Config("s"));
        await world.Manager.ReachedAsync("s", ServerState.Healthy);
        Assert.Equal("hello", await world.CallAsync());
    }

    [Fact]
    public async Task Fault_OnAServerThatIsStartedAgain_LiesOnItsNextInstance()
    {
        await using var world = await FaultWorld.StartAsync();
        await world.InjectAsync(s_error);
        await world.Manager.RestartServerAsync("s");
        await world.ServerAsync(run: 2);
        await world.Manager.ReachedAsync("s", ServerState.Healthy);

        await Assert.ThrowsAsync<ConnectionFailed>(() => world.CallAsync());
    }

    [Fact]
    public async Task Fault_OnServersMadeOfTools_HitsCallsThatElseRunDirectly()
    {
        await using var manager = new McpManager(new FairleadOptions { FaultInjection = { Enabled = true } });
        manager.AddTools("echo", TextTool.Echo());
        await manager.DeployServerAsync(FaultWorld.Config("echo"));
        await manager.ReachedAsync("echo", ServerState.Healthy);
        await manager.InjectFaultAsync("echo", s_error);

        await Assert.ThrowsAsync<ConnectionFailed>(async () => await Guard.WithinAsync(manager.CallAsync("echo", "echo"), "the call"));
        await manager.EndAllFaultsAsync();
        Assert.Equal("{\"n\":1}", (await Guard.WithinAsync(manager.CallAsync("echo", "echo", new { n = 1 }), "the next call")).Text);
    }
}
