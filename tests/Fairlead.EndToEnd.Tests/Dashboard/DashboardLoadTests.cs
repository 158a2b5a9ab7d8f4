using System.Globalization;
using System.Text.Json.Nodes;
using Fairlead.TestKit;
using Xunit.Abstractions;

namespace Fairlead.EndToEnd.Tests.Dashboard;

/// <summary>The dashboard while many servers are called a thousand times a second: nothing is lost on the way to the page, and it goes on answering. What its main thread did is told, from the
/// browser's trace; docs/dashboard.md holds figures of a full run.</summary>
public sealed class DashboardLoadTests(ITestOutputHelper output)
{
    private static readonly (int Servers, int Rate, int Seconds) s_load = Environment.GetEnvironmentVariable("FAIRLEAD_TEST_FULL") == "1" ? (200, 1_000, 15) : (20, 300, 2);

    [ChromiumFact]
    public async Task Dashboard_WhenEventsFloodIt_ShowsThemAllAndGoesOnAnswering()
    {
        await using var many = ChildProcess.Start(RepositoryPaths.Node, [RepositoryPaths.Source("tests/node/dashboard/many-servers.mjs")]);
        var port = await many.LineAsync(static line => int.TryParse(line, CultureInfo.InvariantCulture, out _), "its port");
        var servers = new JsonObject();
        for (var i = 0; i < s_load.Servers; i++)
        {
            servers[$"many-{i}"] = GatewayProcess.Http($"http://127.0.0.1:{port}/{i}");
        }

        await using var gateway = await GatewayProcess.StartAsync(new JsonObject { ["servers"] = servers });
        await gateway.LineAsync(static line => line.Contains("\"event\":\"summary\"", StringComparison.Ordinal), "that all servers are up");

        var numbers = new[] { s_load.Servers, s_load.Rate, s_load.Seconds }.Select(static number => number.ToString(CultureInfo.InvariantCulture));
        await using var browser = ChildProcess.Start(
            RepositoryPaths.Node,
            [
                RepositoryPaths.Source("tests/node/dashboard/load.mjs"), RepositoryPaths.NodeModule(""), Chromium.Path, gateway.Url.GetLeftPart(UriPartial.Authority),
                Path.Combine(gateway.StateFolder, "admin.token"), .. numbers,
            ]);
        foreach (var page in (string[])["Fleet", "Events", "Traffic"])
        {
            output.WriteLine(await browser.LineAsync(line => line.Contains($"\"page\":\"{page}\"", StringComparison.Ordinal), $"the figures of {page}"));
        }

        Assert.True(await Guard.WithinAsync(browser.Exit, "the end of the browser") == 0, browser.Output);
    }
}
