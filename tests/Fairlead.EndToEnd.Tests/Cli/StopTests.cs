using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>The ends of <c>fairlead up</c>: in order at a signal, at once at a second one, and no process left either way.</summary>
public sealed class StopTests
{
    private const int SigInt = 2;
    private const int SigTerm = 15;

    [Theory]
    [InlineData(SigInt, "Ctrl+C")]
    [InlineData(SigTerm, "SIGTERM")]
    public async Task Up_WhenSignalled_StopsInOrderAndLeavesNothing(int signal, string cause)
    {
        using var folder = new TempFolder();
        var (up, mark) = await StartAsync(folder, "sleep 600 & cat >/dev/null; sleep 600");
        await using (up)
        {
            ProcessTable.Signal(up.Id, signal);
            await up.LineAsync(line => line.Contains($"\"event\":\"stopping\",\"cause\":\"{cause}\"", StringComparison.Ordinal), "that it stops");
            Assert.Equal(0, await Guard.WithinAsync(up.Exit, "the end of fairlead up"));
            Assert.Contains("\"event\":\"stopped\"", up.Output, StringComparison.Ordinal);
            await ProcessTable.WhenNoneMarkedAsync(mark);
            Assert.False(File.Exists(folder.At("state/instance.json")));
        }
    }

    [Fact]
    public async Task Up_WhenSignalledTwice_EndsAtOnceAndTheReaperEndsTheServers()
    {
        using var folder = new TempFolder();
        var (up, mark) = await StartAsync(folder, "trap '' TERM; sleep 600; sleep 600");
        await using (up)
        {
            ProcessTable.Signal(up.Id, SigInt);
            await up.LineAsync(static line => line.Contains("\"event\":\"stopping\"", StringComparison.Ordinal), "that it stops");
            ProcessTable.Signal(up.Id, SigTerm);
            Assert.Equal(130, await Guard.WithinAsync(up.Exit, "the end of fairlead up"));
            await ProcessTable.WhenNoneMarkedAsync(mark);
        }
    }

    /// <summary>Starts a gateway with one silent server whose processes carry a mark of their own.</summary>
    private static async Task<(ChildProcess Up, string Mark)> StartAsync(TempFolder folder, string script)
    {
        var mark = $"FAIRLEAD_STOP_TEST={Guid.NewGuid():N}";
        var server = GatewayProcess.Stdio("sh", "-c", $"echo started >&2; {script}");
        server["env"] = new JsonObject { [mark.Split('=')[0]] = mark.Split('=')[1] };
        var file = folder.Write("c.json", new JsonObject { ["servers"] = new JsonObject { ["silent"] = server } }.ToJsonString());
        var up = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "up", "--config", file, "--port", "0", "--state", folder.At("state"), "--json", "--verbose"]);
        await up.LineAsync(static line => line.Contains("\"event\":\"server\"", StringComparison.Ordinal), "that the server is starting");
        return (up, mark);
    }
}
