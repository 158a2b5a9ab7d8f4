using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The requirement sets through the gateway, over each transport to the fixture: the same era on both sides, and each era's clients in front of a server that speaks only the other.</summary>
[Collection(ConformanceCollection.Name)]
public sealed class GatewayConformanceTests(DirectRuns direct)
{
    private const string Server = "fixture";

    // Scenarios that no gateway can answer by itself.
    private static readonly string[] s_reachesTheServer = ["tools-call-", "prompts-get-", "resources-read-", "completion-", "input-required-result-"];

    [Theory]
    [InlineData("legacy", "2025-11-25", "http")]
    [InlineData("legacy", "2025-11-25", "stdio")]
    [InlineData("modern", "2026-07-28", "http")]
    [InlineData("modern", "2026-07-28", "stdio")]
    [InlineData("modern", "2025-11-25", "http")]
    [InlineData("modern", "2025-11-25", "stdio")]
    [InlineData("legacy", "2026-07-28", "http")]
    [InlineData("legacy", "2026-07-28", "stdio")]
    public async Task Gateway_WhateverTheErasOfBothSides_NoCheckIsWorseThanDirect(string era, string revision, string upstream)
    {
        await using var fixture = upstream == "http" ? await FixtureServer.StartAsync(era) : null;
        var server = fixture is null
            ? GatewayProcess.Stdio("dotnet", RepositoryPaths.ConformanceServer, "stdio", "--era", era)
            : GatewayProcess.Http(fixture.Url.ToString());
        await using var gateway = await GatewayProcess.StartAsync(Server, server);

        var report = await ConformanceRun.RunServerAsync(gateway.Identity(Server), revision);

        Assert.Equal("", string.Join('\n', ConformanceComparison.Worse(direct[revision], report, LeftOut.NotCompared(era == EraOf(revision)))));
        Assert.Equal("", report.DescribeFailures());
        Assert.Equal(0, report.ExitCode);
        await AssertCameThroughAsync(gateway, report);
        ConformanceDocument.RecordServerRun(era == EraOf(revision) ? $"gateway to {upstream}" : $"gateway to {upstream}, {era} server", report);
    }

    private static string EraOf(string revision) => revision == "2026-07-28" ? "modern" : "legacy";

    // A gateway that answered from somewhere else, or a URL that led past it, would show the fixture's name on the aggregate or no carried calls.
    private static async Task AssertCameThroughAsync(GatewayProcess gateway, ConformanceReport report)
    {
        Assert.NotEqual("conformance-server", await ServerIdentity.NameAsync(gateway.Aggregate, report.Revision));
        Assert.Equal("conformance-server", await ServerIdentity.NameAsync(gateway.Identity(Server), report.Revision));
        var expected = report.Required.Count(scenario => s_reachesTheServer.Any(prefix => scenario.Name.StartsWith(prefix, StringComparison.Ordinal)));
        var carried = await CarriedCallsAsync(gateway);
        Assert.True(carried >= expected, $"The gateway carried {carried} calls to the fixture; the suite made at least {expected}.");
    }

    // The gateway's own record of what it passed on.
    private static async Task<long> CarriedCallsAsync(GatewayProcess gateway)
    {
        using var http = new HttpClient();
        var json = await http.GetStringAsync(new Uri(gateway.Url, "api/v1/metrics"));
        return (long?)JsonNode.Parse(json)?["servers"]?[Server]?["calls"] ?? throw new InvalidOperationException($"No calls of '{Server}' in {json}");
    }
}
