using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead bench</c> against a running <c>fairlead up</c>, and what it says when it cannot measure. Nothing here depends on how fast the machine is.</summary>
public sealed class BenchCommandTests
{
    private const string Arguments = """{"message":"hi"}""";

    [Fact]
    public async Task Bench_OfARunningInstance_CountsCallsInBothErasAndAtARate()
    {
        await using var gateway = await StartAsync();
        async Task<JsonElement> MeasureAsync(params string[] arguments)
        {
            var run = await CliRun.OfAsync(["bench", .. arguments, "--connections", "2", "--warm-up", "0", "--json", "--state", gateway.StateFolder]);
            var line = run.Ended(0).Output.Split('\n').Single(static line => line.StartsWith('{'));
            return JsonDocument.Parse(line).RootElement.GetProperty("result");
        }

        foreach (var era in (string[])["modern", "legacy"])
        {
            var result = await MeasureAsync("echo", Arguments, "--server", "echo", "--calls", "300", "--era", era);
            Assert.Equal((300, 0), (result.GetProperty("calls").GetInt64(), result.GetProperty("errors").GetInt64()));
            Assert.True(result.GetProperty("latency").GetProperty("p50Us").GetDouble() > 0);
        }

        Assert.Equal(50, (await MeasureAsync("echo__echo", Arguments, "--calls", "50")).GetProperty("calls").GetInt64());
        Assert.Equal(50, (await MeasureAsync("echo__echo, echo__echo", Arguments, "--calls", "50")).GetProperty("calls").GetInt64());
        Assert.Equal(50, (await MeasureAsync("--calls", "50")).GetProperty("calls").GetInt64());

        // How many of them are answered in time is the machine's affair; that each of them is accounted for is not.
        var paced = await MeasureAsync("echo", Arguments, "--server", "echo", "--rate", "200", "--seconds", "1");
        Assert.Equal(200, paced.GetProperty("calls").GetInt64() + paced.GetProperty("notStarted").GetInt64());
        Assert.Equal(200, paced.GetProperty("rate").GetDouble());
    }

    [Fact]
    public async Task Bench_OfAnyEndpoint_PrintsATable()
    {
        await using var gateway = await StartAsync();
        var run = (await CliRun.OfAsync("bench", "echo", Arguments, "--url", gateway.Identity("echo").ToString(), "--calls", "20", "-c", "1", "--warm-up", "0", "--header", "X-Test: yes")).Ended(0);
        Assert.Contains("1 connections, closed loop", run.Output, StringComparison.Ordinal);
        Assert.Contains("CALLS  ERRORS  CALLS/S", run.Output, StringComparison.Ordinal);
        Assert.Contains("20     0 ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_WhenItIsEndedEarly_ShowsWhatItHasSeen()
    {
        await using var gateway = await StartAsync();
        await using var run = ChildProcess.Start(
            "dotnet", [RepositoryPaths.Cli, "bench", "echo", Arguments, "--server", "echo", "-c", "2", "--seconds", "3600", "--warm-up", "0", "--state", gateway.StateFolder]);
        await run.ErrorLineAsync(static line => line.Contains("Ctrl+C ends it early", StringComparison.Ordinal), "the line that it measures");
        Assert.Equal(0, await run.StopAsync());
        Assert.Contains("2 connections, closed loop", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_WhenTheFirstCallFails_MeasuresNothingAndSaysWhy()
    {
        await using var gateway = await StartAsync();
        Task<CliRun> RunAsync(params string[] arguments) => CliRun.OfAsync(["bench", .. arguments, "--state", gateway.StateFolder]);

        Assert.Contains("has no tool 'ehco'. It has: echo.", (await RunAsync("ehco", "--server", "echo")).Ended(8).Output, StringComparison.Ordinal);
        Assert.Contains("must be a string", (await RunAsync("echo", "--server", "echo")).Ended(7).Output, StringComparison.Ordinal);
        Assert.Contains("There is no server 'nobody'", (await RunAsync("echo", "--server", "nobody")).Ended(1).Output, StringComparison.Ordinal);
        Assert.Contains("the arguments are no JSON object: it is an array", (await RunAsync("echo", "[]")).Ended(2).Output, StringComparison.Ordinal);
        var header = (await RunAsync("echo", "--header", "Authorization=secret-word")).Ended(2).Output;
        Assert.Contains("--header 'Name: value'", header, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", header, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_WhenNothingIsRunning_SaysSo()
    {
        using var folder = new TempFolder();
        Assert.Contains("no instance is running", (await CliRun.OfAsync("bench", "echo", "--state", folder.FullName)).Ended(4).Output, StringComparison.Ordinal);
        Assert.Contains("cannot be reached", (await CliRun.OfAsync("bench", "echo", "--url", "http://127.0.0.1:1/mcp")).Ended(4).Output, StringComparison.Ordinal);
        Assert.Contains("',' names no tool", (await CliRun.OfAsync("bench", ",", "--url", "http://127.0.0.1:1/mcp")).Ended(2).Output, StringComparison.Ordinal);
        Assert.Contains("is no http address", (await CliRun.OfAsync("bench", "echo", "--url", "localhost:8080")).Ended(2).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bench echo --rate 0", "'0' is not what --rate takes: calls per second, a number more than 0")]
    [InlineData("bench echo --rate -5", "'-5' is not what --rate takes")]
    [InlineData("bench echo --rate fast", "'fast' is not what --rate takes")]
    [InlineData("bench echo --rate NaN", "'NaN' is not what --rate takes")]
    [InlineData("bench echo --connections 0", "'0' is not what --connections takes: a whole number from 1 to 10000")]
    [InlineData("bench echo --seconds soon", "'soon' is not what --seconds takes")]
    [InlineData("bench echo --calls 5 --rate fast", "do not go together")]
    [InlineData("bench echo --calls 5 --rate 2", "--calls and --rate do not go together")]
    [InlineData("bench echo --server a --url http://127.0.0.1:1/mcp", "Leave one of them out")]
    [InlineData("bench echo --era old", "old")]
    public void Bench_WhenAnOptionIsWrong_SaysWhatIsExpected(string line, string expected) =>
        Assert.Contains(expected, Assert.Single(Program.Root().Parse(line).Errors).Message, StringComparison.Ordinal);

    private static async Task<GatewayProcess> StartAsync()
    {
        var gateway = await GatewayProcess.StartAsync("echo", GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll")));
        await gateway.LineAsync(static line => line.Contains("\"id\":\"echo\",\"state\":\"Healthy\"", StringComparison.Ordinal), "the server");
        return gateway;
    }
}
