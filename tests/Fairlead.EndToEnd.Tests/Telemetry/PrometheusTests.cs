using System.Text.Json;
using System.Text.RegularExpressions;
using Fairlead.BuiltIn.Tests;

namespace Fairlead.EndToEnd.Tests.Telemetry;

/// <summary>The metrics, the alerts and the dashboard with a real Prometheus.</summary>
public sealed partial class PrometheusTests(PrometheusWorld world) : IClassFixture<PrometheusWorld>
{
    private const string Rules = "deploy/prometheus/fairlead.rules.yml";

    [PrometheusFact]
    public async Task Page_WhenPromtoolChecksIt_HasNothingToMend()
    {
        var (exitCode, output) = await PrometheusWorld.PromtoolAsync(["check", "metrics"], await world.PageAsync());
        Assert.True(exitCode == 0 && output.Length == 0, output);

        // The check can fail.
        var (bad, why) = await PrometheusWorld.PromtoolAsync(["check", "metrics"], "# TYPE mcp_calls counter\nmcp_calls 1");
        Assert.True(bad != 0 && why.Contains("_total", StringComparison.Ordinal), why);
    }

    [PrometheusFact]
    public async Task Rules_WhenPromtoolChecksThem_AreGoodAndEachAlertHasATest()
    {
        var rules = RepositoryPaths.Source(Rules);
        var tests = RepositoryPaths.Source("deploy/prometheus/fairlead.rules.test.yml");
        foreach (string[] arguments in (string[][])[["check", "rules", rules], ["check", "config", RepositoryPaths.Source("deploy/prometheus/prometheus.yml")], ["test", "rules", tests]])
        {
            var (exitCode, output) = await PrometheusWorld.PromtoolAsync(arguments);
            Assert.True(exitCode == 0 && output.Contains("SUCCESS", StringComparison.Ordinal), output);
        }

        var tested = await File.ReadAllTextAsync(tests);
        Assert.All(AlertName().Matches(await File.ReadAllTextAsync(rules)).Select(static match => match.Groups[1].Value), name => Assert.Contains($"alertname: {name}\n", tested, StringComparison.Ordinal));
    }

    [PrometheusFact]
    public async Task Rules_WhenPrometheusFollowsThem_AreAllEvaluatedWell()
    {
        await world.Alerts.AlertAsync(PrometheusWorld.ScrapedAlert);
        var groups = (await world.AskAsync("api/v1/rules")).GetProperty("groups").EnumerateArray().Single(static group => group.GetProperty("name").GetString() == "fairlead");
        var rules = groups.GetProperty("rules").EnumerateArray().ToArray();
        Assert.Equal(AlertName().Count(await File.ReadAllTextAsync(RepositoryPaths.Source(Rules))), rules.Length);
        Assert.All(rules, static rule => Assert.Equal(("ok", ""), (rule.GetProperty("health").GetString(), rule.TryGetProperty("lastError", out var error) ? error.GetString() : "")));
    }

    [PrometheusFact]
    public async Task Alert_WhenAServerCrashes_Fires()
    {
        // An increase needs the number before.
        await world.Alerts.AlertAsync(PrometheusWorld.ScrapedAlert);
        await world.CallAsync("dies", "die", "{}");
        var alert = await world.Alerts.AlertAsync("FairleadServerRestarted");
        Assert.Equal("dies", alert.GetProperty("labels").GetProperty("server_id").GetString());
        Assert.Equal("The MCP server dies was restarted after a failure.", alert.GetProperty("annotations").GetProperty("summary").GetString());
        var lost = (await world.AskAsync("api/v1/query?query=" + Uri.EscapeDataString("mcp_requests_total{server_id=\"dies\",status=\"server_lost\"}"))).GetProperty("result");
        Assert.Equal("1", lost[0].GetProperty("value")[1].GetString());
    }

    [PrometheusFact]
    public async Task Dashboard_WhenPrometheusRunsItsQueries_KnowsThemAndTheirMetrics()
    {
        await world.Alerts.AlertAsync(PrometheusWorld.ScrapedAlert);
        using var dashboard = JsonDocument.Parse(await File.ReadAllTextAsync(RepositoryPaths.Source("deploy/grafana/fairlead.json")));
        var queries = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .SelectMany(static panel => panel.GetProperty("targets").EnumerateArray()).Select(static target => target.GetProperty("expr").GetString()!).ToList();
        Assert.True(queries.Count > 20, "The dashboard has few queries.");
        var families = Family().Matches(await world.PageAsync()).Select(static match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        foreach (var query in queries)
        {
            var names = MetricName().Matches(query).Select(static match => Part().Replace(match.Value, "")).ToArray();
            Assert.NotEmpty(names);
            Assert.All(names, name => Assert.True(families.Contains(name), $"{query}: /metrics has no {name}"));
            var runnable = query.Replace("$__rate_interval", "1m", StringComparison.Ordinal).Replace("$server", ".*", StringComparison.Ordinal);
            Assert.Equal("vector", (await world.AskAsync("api/v1/query?query=" + Uri.EscapeDataString(runnable))).GetProperty("resultType").GetString());
        }
    }

    [PrometheusFact]
    public async Task RuleExpressions_WhenComparedWithThePage_NameOnlyItsMetrics()
    {
        var families = Family().Matches(await world.PageAsync()).Select(static match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        var expressions = Expression().Matches(await File.ReadAllTextAsync(RepositoryPaths.Source(Rules))).Select(static match => match.Groups[1].Value).ToArray();
        Assert.NotEmpty(expressions);
        Assert.All(expressions.SelectMany(static expression => MetricName().Matches(expression)), match => Assert.Contains(Part().Replace(match.Value, ""), families));
    }

    [GeneratedRegex(@"^\s*- alert: (\w+)$", RegexOptions.Multiline)]
    private static partial Regex AlertName();

    [GeneratedRegex(@"^\s*expr: (.+)$", RegexOptions.Multiline)]
    private static partial Regex Expression();

    [GeneratedRegex(@"^# TYPE (\w+) ", RegexOptions.Multiline)]
    private static partial Regex Family();

    [GeneratedRegex(@"\b(?:mcp|fairlead|process|dotnet)_\w+(?=[\[{) ]|$)(?<!mcp_method_name)")]
    private static partial Regex MetricName();

    [GeneratedRegex("_(?:bucket|count|sum)$")]
    private static partial Regex Part();
}
