using System.Text.Json.Nodes;

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
            await WarmUpAsync(gateway);
        }

        var report = await ConformanceRun.RunServerAsync(gateway.Identity(Server), revision, expectedFailures);

        var worse = string.Join('\n', ConformanceComparison.Worse(direct, report, [.. LeftOut.NotCompared(hasTasks: fixture.OffersTasks && !crosses), .. impossible]));
        Assert.True(worse.Length == 0, $"{worse}\n{report.DescribeFailures()}\n{gateway.Output}");
        Assert.Equal("", report.Without(impossible).DescribeFailures());
        Assert.Equal(0, report.ExitCode);
        await AssertCameThroughAsync(gateway, fixture, report);
        ConformanceDocument.RecordServerRun($"{fixture.RowPrefix}gateway to {upstream}{(crosses ? $", {era} server" : "")}", report);
    }

    // The first call of a client that can be asked waits for a process of its own at a legacy server on stdio; one check of the suite waits 600 ms for the whole answer, less than a busy machine
    // may need to start one. So the suite's client, by the words it uses there, has called before.
    private static async Task WarmUpAsync(GatewayProcess gateway)
    {
        using var http = new HttpClient();
        while ((int?)JsonNode.Parse(await http.GetStringAsync(new Uri(gateway.Url, $"api/v1/servers/{Server}")))!["ownInstances"] == 0)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, gateway.Identity(Server))
            {
                Content = new StringContent(
                    """
                    {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"test_streaming_elicitation","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
                     "io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"io.modelcontextprotocol/clientInfo":{"name":"conformance-client","version":"1.0.0"}}}}
                    """,
                    System.Text.Encoding.UTF8, "application/json"),
            };
            request.Headers.Add("Accept", "application/json, text/event-stream");
            request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
            request.Headers.Add("Mcp-Method", "tools/call");
            request.Headers.Add("Mcp-Name", "test_streaming_elicitation");
            using var response = await http.SendAsync(request);
            var answer = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, answer);
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
