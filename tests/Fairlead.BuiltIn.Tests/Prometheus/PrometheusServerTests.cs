using System.Globalization;
using Fairlead.TestKit;

namespace Fairlead.BuiltIn.Tests.Prometheus;

/// <summary>A real Prometheus that scrapes the test and alerts it, with one rule that fires and one that does not.</summary>
public sealed class PrometheusRun : IAsyncLifetime, IDisposable
{
    private readonly TempFolder _folder = new();
    private BackgroundProgram? _program;
    private ScrapeTarget? _target;

    /// <summary>Its address.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Completes when the rule that fires has fired: a scrape has been stored by then, for it is about what was scraped.</summary>
    public Task Alerted => _target!.Alerted;

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        if (Engines.Missing is not null)
        {
            return;
        }

        var address = "127.0.0.1:" + LoopbackListener.FreePort().ToString(CultureInfo.InvariantCulture);
        _folder.Write("rules.yml", """
            groups:
              - name: test
                interval: 200ms
                rules:
                  - { alert: Never, expr: "vector(0) > 1" }
                  - { alert: Always, expr: "last_over_time(answer[5m]) == 42", labels: { severity: page } }
            """);
        var targetPort = LoopbackListener.FreePort();
        _target = new ScrapeTarget(targetPort);
        var config = _folder.Write("prometheus.yml", $$"""
            global: { scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms }
            rule_files: [rules.yml]
            scrape_configs:
              - job_name: self
                static_configs: [{ targets: ["127.0.0.1:{{targetPort}}"] }]
            alerting:
              alertmanagers:
                - static_configs: [{ targets: ["127.0.0.1:{{targetPort}}"] }]
            """);
        Url = $"http://{address}";
        _program = await BackgroundProgram.StartAsync(
            Engines.At("usr/bin/prometheus"),
            [$"--config.file={config}", $"--storage.tsdb.path={_folder.At("data")}", $"--web.listen-address={address}", "--rules.alert.resend-delay=200ms"],
            new Dictionary<string, string>(), "Server is ready to receive web requests");
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_program is not null)
        {
            await _program.DisposeAsync();
            await _target!.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}

public sealed class PrometheusServerTests(PrometheusRun prometheus) : IClassFixture<PrometheusRun>
{
    private Task<ToolClient> ConnectAsync() => ToolClient.ConnectAsync("prometheus", Path.GetTempPath(), ("PROMETHEUS_URL", prometheus.Url));

    [PrometheusFact]
    public async Task Check_WhenPrometheusAnswers_NamesItsVersion()
    {
        var report = await ToolClient.Make("prometheus", "/", TimeProvider.System, ("PROMETHEUS_URL", prometheus.Url)).CheckAsync(CancellationToken.None);
        Assert.Equal(BackendState.Ready, report.State);
        Assert.Contains("Prometheus 2.", report.Text, StringComparison.Ordinal);
    }

    [PrometheusFact]
    public async Task Queries_WhenPrometheusHasScraped_GiveItsSeries()
    {
        await using var client = await ConnectAsync();
        await Guard.WithinAsync(prometheus.Alerted, "the alert about what was scraped");
        var up = (await client.CallAsync("prometheus_query", new { query = "last_over_time(answer[5m])" })).Good();
        Assert.Equal("42", up.GetProperty("data").GetProperty("result")[0].GetProperty("value")[1].GetString());

        var now = DateTimeOffset.FromUnixTimeSeconds((long)up.GetProperty("data").GetProperty("result")[0].GetProperty("value")[0].GetDouble());
        var range = (await client.CallAsync("prometheus_query_range", new { query = "vector(7)", start = now.AddMinutes(-1).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), end = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) })).Good();
        Assert.Equal(5, range.GetProperty("data").GetProperty("result")[0].GetProperty("values").GetArrayLength());
        Assert.Equal("self", (await client.CallAsync("prometheus_series", new { match = new[] { "up" } })).Good().GetProperty("data")[0].GetProperty("job").GetString());
        Assert.Contains("job", (await client.CallAsync("prometheus_labels")).Good().GetProperty("data").EnumerateArray().Select(static label => label.GetString()));
        Assert.Equal(["self"], (await client.CallAsync("prometheus_labels", new { label = "job" })).Good().GetProperty("data").EnumerateArray().Select(static value => value.GetString()));
        Assert.Equal(1, (await client.CallAsync("prometheus_targets")).Good().GetProperty("data").GetProperty("activeTargets").GetArrayLength());
        Assert.True((await client.CallAsync("prometheus_metadata")).Good().GetProperty("data").TryGetProperty("answer", out _));
    }

    [PrometheusFact]
    public async Task Alerts_WhenARuleFires_AreListedByState()
    {
        await using var client = await ConnectAsync();
        await Guard.WithinAsync(prometheus.Alerted, "the alert");
        var firing = (await client.CallAsync("prometheus_alerts", new { state = "firing" })).Good().GetProperty("data").GetProperty("alerts");
        Assert.Equal("Always", Assert.Single(firing.EnumerateArray()).GetProperty("labels").GetProperty("alertname").GetString());
        var inactive = (await client.CallAsync("prometheus_alerts", new { state = "inactive" })).Good().GetProperty("data").GetProperty("alerts");
        Assert.Equal("Never", Assert.Single(inactive.EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal(1, (await client.CallAsync("prometheus_alerts")).Good().GetProperty("data").GetProperty("alerts").GetArrayLength());
        Assert.Contains("Never", (await client.CallAsync("prometheus_rules")).Text, StringComparison.Ordinal);
    }

    [PrometheusFact]
    public async Task Query_WhenPrometheusRefusesIt_SaysWhatPrometheusSays()
    {
        await using var client = await ConnectAsync();
        Assert.Contains("parse error", (await client.CallAsync("prometheus_query", new { query = "sum(" })).Bad(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("prometheus_query", """{"query":""}""", "1 to 1000 characters")]
    [InlineData("prometheus_query", """{"query":"up","time":"yesterday"}""", "no time")]
    [InlineData("prometheus_query_range", """{"query":"up","start":"1","end":"2","step":"fast"}""", "no distance")]
    [InlineData("prometheus_series", """{"match":[]}""", "1 to 50")]
    [InlineData("prometheus_labels", """{"label":"../admin"}""", "no name of a label")]
    [InlineData("prometheus_targets", """{"state":"all"}""", "active, dropped, any")]
    [InlineData("prometheus_alerts", """{"state":"loud"}""", "firing, pending, inactive")]
    public async Task Tool_WhenItsInputIsBad_SaysWhatWouldBeRight(string tool, string arguments, string expected)
    {
        await using var client = await ToolClient.ConnectAsync("prometheus", "/", ("PROMETHEUS_URL", "http://127.0.0.1:9"));
        Assert.Contains(expected, (await client.CallAsync(tool, System.Text.Json.JsonElement.Parse(arguments))).Bad(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Query_WhenItIsTooLong_IsRefused()
    {
        await using var client = await ToolClient.ConnectAsync("prometheus", "/", ("PROMETHEUS_URL", "http://127.0.0.1:9"));
        Assert.Contains("1001", (await client.CallAsync("prometheus_query", new { query = new string('a', 1001) })).Bad(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_WhenItIsCalledTooOften_WaitsForTheMinuteWhileOthersGoOn()
    {
        var clock = new FakeTimeProvider();
        await using var client = await ToolClient.ConnectAsync(ToolClient.Make("prometheus", "/", clock, ("PROMETHEUS_URL", "http://127.0.0.1:9")));
        for (var i = 0; i < 100; i++)
        {
            Assert.Contains("No Prometheus answers", (await client.CallAsync("prometheus_rules")).Bad(), StringComparison.Ordinal);
        }

        Assert.Contains("try again in 60 s", (await client.CallAsync("prometheus_rules")).Bad(), StringComparison.Ordinal);
        Assert.Contains("No Prometheus answers", (await client.CallAsync("prometheus_metadata")).Bad(), StringComparison.Ordinal);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Contains("No Prometheus answers", (await client.CallAsync("prometheus_rules")).Bad(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_WhenNobodyListens_SaysWhereItLookedAndHowToMendIt()
    {
        var report = await ToolClient.Make("prometheus", "/", TimeProvider.System, ("PROMETHEUS_URL", "http://127.0.0.1:9")).CheckAsync(CancellationToken.None);
        Assert.Equal(BackendState.Unreachable, report.State);
        Assert.Contains("http://127.0.0.1:9", report.Text, StringComparison.Ordinal);
        Assert.Contains("PROMETHEUS_URL", report.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:9090")]
    [InlineData("ftp://localhost")]
    [InlineData("http://user:pass@localhost")]
    public void Create_WhenTheAddressIsNone_NamesTheVariableAndNoSecret(string url)
    {
        var message = Assert.Throws<ArgumentException>(() => ToolClient.Make("prometheus", "/", TimeProvider.System, ("PROMETHEUS_URL", url))).Message;
        Assert.Contains("PROMETHEUS_URL", message, StringComparison.Ordinal);
        Assert.DoesNotContain("pass@", message, StringComparison.Ordinal);
    }
}
