using System.Text.Json;
using System.Xml.Linq;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>The measuring program of bench/, run for moments: what it writes is looked at, not how fast anything was.</summary>
public sealed class LoadProgramTests
{
    [Fact]
    public async Task Load_OfAGatewayBesideTheBareServer_WritesTableJsonAndPlots()
    {
        using var folder = new TempFolder();
        var scenarios = folder.Write("scenarios.json", """
            [
              { "name": "across", "note": "A legacy client at a modern server, <two> connections.", "connections": 2, "clientEra": "legacy", "targets": ["gateway", "forwarder", "http://127.0.0.1:1/mcp"],
                "bounds": [{ "over": "bare", "atLeast": 0.000001 }, { "over": "http://127.0.0.1:1/mcp", "atLeast": 2 }] },
              { "name": "streams", "note": "Event streams at a rate.", "connections": 2, "rate": 100, "reference": "direct", "upstream": "http", "answers": "sse", "serverEra": "legacy" }
            ]
            """);
        var output = await RunAsync(0, "load", "--file", scenarios, "--rounds", "2", "--milliseconds", "100", "--warm-up", "0", "--out", folder.FullName);
        Assert.Contains("### across", output, StringComparison.Ordinal);
        Assert.Contains("not measured: http://127.0.0.1:1/mcp cannot be reached", output, StringComparison.Ordinal);

        Assert.Contains("calls/s of the gateway over bare at 2 connections: ", output, StringComparison.Ordinal);
        Assert.Contains("**passed**", output, StringComparison.Ordinal);

        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder.FullName, "load.json")));
        Assert.Equal(Environment.ProcessorCount, json.RootElement.GetProperty("machine").GetProperty("cores").GetInt32());
        var across = json.RootElement.GetProperty("scenarios")[0];
        Assert.Equal(["bare", "gateway", "forwarder", "http://127.0.0.1:1/mcp"], across.GetProperty("targets").EnumerateArray().Select(static target => target.GetProperty("name").GetString()));
        Assert.Equal(2, across.GetProperty("referenceAgain").GetArrayLength());
        foreach (var target in json.RootElement.GetProperty("scenarios").EnumerateArray().SelectMany(static scenario => scenario.GetProperty("targets").EnumerateArray()))
        {
            var runs = target.GetProperty("runs");
            Assert.Equal(target.GetProperty("notMeasured").ValueKind == JsonValueKind.Null ? 2 : 0, runs.GetArrayLength());
            Assert.All(runs.EnumerateArray(), static run =>
            {
                Assert.True(run.GetProperty("result").GetProperty("calls").GetInt64() + run.GetProperty("result").GetProperty("notStarted").GetInt64() > 0);
                Assert.Equal(0, run.GetProperty("result").GetProperty("errors").GetInt64());
            });
        }

        var page = await File.ReadAllTextAsync(Path.Combine(folder.FullName, "load.html"));
        Assert.Contains("prefers-color-scheme: dark", page, StringComparison.Ordinal);
        Assert.Contains("&lt;two&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain(" src=", page, StringComparison.Ordinal);
        Assert.DoesNotContain(" href=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
        var plots = page.Split("<svg").Skip(1).Select(static part => XDocument.Parse("<svg" + part[..(part.IndexOf("</svg>", StringComparison.Ordinal) + 6)])).ToList();
        Assert.Equal(4, plots.Count);
        Assert.Equal(3, plots[1].Descendants("polyline").Count(static line => line.Attribute("points")!.Value.Length != 0));
    }

    [Theory]
    [InlineData("""[{ "name": "x", "connections": 0 }]""", "connections '0' must be from 1 to 1000")]
    [InlineData("""[{ "name": "x", "conections": 3 }]""", "conections")]
    [InlineData("""[{ "name": "x", "targets": ["ngnix"] }]""", "the target 'ngnix' is not known; use gateway, ")]
    [InlineData("""[{ "name": "x", "bounds": [{ "over": "nginx", "atLeast": 1 }] }]""", "bounds.over 'nginx' must be the reference or a target")]
    [InlineData("""[{ "name": "y" }]""", "there is no scenario 'x' in ")]
    public async Task Load_WhenAScenarioIsWrong_SaysWhatIsExpected(string scenarios, string expected)
    {
        using var folder = new TempFolder();
        Assert.Contains(expected, await RunAsync(1, "load", "--file", folder.Write("scenarios.json", scenarios), "--scenarios", "x", "--out", folder.FullName), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_OfTheScenariosThatComeWithIt_KnowsThemAll() =>
        Assert.Contains("call-64 ", await RunAsync(0, "load", "--list", "yes"), StringComparison.Ordinal);

    private static async Task<string> RunAsync(int exitCode, params string[] arguments)
    {
        await using var process = ChildProcess.Start("dotnet", [RepositoryPaths.BuiltAssembly("Fairlead.Load", "fairlead-load.dll"), .. arguments, "--root", RepositoryPaths.Root]);
        Assert.True(await Guard.WithinAsync(process.Exit, "the end of fairlead-load") == exitCode, process.Output);
        return process.Output;
    }
}
