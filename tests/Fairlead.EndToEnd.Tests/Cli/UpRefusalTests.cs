using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Fairlead.Cli;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead up</c> that cannot or must not start: the exit code, what was wrong and the way out.</summary>
public sealed class UpRefusalTests
{
    private const string Empty = """{"servers":{"off":{"command":"true","disabled":true}}}""";

    [Fact]
    public async Task Up_WhenTheConfigurationHasErrors_TellsAllOfThemAndStartsNothing()
    {
        using var folder = new TempFolder();
        var file = folder.Write("bad.json", """
            {
              "prot": 8080,
              "servers": { "a": { "comand": "x" }, "b": { "command": "x", "timeoutMs": -1 } }
            }
            """);
        var run = (await CliRun.OfAsync("up", "--config", file, "--state", folder.At("state"))).Ended(3);
        Assert.Contains("prot", run.Output, StringComparison.Ordinal);
        Assert.Contains("comand", run.Output, StringComparison.Ordinal);
        Assert.Contains("timeoutMs", run.Output, StringComparison.Ordinal);
        Assert.Contains("nothing was started", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Loaded configuration", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0", "SSH tunnel")]
    [InlineData("::", "publicUrl")]
    [InlineData("example.com", "no address")]
    public async Task Up_WhenTheHostIsNotLoopback_IsRefusedWithTheWaysOut(string host, string way)
    {
        using var folder = new TempFolder();
        var run = (await CliRun.OfAsync("up", "--config", folder.Write("c.json", Empty), "--state", folder.At("state"), "--host", host)).Ended(3);
        Assert.Contains(host, run.Output, StringComparison.Ordinal);
        Assert.Contains(way, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_WhenThePortIsTaken_NamesTheHolderAndTheOption()
    {
        using var folder = new TempFolder();
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        var run = (await CliRun.OfAsync("up", "--config", folder.Write("c.json", Empty), "--state", folder.At("state"), "--port", port, "--json")).Ended(6);
        Assert.Contains($"port {port} is taken by process {Environment.ProcessId} ", run.Output, StringComparison.Ordinal);
        Assert.Contains("--port", run.Output, StringComparison.Ordinal);
        Assert.Contains("\"event\":\"failed\",\"exitCode\":6", run.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("state/instance.json")));
    }

    [Fact]
    public async Task Up_WhenTheStateFolderCannotBeMade_SaysSo()
    {
        using var folder = new TempFolder();
        var file = folder.Write("file", "");
        var run = (await CliRun.OfAsync("up", "--config", folder.Write("c.json", Empty), "--state", Path.Combine(file, "state"), "--port", "0")).Ended(1);
        Assert.Contains("--state", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("up", "--prot", "1")]
    [InlineData("call", "onlyserver")]
    [InlineData("nonsense")]
    public async Task Fairlead_WhenTheUsageIsWrong_EndsWith2AndPointsToHelp(params string[] arguments)
    {
        var run = (await CliRun.OfAsync(arguments)).Ended(2);
        Assert.Contains("--help", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_WhenAsked_ListsEveryExitCodeAsTheDocumentDoes()
    {
        var run = (await CliRun.OfAsync("--help")).Ended(0);
        var document = await File.ReadAllTextAsync(RepositoryPaths.Source("docs/cli.md"));
        foreach (var (code, meaning) in ExitCodes.All)
        {
            Assert.Contains($"| {code} | {meaning} |", document, StringComparison.Ordinal);
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"{code,3}  "), run.Output, StringComparison.Ordinal);
        }
    }
}
