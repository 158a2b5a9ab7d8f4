using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead events</c> and <c>fairlead logs -f</c> beside a running <c>fairlead up</c>.</summary>
public sealed class EventsCommandTests
{
    [Fact]
    public async Task Events_WhileTheFleetChanges_PrintsThemAndGoesOnFromAnId()
    {
        await using var gateway = await StartAsync();
        await using var events = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "events", "--types", "server.state", "--servers", "echo", "--json", "--state", gateway.StateFolder]);

        // It watches once it has told of something: the first change may have come before.
        var change = "on";
        var told = events.LineAsync(static line => line.Contains("\"state\":\"Maintenance\"", StringComparison.Ordinal), "a change of state");
        while (!told.IsCompleted)
        {
            (await CliRun.OfAsync("maintenance", "echo", change, "--state", gateway.StateFolder)).Ended(0);
            change = change == "on" ? "off" : "on";
        }

        var first = JsonDocument.Parse(await told).RootElement;
        Assert.Equal(("server.state", "echo", "Maintenance"), (first.GetProperty("type").GetString(), first.GetProperty("server").GetString(), first.GetProperty("state").GetString()));
        Assert.Equal(0, await events.StopAsync());

        // From the beginning of this run, as text.
        var id = first.GetProperty("id").GetString()!;
        var run = (await CliRun.OfAsync("events", "--after", id[..id.IndexOf('-', StringComparison.Ordinal)] + "-0", "--count", "1", "--state", gateway.StateFolder)).Ended(0);
        Assert.Contains("server.added", run.Output, StringComparison.Ordinal);
        Assert.Contains("echo  joined, Initializing", run.Output, StringComparison.Ordinal);
        Assert.Contains("'17' is no id of an event", (await CliRun.OfAsync("events", "--after", "17", "--state", gateway.StateFolder)).Ended(1).Output, StringComparison.Ordinal);
        Assert.Contains("There are: server.added", (await CliRun.OfAsync("events", "--types", "serve", "--state", gateway.StateFolder)).Ended(1).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LogsFollow_OfAServerThatWritesOn_ShowsWhatComes()
    {
        var servers = new JsonObject { ["loud"] = GatewayProcess.Stdio("bash", "-c", "n=0; while read -r line; do n=$((n+1)); echo \"line $$ $n\" >&2; done") };
        await using var gateway = await GatewayProcess.StartAsync(new JsonObject { ["servers"] = servers, ["limits"] = new JsonObject { ["startTimeout"] = "1s", ["restartBase"] = "100ms" } });
        await using var logs = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "logs", "loud", "-f", "-n", "1", "--state", gateway.StateFolder]);

        // A start, and each restart, sends it something.
        var first = await logs.LineAsync(static line => line.StartsWith("line ", StringComparison.Ordinal), "a line");
        await logs.LineAsync(line => line.StartsWith("line ", StringComparison.Ordinal) && line != first, "the next line");
        Assert.Equal(0, await logs.StopAsync());
    }

    private static async Task<GatewayProcess> StartAsync()
    {
        var servers = new JsonObject { ["echo"] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll")) };
        return await GatewayProcess.StartAsync(new JsonObject { ["servers"] = servers });
    }
}
