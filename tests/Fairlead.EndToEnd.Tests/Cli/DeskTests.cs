using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>A whole life of <c>fairlead up</c> with real servers, among them some that cannot start, and every command against it.</summary>
public sealed class DeskTests
{
    [Fact]
    public async Task Fairlead_WhenSomeServersCannotStart_ServesTheOthersAndTellsEachReason()
    {
        using var folder = new TempFolder();
        var everything = GatewayProcess.Stdio(RepositoryPaths.Node, RepositoryPaths.NodeModule("@modelcontextprotocol/server-everything/dist/index.js"), "stdio");
        var waits = GatewayProcess.Stdio("true");
        waits["env"] = new JsonObject { ["API_KEY"] = "${DESK_TEST_KEY}" };
        var configuration = new JsonObject
        {
            ["servers"] = new JsonObject
            {
                ["everything"] = everything,
                ["missing"] = GatewayProcess.Stdio("no-such-program"),
                ["waits"] = waits,
                ["exits"] = GatewayProcess.Stdio("sh", "-c", "echo the database is on holiday >&2; exit 3"),
            },
        };
        var file = folder.Write("desk.json", configuration.ToJsonString());
        var state = folder.At("state");
        await using var up = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "up", "--config", file, "--port", "0", "--state", state]);

        await up.LineAsync(static line => line.StartsWith("Loaded configuration with 4 servers", StringComparison.Ordinal), "what was loaded");
        await up.LineAsync(static line => line.Contains("1 launched, 2 failed, 1 skipped.", StringComparison.Ordinal), "the summary");
        await up.LineAsync(static line => line.Contains("failed:  missing: ", StringComparison.Ordinal) && line.Contains("no-such-program", StringComparison.Ordinal), "why missing failed");
        await up.LineAsync(static line => line.Contains("failed:  exits: ", StringComparison.Ordinal) && line.Contains("holiday", StringComparison.Ordinal), "why exits failed");
        await up.LineAsync(static line => line.Contains("skipped: waits: ", StringComparison.Ordinal) && line.Contains("DESK_TEST_KEY", StringComparison.Ordinal), "why waits was skipped");
        Assert.DoesNotContain('\x1b', up.Output);

        Task<CliRun> Run(params string[] arguments) => CliRun.OfAsync([.. arguments, "--state", state]);
        var ps = (await Run("ps")).Ended(0).Output;
        Assert.Matches(@"(?m)^everything\s+Healthy\s+\d+\s+20", ps);
        Assert.Matches(@"(?m)^waits\s+MissingAuth\s+0\s+not set: DESK_TEST_KEY", ps);
        Assert.DoesNotContain('\x1b', ps);
        Assert.Matches(@"(?m)^everything\s+echo\s+\w+", (await Run("tools", "everything")).Ended(0).Output);
        Assert.Contains("hello desk", (await Run("call", "everything", "echo", """{"message":"hello desk"}""")).Ended(0).Output, StringComparison.Ordinal);
        Assert.StartsWith("{\"content\":", (await Run("call", "everything", "echo", """{"message":"x"}""", "--json")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Matches(@"\[image, image/png, \d+ bytes; --json shows them\]", (await Run("call", "everything", "get-tiny-image")).Ended(0).Output);
        (await Run("call", "everything", "echo", """{"message":7}""")).Ended(7);
        Assert.Contains("no JSON object", (await Run("call", "everything", "echo", "[1]")).Ended(2).Output, StringComparison.Ordinal);
        Assert.Contains("there is nothing", (await Run("call", "everything", "echo", "-")).Ended(2).Output, StringComparison.Ordinal);
        (await Run("call", "everything", "nothing")).Ended(8);
        (await Run("logs", "nobody")).Ended(8);
        Assert.Contains("holiday", (await Run("logs", "exits")).Ended(0).Output, StringComparison.Ordinal);

        var second = (await CliRun.OfAsync("up", "--config", file, "--port", "0", "--state", state)).Ended(5);
        Assert.Contains("http://127.0.0.1:", second.Output, StringComparison.Ordinal);

        var one = (await Run("ps", "everything")).Ended(0).Output;
        Assert.Matches(@"(?m)^everything\s+Healthy", one);
        Assert.Matches(@"(?m)^\d+\s+Healthy\s+shared\s+\d+\s+\d+\.\d MiB\s+\d+ (s|min)\s+0\s+0\s+Closed", one);
        Assert.Contains("No instance of it runs.", (await Run("ps", "waits")).Ended(0).Output, StringComparison.Ordinal);
        (await Run("ps", "everythin")).Ended(8);
        Assert.Contains("leave the name out", (await Run("ps", "everything", "--watch")).Ended(2).Output, StringComparison.Ordinal);

        var child = (int)JsonNode.Parse((await Run("ps", "--json")).Output)!["servers"]![0]!["processId"]!;
        Assert.Contains("Stopped.", (await Run("down")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Equal(0, await Guard.WithinAsync(up.Exit, "the end of fairlead up"));
        await ProcessTable.WhenGoneAsync(child);
        Assert.False(File.Exists(Path.Combine(state, "instance.json")));
        Assert.Contains("no instance is running", (await Run("ps")).Ended(4).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ps_WhenWhatListensIsAnotherProgram_SaysSo() =>
        Assert.Contains("is no http address", (await CliRun.OfAsync("ps", "--url", "127.0.0.1:1")).Ended(2).Output, StringComparison.Ordinal);

    [Fact]
    public async Task Ps_WhenNothingListens_EndsWith4() =>
        Assert.Contains("does not answer", (await CliRun.OfAsync("ps", "--url", "http://127.0.0.1:1")).Ended(4).Output, StringComparison.Ordinal);
}
