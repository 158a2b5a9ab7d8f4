using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead audit</c> on what a real instance has written, while it runs and afterwards.</summary>
public sealed class AuditCommandTests
{
    [Fact]
    public async Task Audit_OfAnInstance_CanBeReadExportedAndVerifiedAndFindsWhatWasChanged()
    {
        var servers = new JsonObject { ["echo"] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll")) };
        await using var gateway = await GatewayProcess.StartAsync(new JsonObject { ["servers"] = servers, ["audit"] = "calls" });
        var state = gateway.StateFolder;
        (await CliRun.OfAsync("call", "echo", "echo", """{"message":"hi"}""", "--state", state)).Ended(0);
        (await CliRun.OfAsync("maintenance", "echo", "on", "--reason", "cleaning", "--state", state)).Ended(0);
        (await CliRun.OfAsync("call", "echo", "echo", """{"message":"hi"}""", "--state", state)).Ended(1);

        await using var follow = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "audit", "tail", "-f", "--kind", "call", "--state", state]);
        await follow.LineAsync(static line => line.Contains("tools/call echo  ConnectionFailed", StringComparison.Ordinal) && line.Contains("local (fairlead", StringComparison.Ordinal), "the call in maintenance");
        Assert.Equal(0, await follow.StopAsync());
        var failed = (await CliRun.OfAsync("audit", "tail", "--outcome", "failed", "--since", "1h", "--json", "--state", state)).Ended(0);
        Assert.Equal("ConnectionFailed", JsonDocument.Parse(failed.Output.Trim()).RootElement.GetProperty("outcome").GetString());
        Assert.Equal(0, await gateway.StopAsync());

        var csv = Path.Combine(state, "out.csv");
        (await CliRun.OfAsync("audit", "export", "--kind", "change", "--format", "csv", "--output", csv, "--state", state)).Ended(0);
        var lines = await File.ReadAllLinesAsync(csv);
        Assert.StartsWith("seq,at,kind,principal", lines[0], StringComparison.Ordinal);
        Assert.Contains("change,admin,", lines[1], StringComparison.Ordinal);
        Assert.Contains("POST /api/v1/servers/{id}/maintenance", lines[1], StringComparison.Ordinal);
        Assert.Contains("already exists", (await CliRun.OfAsync("audit", "export", "--output", csv, "--state", state)).Ended(1).Output, StringComparison.Ordinal);

        var sound = JsonDocument.Parse((await CliRun.OfAsync("audit", "verify", "--json", "--state", state)).Ended(0).Output).RootElement;
        Assert.True(sound.GetProperty("isSound").GetBoolean());
        var known = $"{sound.GetProperty("last").GetInt64()}:{sound.GetProperty("lastHash").GetString()}";
        Assert.Contains("are sound: 1 to ", (await CliRun.OfAsync("audit", "verify", "--known", known, "--state", state)).Ended(0).Output, StringComparison.Ordinal);

        var file = Path.Combine(state, "audit", "audit-000001.jsonl");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("ConnectionFailed", "ok", StringComparison.Ordinal));
        var broken = (await CliRun.OfAsync("audit", "verify", "--state", state)).Ended(9);
        Assert.Matches("the chain is broken at record [0-9]+ \\(audit-000001.jsonl, line [0-9]+\\): the record was changed", broken.Output);
    }

    [Theory]
    [InlineData(8, "there is no audit log in", "tail")]
    [InlineData(2, "is no record. Give its number and its hash", "verify", "--known", "17")]
    [InlineData(2, "is no time. Give 2026-11-30", "tail", "--since", "soon")]
    [InlineData(2, "'calls' not recognized", "tail", "--kind", "calls")]
    public async Task Audit_WithWhatCannotBe_SaysHowToMendIt(int exitCode, string part, params string[] arguments)
    {
        using var folder = new TempFolder();

        var run = await CliRun.OfAsync(["audit", .. arguments, "--state", folder.FullName]);

        Assert.Contains(part, run.Ended(exitCode).Output, StringComparison.Ordinal);
    }
}
