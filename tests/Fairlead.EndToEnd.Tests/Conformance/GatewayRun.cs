using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>One run of the suite through a real gateway, with all that makes it count.</summary>
internal static class GatewayRun
{
    private const string Server = "fixture";

    // Scenarios that no gateway can answer by itself.
    private static readonly string[] s_reachesTheServer = ["tools-call-", "prompts-get-", "resources-read-", "completion-", "input-required-result-"];

    /// <summary>Runs a requirement set, compares it with the direct run of the same fixture, check by check, and records it.</summary>
    /// <param name="era">What the fixture speaks.</param>
    /// <param name="revision">What the suite speaks.</param>
    /// <param name="upstream"><c>http</c> or <c>stdio</c>.</param>
    /// <param name="direct">The run to compare with.</param>
    /// <param name="expectedFailures">The suite's baseline: it fails when a scenario of it passes.</param>
    /// <param name="impossible">Required scenarios that this road cannot carry; those of the baseline.</param>
    public static async Task CheckAsync(
        ConformanceFixture fixture, string era, string revision, string upstream, ConformanceReport direct, string expectedFailures, IReadOnlyCollection<string> impossible)
    {
        await using var server = upstream == "http" ? await FixtureServer.StartAsync(fixture, era) : null;
        await using var gateway = await GatewayProcess.StartAsync(Server, server is null ? fixture.Stdio(era) : GatewayProcess.Http(server.Url.ToString()));
        var crosses = era != ConformanceFixture.EraOf(revision);
        if (crosses && server is null && era == "legacy")
        {
            await Guard.WithinAsync(WhenWarmAsync(gateway), "the warm pool to be filled");
        }

        var report = await ConformanceRun.RunServerAsync(gateway.Identity(Server), revision, expectedFailures);

        var worse = string.Join('\n', ConformanceComparison.Worse(direct, report, [.. LeftOut.NotCompared(hasTasks: fixture.OffersTasks && !crosses), .. impossible]));
        Assert.True(worse.Length == 0, $"{worse}\n{report.DescribeFailures()}\n{gateway.Output}");
        Assert.Equal("", report.Without(impossible).DescribeFailures());
        Assert.Equal(0, report.ExitCode);
        await AssertCameThroughAsync(gateway, fixture, report);
        ConformanceDocument.RecordServerRun($"{fixture.RowPrefix}gateway to {upstream}{(crosses ? $", {era} server" : "")}", report);
    }

    // One check of the suite waits 600 ms for the whole answer to its first question, less than a busy machine may need to start the process that a client who can be asked gets.
    private static async Task WhenWarmAsync(GatewayProcess gateway)
    {
        using var http = new HttpClient();
        while ((int?)JsonNode.Parse(await http.GetStringAsync(new Uri(gateway.Url, $"api/v1/servers/{Server}")))!["warmInstances"] != ConformanceFixture.WarmPool)
        {
            await Task.Yield();
        }
    }

    // A gateway that answered from somewhere else, or a URL that led past it, would show the fixture's name on the aggregate or no carried calls.
    private static async Task AssertCameThroughAsync(GatewayProcess gateway, ConformanceFixture fixture, ConformanceReport report)
    {
        Assert.NotEqual(fixture.Name, await ServerIdentity.NameAsync(gateway.Aggregate, report.Revision));
        Assert.Equal(fixture.Name, await ServerIdentity.NameAsync(gateway.Identity(Server), report.Revision));
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
