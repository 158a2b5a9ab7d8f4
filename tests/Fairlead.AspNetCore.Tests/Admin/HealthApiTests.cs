using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Health over HTTP as docs/rest.md describes it, over a real Kestrel.</summary>
public sealed class HealthApiTests : IAsyncLifetime
{
    private const string Calc = "/api/v1/servers/calc/health";

    private static readonly TimeSpan s_interval = TimeSpan.FromHours(1);

    private readonly FakeTimeProvider _clock = new();
    private volatile string? _reason;
    private FrontHost _host = null!;

    public async Task InitializeAsync() => _host = await RestHost.StartAsync(
        static options => options.Servers[0].HealthCheck = new HealthCheckOptions { Kind = HealthCheckKind.None, IntervalMs = (int)s_interval.TotalMilliseconds, UnhealthyAfter = 1 },
        manager => manager.AddHealthCheck("calc", _ => Task.FromResult(_reason)), _clock);

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    private Task<TimeSpan> WhenJudgedAsync() => _clock.WhenTimerDueBetweenAsync(s_interval / 3, s_interval);

    private async Task CheckAsync()
    {
        _clock.Advance(await WhenJudgedAsync());
        await WhenJudgedAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("?depth=live")]
    [InlineData("?depth=started")]
    [InlineData("?depth=ready")]
    [InlineData("?depth=deep")]
    [InlineData("?depth=history")]
    public async Task Health_WhenTheServerIsWell_Answers200WithTheModel(string query)
    {
        var (status, body, _) = await RestHost.SendAsync(_host, HttpMethod.Get, Calc + query);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.True(body.GetProperty("isHealthy").GetBoolean());
        Assert.Equal(("calc", "Healthy", "none"), (body.GetProperty("id").GetString(), body.GetProperty("state").GetString(), body.GetProperty("check").GetString()));
        Assert.Equal(query == "?depth=history", body.TryGetProperty("checks", out _));
        Assert.Equal(query == "?depth=deep", body.TryGetProperty("responseTimeMs", out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?depth=live")]
    [InlineData("?depth=started")]
    [InlineData("?depth=deep")]
    [InlineData("?depth=history")]
    public async Task Health_WhenTheServerWaitsForAVariable_Answers503WithTheReason(string query)
    {
        var (status, body, _) = await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers/waits/health" + query);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.False(body.GetProperty("isHealthy").GetBoolean());
        Assert.Equal("MissingAuth", body.GetProperty("state").GetString());
        Assert.Contains("SOME_KEY", body.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_WhenChecksFailAndSucceed_ShowsThemWithAvailability()
    {
        await CheckAsync();
        _reason = "the licence has run out";
        await CheckAsync();

        var (status, body, _) = await RestHost.SendAsync(_host, HttpMethod.Get, Calc + "?depth=history");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal("Unhealthy", body.GetProperty("state").GetString());
        Assert.Equal("its health check failed: the licence has run out", body.GetProperty("reason").GetString());
        Assert.Equal(_clock.GetUtcNow() + s_interval, body.GetProperty("nextRetry").GetDateTimeOffset());
        Assert.Equal(0.5, body.GetProperty("availability").GetDouble());
        Assert.Equal((1, 0), (body.GetProperty("failuresInARow").GetInt32(), body.GetProperty("successesInARow").GetInt32()));
        Assert.Equal([true, false], body.GetProperty("checks").EnumerateArray().Select(static check => check.GetProperty("isHealthy").GetBoolean()));
        Assert.Equal("custom", body.GetProperty("lastCheck").GetProperty("kind").GetString());
        Assert.Equal("the licence has run out", body.GetProperty("lastCheck").GetProperty("reason").GetString());

        // It is there and stands, but takes no calls.
        Assert.Equal(HttpStatusCode.OK, (await RestHost.SendAsync(_host, HttpMethod.Get, Calc + "?depth=started")).Status);
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/calc/tools/say/call", "{}"), HttpStatusCode.BadGateway, "ConnectionFailed");
    }

    [Fact]
    public async Task List_WhenServersDiffer_ShowsAllWithout503()
    {
        var (status, body, _) = await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/health");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(
            [("calc", true), ("waits", false)],
            body.GetProperty("servers").EnumerateArray().Select(static server => (server.GetProperty("id").GetString()!, server.GetProperty("isHealthy").GetBoolean())));
    }

    [Fact]
    public async Task Health_WhenTheDepthIsUnknown_NamesTheRightOnes()
    {
        var answer = await RestHost.SendAsync(_host, HttpMethod.Get, Calc + "?depth=abyss");
        RestHost.AssertProblem(answer, HttpStatusCode.BadRequest, "InvalidRequest");
        Assert.Contains("live, started, ready, deep or history", answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_WhenTheServerIsUnknown_Answers404() =>
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers/nobody/health"), HttpStatusCode.NotFound, "ServerNotFound");

    [Theory]
    [InlineData("/health/live", "live")]
    [InlineData("/health/ready", "ready")]
    [InlineData("/health/startup", "started")]
    public async Task Probe_WhenServersFail_TheGatewayIsWell(string path, string member)
    {
        _reason = "the licence has run out";
        await CheckAsync();
        var (status, body, _) = await RestHost.SendAsync(_host, HttpMethod.Get, path);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.True(body.GetProperty(member).GetBoolean());
        Assert.Equal(JsonValueKind.Undefined, (await RestHost.SendAsync(_host, HttpMethod.Head, path)).Body.ValueKind);
    }

    [Fact]
    public async Task Probe_WhenTheManagerStops_IsLiveAndNotReady()
    {
        await Guard.WithinAsync(_host.Manager.ShutdownAsync(TimeSpan.Zero), "the stop");
        Assert.Equal(HttpStatusCode.OK, (await RestHost.SendAsync(_host, HttpMethod.Get, "/health/live")).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await RestHost.SendAsync(_host, HttpMethod.Get, "/health/ready")).Status);
    }
}
