using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>A running <c>fairlead up</c> is changed: by its files, by a signal, and by every command that does so.</summary>
public sealed class LiveChangeTests : IAsyncLifetime
{
    private const int SigHup = 1;

    private GatewayProcess _gateway = null!;

    public async Task InitializeAsync() => _gateway = await GatewayProcess.StartAsync(new JsonObject { ["servers"] = new JsonObject { ["echo"] = Echo() } });

    public async Task DisposeAsync() => await _gateway.DisposeAsync();

    [Fact]
    public async Task Up_WhenItsFilesChangeOrItIsHungUp_TakesThemOverAndABadOneChangesNothing()
    {
        using var folder = new TempFolder();
        // As editors do it: another file is moved into the place.
        var servers = new JsonObject { ["echo"] = Echo(), ["second"] = Off() };
        var written = folder.Write("next.json", new JsonObject { ["servers"] = servers }.ToJsonString());
        File.Move(written, _gateway.ConfigurationFile, overwrite: true);
        await ReloadedAsync("\"cause\":\"file\",\"valid\":true,\"errors\":0,\"added\":[\"second\"]");

        await File.WriteAllTextAsync(_gateway.ConfigurationFile, """{"servers":{"echo":{"comand":"x"}}}""");
        await ReloadedAsync("\"cause\":\"file\",\"valid\":false");
        var doctor = await RunAsync("doctor", "--config", _gateway.ConfigurationFile);
        Assert.Contains("reload", doctor.Ended(9).Output, StringComparison.Ordinal);
        Assert.Contains("servers.echo.comand", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("servers.echo.comand", (await RunAsync("reload", "--url", Url)).Ended(3).Output, StringComparison.Ordinal);
        Assert.Contains("echo", (await RunAsync("ps", "--url", Url)).Ended(0).Output, StringComparison.Ordinal);

        servers["second"]!["env"] = new JsonObject { ["PLACE"] = "${LIVE_PLACE}" };
        await File.WriteAllTextAsync(_gateway.ConfigurationFile, new JsonObject { ["servers"] = servers.DeepClone() }.ToJsonString());
        await ReloadedAsync("\"added\":[],\"removed\":[],\"changed\":[\"second\"]");
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(_gateway.ConfigurationFile)!, ".env"), "LIVE_PLACE=here\n");
        await ReloadedAsync("\"changed\":[\"second\"]", 2);

        ProcessTable.Signal(_gateway.Id, SigHup);
        await ReloadedAsync("\"cause\":\"SIGHUP\",\"valid\":true");
        Assert.Contains("2 unchanged", (await RunAsync("reload")).Ended(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_WhenAServerIsChangedByHand_TellHowItIs()
    {
        await _gateway.LineAsync(static line => line.Contains("\"id\":\"echo\",\"state\":\"Healthy\"", StringComparison.Ordinal), "the server");
        Assert.Contains("echo is Disabled: it was disabled by hand", (await RunAsync("disable", "echo")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("by hand: disabled", (await RunAsync("ps")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("echo is Initializing", (await RunAsync("enable", "echo")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("echo is Maintenance: until noon", (await RunAsync("maintenance", "echo", "on", "--reason", "until noon")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("until noon", (await RunAsync("call", "echo", "echo", "{}")).Ended(1).Output, StringComparison.Ordinal);
        (await RunAsync("maintenance", "echo", "off")).Ended(0);
        Assert.Contains("echo is Stopped", (await RunAsync("stop", "echo")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("\"state\":\"Initializing\"", (await RunAsync("start", "echo", "--json")).Ended(0).Output, StringComparison.Ordinal);
        (await RunAsync("restart", "echo")).Ended(0);
        (await RunAsync("scale", "echo", "1")).Ended(0);
        Assert.Contains("By hand: disabled echo", (await RunAsync("disable", "echo", "echo")).Ended(0).Output, StringComparison.Ordinal);
        (await RunAsync("enable", "echo", "echo")).Ended(0);
    }

    [Fact]
    public async Task Rollout_WhenStartedWatchedPromotedAndAborted_TellsHowItStands()
    {
        await _gateway.LineAsync(static line => line.Contains("\"id\":\"echo\",\"state\":\"Healthy\"", StringComparison.Ordinal), "the server");
        Assert.Contains("There was no rollout", (await RunAsync("rollout", "status")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("No rollout of 'echo' runs", (await RunAsync("rollout", "promote", "echo")).Ended(1).Output, StringComparison.Ordinal);
        Assert.Contains("Try: fairlead rollout start --help", (await RunAsync("rollout", "start", "echo", "--strategy", "sideways")).Ended(2).Output, StringComparison.Ordinal);
        Assert.Contains("--percent 'many' is no whole number", (await RunAsync("rollout", "start", "echo", "--percent", "many")).Ended(2).Output, StringComparison.Ordinal);
        Assert.Contains("--observe 'soon' is no time", (await RunAsync("rollout", "start", "echo", "--observe", "soon")).Ended(2).Output, StringComparison.Ordinal);

        Assert.Contains("rollout 1 of echo (canary) is Trial", (await RunAsync("rollout", "start", "echo", "--strategy", "canary", "--percent", "10", "--observe", "1h")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("canary", (await RunAsync("rollout", "status", "echo")).Ended(0).Output, StringComparison.Ordinal);
        (await RunAsync("rollout", "abort", "echo", "--reason", "wrong build")).Ended(0);
        Assert.Contains("is Aborted: wrong build (0 calls, 0 failed)", (await RunAsync("rollout", "status", "echo", "--watch")).Ended(1).Output, StringComparison.Ordinal);

        (await RunAsync("rollout", "start", "echo", "--strategy", "blue-green", "--observe", "1h")).Ended(0);
        (await RunAsync("rollout", "promote", "echo")).Ended(0);
        Assert.Contains("\"phase\":\"Completed\"", (await RunAsync("rollout", "status", "echo", "--watch", "--json")).Ended(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_WhenServersAreDeployedAndRemoved_SayTheNextStep()
    {
        using var folder = new TempFolder();
        var entry = Off();
        entry["name"] = "more";
        var file = folder.Write("more.json", entry.ToJsonString());
        Assert.Contains("more is Disabled", (await RunAsync("deploy", file)).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("deployed over the API", (await RunAsync("ps")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("--replace", (await RunAsync("deploy", file)).Ended(1).Output, StringComparison.Ordinal);
        (await RunAsync("deploy", file, "--replace")).Ended(0);
        await _gateway.KillAndStartAgainAsync();
        Assert.Contains("more", (await RunAsync("ps")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("more is gone", (await RunAsync("undeploy", "more")).Ended(0).Output, StringComparison.Ordinal);

        Assert.Contains("servers.echo", (await RunAsync("undeploy", "echo")).Ended(1).Output, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'echo'?", (await RunAsync("restart", "ehco")).Ended(8).Output, StringComparison.Ordinal);
        Assert.Contains("allowedCommands", (await RunAsync("deploy", folder.Write("sh.json", """{"name":"sh","command":"sh"}"""))).Ended(1).Output, StringComparison.Ordinal);
        (await RunAsync("deploy", folder.At("nothing.json"))).Ended(2);
        (await RunAsync("stop", "echo", "--url", "http://127.0.0.1:1")).Ended(4);
    }

    private static JsonObject Echo() => GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll"));

    private static JsonObject Off()
    {
        var server = Echo();
        server["disabled"] = true;
        return server;
    }

    private string Url => _gateway.Url.ToString();

    private Task<CliRun> RunAsync(params string[] arguments) => CliRun.OfAsync([.. arguments, "--state", _gateway.StateFolder]);

    private async Task ReloadedAsync(string part, int times = 1)
    {
        var seen = 0;
        await _gateway.LineAsync(
            line => line.Contains("\"event\":\"reloaded\"", StringComparison.Ordinal) && line.Contains(part, StringComparison.Ordinal) && ++seen >= times,
            $"a reload with {part}");
    }
}
