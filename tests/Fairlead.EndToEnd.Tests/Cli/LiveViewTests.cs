using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead ps --watch</c> and <c>fairlead top</c> beside a running <c>fairlead up</c>, on a pseudo terminal and off it.</summary>
public sealed class LiveViewTests : IAsyncLifetime
{
    private const string CtrlC = "\x03";
    private const string CursorAway = "\x1b[?25l";
    private const string CursorBack = "\x1b[?25h";

    private GatewayProcess _gateway = null!;

    public async Task InitializeAsync() => _gateway = await GatewayProcess.StartAsync("echo", GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll")));

    public async Task DisposeAsync() => await _gateway.DisposeAsync();

    [Fact]
    public async Task Watch_OnATerminal_DrawsChangesComesBackAfterARestartAndGivesTheCursorBack()
    {
        await using var watch = OnTerminal("ps", "--watch");
        await watch.LineAsync(static line => line.Contains("echo", StringComparison.Ordinal) && line.Contains("Healthy", StringComparison.Ordinal), "the server");
        (await RunAsync("maintenance", "echo", "on", "--reason", "until noon")).Ended(0);
        await watch.LineAsync(static line => line.Contains("until noon", StringComparison.Ordinal), "the change");

        await _gateway.KillAndStartAgainAsync();
        var waited = false;
        await watch.LineAsync(line => (waited |= line.Contains("waiting for the instance to come back", StringComparison.Ordinal)) && line.Contains("serving", StringComparison.Ordinal), "that it waits, and the table after it");
        Assert.Equal(0, await EndAsync(watch, CtrlC));
    }

    [Fact]
    public async Task Watch_WithoutATerminal_PrintsChangesUntilASignal()
    {
        await using var watch = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "ps", "-w", "--state", _gateway.StateFolder]);
        await using var json = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "ps", "--watch", "--json", "--state", _gateway.StateFolder]);
        await watch.LineAsync(static line => line.Contains(" echo  ", StringComparison.Ordinal), "the server");
        await json.LineAsync(static line => line.StartsWith("{\"change\":\"present\"", StringComparison.Ordinal), "the server as JSON");
        (await RunAsync("maintenance", "echo", "on", "--reason", "until noon")).Ended(0);
        await watch.LineAsync(static line => line.Contains(" echo  Maintenance  ", StringComparison.Ordinal) && line.Contains("until noon", StringComparison.Ordinal), "the change");
        var change = JsonDocument.Parse(await json.LineAsync(static line => line.Contains("until noon", StringComparison.Ordinal), "the change as JSON")).RootElement;
        Assert.Equal(("changed", "echo", "Maintenance"), (change.GetProperty("change").GetString(), change.GetProperty("server").GetProperty("id").GetString(), change.GetProperty("server").GetProperty("state").GetString()));
        await _gateway.StopAsync();
        await watch.LineAsync(static line => line.Contains("waiting for the instance", StringComparison.Ordinal), "that it waits");
        Assert.Equal(0, await watch.StopAsync());
        Assert.Equal(0, await json.StopAsync());
        Assert.DoesNotContain('\x1b', watch.Output);
        Assert.Contains("no instance is running", (await RunAsync("ps", "--watch")).Ended(4).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Top_OnATerminal_FollowsCallsAndKeysAndEndsAtQ()
    {
        await CallAsync();
        await using var top = OnTerminal("top", "--interval", "200ms");
        await top.LineAsync(static line => line.Contains("1 calls in all", StringComparison.Ordinal), "the first call");
        await top.WriteLineAsync("p");
        await top.LineAsync(static line => line.Contains("sorted by p99", StringComparison.Ordinal), "the key");
        await CallAsync();
        await top.LineAsync(static line => line.Contains("2 calls in all", StringComparison.Ordinal), "the second call");
        Assert.Equal(0, await EndAsync(top, "q\n"));
    }

    [Fact]
    public async Task Top_WithoutATerminal_PrintsOneTableOrAsManyAsAskedFor()
    {
        await CallAsync();
        var once = (await RunAsync("top")).Ended(0).Output.TrimEnd('\n').Split('\n');
        Assert.Equal(3, once.Length);
        Assert.StartsWith("SERVER  STATE", once[1], StringComparison.Ordinal);
        Assert.StartsWith("echo    Healthy", once[2], StringComparison.Ordinal);

        var looks = (await RunAsync("top", "--json", "--count", "2", "--interval", "100ms")).Ended(0).Output.TrimEnd('\n').Split('\n');
        Assert.All(looks, static look => Assert.Equal(("Healthy", 1), (
            (string?)JsonNode.Parse(look)!["servers"]!["echo"]!["state"], (int)JsonNode.Parse(look)!["servers"]!["echo"]!["calls"]!)));
        Assert.Equal(2, looks.Length);

        Assert.Contains("from 100ms", (await RunAsync("top", "--interval", "1ms")).Ended(2).Output, StringComparison.Ordinal);
        Assert.Contains("'soon' is no length of time", (await RunAsync("top", "--interval", "soon")).Ended(2).Output, StringComparison.Ordinal);
    }

    private async Task CallAsync()
    {
        await _gateway.LineAsync(static line => line.Contains("\"id\":\"echo\",\"state\":\"Healthy\"", StringComparison.Ordinal), "the server");
        (await RunAsync("call", "echo", "echo", """{"message":"hi"}""")).Ended(0);
    }

    private Task<CliRun> RunAsync(params string[] arguments) => CliRun.OfAsync([.. arguments, "--state", _gateway.StateFolder]);

    /// <summary>Runs a command on a pseudo terminal of 100 columns and 30 lines; what is written to it is typed.</summary>
    private ChildProcess OnTerminal(params string[] arguments)
    {
        var words = string.Join(' ', arguments.Prepend(RepositoryPaths.Cli).Append("--state").Append(_gateway.StateFolder).Select(static word => $"'{word}'"));
        return ChildProcess.StartWithInput("script", ["-qec", $"stty cols 100 rows 30; exec dotnet {words}", "/dev/null"], new Dictionary<string, string> { ["TERM"] = "xterm", ["SHELL"] = "/bin/sh" });
    }

    /// <summary>Types something that ends the command, and looks whether the cursor came back.</summary>
    private static async Task<int> EndAsync(ChildProcess process, string typed)
    {
        Assert.Contains(CursorAway, process.Output, StringComparison.Ordinal);
        await process.WriteAsync(typed);
        var exitCode = await Guard.WithinAsync(process.Exit, $"the end after {JsonSerializer.Serialize(typed)}; it printed {process.Output}");
        Assert.True(process.Output.LastIndexOf(CursorBack, StringComparison.Ordinal) > process.Output.LastIndexOf(CursorAway, StringComparison.Ordinal), process.Output);
        return exitCode;
    }
}
