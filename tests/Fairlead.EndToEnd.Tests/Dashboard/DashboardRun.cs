using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Dashboard;

/// <summary>One run of tests/node/dashboard in a real Chromium against a real <c>fairlead up</c>, made once for a class: what became of each of its scenarios.</summary>
public sealed class DashboardRun : IAsyncLifetime
{
    private readonly Dictionary<string, string?> _outcomes = new(StringComparer.Ordinal);

    /// <summary>What went wrong, by scenario; null where nothing did.</summary>
    public IReadOnlyDictionary<string, string?> Outcomes => _outcomes;

    /// <summary>An MCP server whose texts are hostile and whose tools do what a dashboard must be able to show.</summary>
    internal static JsonObject OddServer() => GatewayProcess.Stdio(RepositoryPaths.Node, RepositoryPaths.Source("tests/node/dashboard/odd-server.mjs"));

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        if (Chromium.Missing is not null)
        {
            return;
        }

        var search = OddServer();
        search["env"] = new JsonObject { ["SEARCH_TOKEN"] = "s3cr3t-value" };
        await using var gateway = await GatewayProcess.StartAsync(new JsonObject
        {
            ["faultInjection"] = new JsonObject { ["enabled"] = true },
            ["servers"] = new JsonObject
            {
                ["library"] = OddServer(),
                ["search"] = search,
                ["github"] = new JsonObject { ["command"] = "github-mcp", ["env"] = new JsonObject { ["GITHUB_TOKEN"] = "${NOT_SET_ANYWHERE}" } },
                ["broken"] = GatewayProcess.Stdio(RepositoryPaths.Node, "-e", "console.error('cannot go on'); process.exit(3)"),
            },
        });
        foreach (var name in (string[])["library", "search"])
        {
            await gateway.LineAsync(line => line.Contains($"\"id\":\"{name}\",\"state\":\"Healthy\"", StringComparison.Ordinal), $"that {name} is healthy");
        }

        await RunAsync(gateway);
    }

    /// <inheritdoc/>
    public Task DisposeAsync() => Task.CompletedTask;

    private async Task RunAsync(GatewayProcess gateway)
    {
        var lines = Channel.CreateUnbounded<string>(); // As many as there are scenarios.
        await using var browser = ChildProcess.StartWithInput(
            RepositoryPaths.Node,
            [
                RepositoryPaths.Source("tests/node/dashboard/run.mjs"), RepositoryPaths.NodeModule(""), Chromium.Path, gateway.Url.GetLeftPart(UriPartial.Authority),
                Path.Combine(gateway.StateFolder, "admin.token"), Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_DOCS") == "1" ? RepositoryPaths.Source("docs/images") : "-",
            ],
            heard: line => lines.Writer.TryWrite(line));
        _ = browser.Exit.ContinueWith(_ => lines.Writer.TryComplete(), TaskScheduler.Default);
        var last = "the start of the browser";
        while (await Guard.WithinAsync(lines.Reader.WaitToReadAsync().AsTask(), $"what comes after {last}"))
        {
            while (lines.Reader.TryRead(out var line))
            {
                last = line;
                var told = JsonNode.Parse(line)!;
                if (told["ask"] is not null)
                {
                    await gateway.KillAndStartAgainAsync();
                    await browser.WriteLineAsync("done");
                }
                else
                {
                    _outcomes.Add((string)told["name"]!, (string?)told["error"]);
                }
            }
        }

        Assert.True(await browser.Exit == 0, browser.Output);
    }
}
