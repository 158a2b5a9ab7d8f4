using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.Tests.Servers;

/// <summary>The limits of a server, hit by real children (Linux).</summary>
public sealed class ServerLimitsTests
{
    [Fact]
    public async Task OpenFiles_WhenAServerLeaksThem_ItEndsAtItsLimitAndSaysSo()
    {
        await using var manager = new McpManager();
        var config = MisbehaveServer.Config("leaks", "leak", "fast");
        config.Limits.MaxOpenFiles = 150;
        await manager.DeployServerAsync(config);

        var down = await manager.ReachedAsync("leaks", static snapshot => snapshot.LastFailure is not null, "the failure");

        // On a busy machine its end may be seen later than the end of its output: its last words tell why in both cases.
        Assert.Contains("no file more than ", down.LastFailure, StringComparison.Ordinal);
        var leaked = int.Parse(down.LastFailure!.Split("no file more than ")[1].Split('\n')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(leaked, 20, 150);
    }

    [Fact]
    public async Task Memory_WhenAServerHoardsIt_ItGetsWhatTheLimitAllowsAndEndsBeyond()
    {
        await using var manager = new McpManager();
        var config = MisbehaveServer.Config("hoards", "hoard");
        config.Limits.MaxMemoryMb = 512;
        await manager.DeployServerAsync(config);

        Assert.Equal("64 MiB", (await Guard.WithinAsync(manager.CallAsync("hoards", "hoard", new { mib = 64 }), "what is allowed")).Text);
        var error = await Assert.ThrowsAsync<ConnectionFailed>(async () => await Guard.WithinAsync(manager.CallAsync("hoards", "hoard", new { mib = 4096 }), "the failure"));

        Assert.Contains("no memory beyond", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nice_OfAServer_HoldsForItsProcessesAndItsSession()
    {
        await using var manager = new McpManager();
        var config = MisbehaveServer.Config("steps-back", "grandchild", "nameless");
        config.Limits.Nice = 19;
        config.Limits.MaxOpenFiles = 200;
        await manager.DeployServerAsync(config);
        await manager.ReachedAsync("steps-back", ServerState.Healthy);

        var id = Assert.Single(await manager.ListServersAsync()).ProcessId!.Value;
        Assert.Equal([19, 19], ProcessTable.All().Where(process => process.Session == id).Select(static process => ProcessTable.NicenessOf(process.Id)));
        Assert.Matches(@"Max open files\s+200\s+200\s", await File.ReadAllTextAsync($"/proc/{id}/limits"));
        var autogroup = $"/proc/{id}/autogroup";
        if (File.Exists(autogroup))
        {
            string Now() => File.ReadAllText(autogroup).TrimEnd();
            await ProcessTable.WhenClearAsync(() => Now().EndsWith(" nice 19", StringComparison.Ordinal) ? null : Now(), "its session to step back");
        }
    }

    [Fact]
    public async Task Limits_WhenThereAreNone_TheServerTakesMore()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(MisbehaveServer.Config("hoards", "hoard"));

        Assert.Equal("768 MiB", (await Guard.WithinAsync(manager.CallAsync("hoards", "hoard", new { mib = 768 }), "the hoard")).Text);
    }

    [Fact]
    public async Task Limits_WhenTheyChange_TheServerIsStartedAgainUnderThem()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(MisbehaveServer.Config("s", "hoard"));
        await manager.ReachedAsync("s", ServerState.Healthy);
        var before = Assert.Single(await manager.ListServersAsync()).ProcessId;
        var changed = MisbehaveServer.Config("s", "hoard");
        changed.Limits.MaxOpenFiles = 200;

        await Guard.WithinAsync(manager.UpdateServerAsync("s", changed), "the update");

        var after = Assert.Single(await manager.ListServersAsync()).ProcessId;
        Assert.NotEqual(before, after);
        var limits = await File.ReadAllTextAsync($"/proc/{after}/limits");
        Assert.Matches(@"Max open files\s+200\s+200\s", limits);
        Assert.Equal("hello", (await manager.CallAsync("s", "hello")).Text);
    }
}
