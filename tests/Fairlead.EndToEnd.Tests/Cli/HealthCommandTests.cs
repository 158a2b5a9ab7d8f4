using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead health</c> against a running instance of which one server stands on a file that comes late.</summary>
public sealed class HealthCommandTests
{
    [Fact]
    public async Task Health_WhenAServerFailsItsCheck_EndsWith9UntilItPasses()
    {
        using var folder = new TempFolder();
        var configuration = new JsonObject
        {
            ["servers"] = new JsonObject
            {
                ["good"] = Echo(new JsonObject { ["intervalMs"] = 300, ["timeoutMs"] = 300, ["unhealthyAfter"] = 100 }),
                ["mounted"] = Echo(new JsonObject { ["type"] = "file", ["path"] = folder.At("mount"), ["intervalMs"] = 200, ["timeoutMs"] = 200, ["unhealthyAfter"] = 1, ["healthyAfter"] = 1 }),
                ["off"] = new JsonObject { ["command"] = "true", ["disabled"] = true },
            },
        };
        var file = folder.Write("health.json", configuration.ToJsonString());
        var state = folder.At("state");
        await using var up = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "up", "--config", file, "--port", "0", "--state", state]);
        Task<CliRun> Run(params string[] arguments) => CliRun.OfAsync(["health", .. arguments, "--state", state]);

        await up.LineAsync(static line => line.Contains("mounted", StringComparison.Ordinal) && line.Contains("does not exist", StringComparison.Ordinal), "the failure of mounted");
        var all = (await Run()).Ended(9).Output;
        Assert.Matches(@"(?m)^SERVER\s+STATE\s+AVAILABLE\s+LAST CHECK\s+REASON", all);
        Assert.Matches(@"(?m)^mounted\s+Unhealthy\s+0 %\s+failed \d+ s ago\s+.*mount does not exist", all);
        Assert.Matches(@"(?m)^off\s+Disabled", all);

        var one = (await Run("mounted")).Ended(9).Output;
        Assert.Matches(@"(?m)^\d\d:\d\d:\d\d\s+file\s+[\d.]+ ms\s+failed\s+.*mount does not exist", one);
        var json = JsonNode.Parse((await Run("mounted", "--json")).Ended(9).Output)!;
        Assert.NotEmpty(json["checks"]!.AsArray());
        Assert.Equal("file", (string?)json["check"]);
        (await Run("good")).Ended(0);
        (await Run("off")).Ended(0);
        Assert.Contains("nobody", (await Run("nobody")).Ended(8).Output, StringComparison.Ordinal);

        folder.Write("mount", "");
        await up.LineAsync(static line => Regex.IsMatch(line, @"^\s*\d\d:\d\d:\d\d\s+mounted\s+Healthy"), "mounted being back");
        (await Run()).Ended(0);
    }

    [Fact]
    public async Task Health_WhenNoInstanceRuns_EndsWith4()
    {
        using var folder = new TempFolder();
        Assert.Contains("no instance is running", (await CliRun.OfAsync("health", "--state", folder.FullName)).Ended(4).Output, StringComparison.Ordinal);
    }

    private static JsonObject Echo(JsonObject healthCheck)
    {
        var server = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll"));
        server["healthCheck"] = healthCheck;
        return server;
    }
}
