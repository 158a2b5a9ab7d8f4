namespace Fairlead.EndToEnd.Tests;

/// <summary>What the other tests rely on when a process does not behave.</summary>
public sealed class ChildProcessTests
{
    [Fact]
    public async Task LineAsync_WhenTheLineComesLater_GivesIt()
    {
        await using var process = ChildProcess.Start("sh", ["-c", "echo first; echo second"]);

        Assert.Equal("second", await process.LineAsync(line => line.StartsWith('s'), "the second line"));
    }

    [Fact]
    public async Task LineAsync_WhenTheProcessEndsWithoutIt_ShowsWhatItPrinted()
    {
        await using var process = ChildProcess.Start("sh", ["-c", "echo out; echo bad luck >&2; exit 3"]);

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => process.LineAsync(line => line == "never", "its URL"));

        Assert.Contains("ended with 3 before it printed its URL", failure.Message, StringComparison.Ordinal);
        Assert.Contains("! bad luck", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StopAsync_WhenTheProcessHandlesSigterm_GivesItsOwnExitCode()
    {
        await using var process = ChildProcess.Start("sh", ["-c", "trap 'kill $!; exit 7' TERM; echo ready; sleep 600 & wait"]);
        await process.LineAsync(line => line == "ready", "'ready'");

        Assert.Equal(7, await process.StopAsync());
    }
}
