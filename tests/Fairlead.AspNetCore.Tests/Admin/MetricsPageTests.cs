using System.IO.Compression;
using System.Net;
using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>What <c>/metrics</c> tells, and in which form.</summary>
public sealed class MetricsPageTests
{
    [Fact]
    public async Task Page_AfterCalls_CountsThemByServerMethodAndStatus()
    {
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = [Echo.Server("echo"), new ServerConfig { Name = "off", Command = "x", Disabled = true }] });
        for (var i = 0; i < 3; i++)
        {
            var (_, body, _) = await host.ModernAsync("/mcp", "tools/call", "\"name\":\"echo__echo\",\"arguments\":{\"message\":\"hi\"}", "echo__echo");
            Assert.Contains("\"result\"", body, StringComparison.Ordinal);
        }

        await host.ModernAsync("/mcp", "tools/list", "");
        var samples = Samples(await PageAsync(host));
        Assert.Equal("3", samples["mcp_requests_total{server_id=\"echo\",method=\"tools/call\",status=\"ok\"}"]);
        Assert.Equal("3", samples["mcp_response_time_seconds_count{server_id=\"echo\",method=\"tools/call\"}"]);
        Assert.Equal("3", samples["mcp_response_time_seconds_bucket{server_id=\"echo\",method=\"tools/call\",le=\"+Inf\"}"]);
        Assert.Equal("3", samples["mcp_client_operation_duration_seconds_count{server_id=\"echo\",mcp_method_name=\"tools/call\",network_transport=\"pipe\"}"]);
        Assert.Equal("3", samples["mcp_server_operation_duration_seconds_count{mcp_method_name=\"tools/call\",network_transport=\"tcp\"}"]);
        Assert.Equal("1", samples["mcp_server_operation_duration_seconds_count{mcp_method_name=\"tools/list\",network_transport=\"tcp\"}"]);
        Assert.Equal("1", samples["mcp_server_state{server_id=\"echo\",state=\"Healthy\"}"]);
        Assert.Equal("0", samples["mcp_server_state{server_id=\"echo\",state=\"Unhealthy\"}"]);
        Assert.Equal("1", samples["mcp_server_state{server_id=\"off\",state=\"Disabled\"}"]);
        Assert.Equal("0", samples["mcp_active_connections{server_id=\"echo\"}"]);
        Assert.Equal("1", samples["mcp_connection_pool_size{server_id=\"echo\",state=\"idle\"}"]);
        Assert.Equal("0", samples["mcp_connection_pool_size{server_id=\"off\",state=\"missing\"}"]);
        Assert.Equal("0", samples["mcp_circuit_breaker_state{server_id=\"echo\"}"]);
        Assert.Equal("0", samples["mcp_error_rate{server_id=\"echo\"}"]);
        Assert.DoesNotContain("mcp_server_availability{server_id=\"off\"}", samples.Keys);
        Assert.InRange(double.Parse(samples["mcp_server_availability{server_id=\"echo\"}"], System.Globalization.CultureInfo.InvariantCulture), 0, 1);
    }

    [Fact]
    public async Task Page_WhenCallsAreRefusedOrFail_CountsEachUnderItsOwnStatus()
    {
        var limited = Echo.Server("limited");
        limited.RateLimit.Server = new RateOptions { Calls = 1, PerMs = 3_600_000 };
        var dies = Echo.Misbehaving("dies", "die-mid-answer");
        dies.Retry.Attempts = 1;
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = [limited, dies] });
        for (var i = 0; i < 3; i++)
        {
            await host.ModernAsync("/mcp/limited", "tools/call", "\"name\":\"echo\",\"arguments\":{\"message\":\"hi\"}", "echo");
        }

        await host.ModernAsync("/mcp/dies", "tools/call", "\"name\":\"die\",\"arguments\":{}", "die");
        var samples = Samples(await PageAsync(host));
        Assert.Equal("1", samples["mcp_requests_total{server_id=\"limited\",method=\"tools/call\",status=\"ok\"}"]);
        Assert.Equal("2", samples["mcp_requests_total{server_id=\"limited\",method=\"tools/call\",status=\"rate_limited\"}"]);
        Assert.Equal("1", samples["mcp_response_time_seconds_count{server_id=\"limited\",method=\"tools/call\"}"]);
        Assert.Equal("1", samples["mcp_requests_total{server_id=\"dies\",method=\"tools/call\",status=\"server_lost\"}"]);
        Assert.Equal("1", samples["mcp_error_rate{server_id=\"dies\"}"]);
        Assert.Equal("0", samples["mcp_error_rate{server_id=\"limited\"}"]);

        var metrics = await host.Manager.GetMetricsAsync();
        Assert.Equal(1, metrics.Servers["dies"].ErrorRate);
        Assert.True(metrics.Servers["limited"] is { ErrorRate: 0, RequestsPerSecond: > 0, P50Us: > 0, P99Us: > 0, WindowSeconds: > 0 });
    }

    [Fact]
    public async Task Page_WhenAServerHasLeft_SaysNothingMoreOfIt()
    {
        await using var host = await RestHost.StartAsync();
        await host.Manager.ExecuteToolAsync("calc", RestHost.Tool);
        Assert.Contains("server_id=\"calc\"", await PageAsync(host), StringComparison.Ordinal);
        await Guard.WithinAsync(host.Manager.UndeployServerAsync("calc"), "the server to leave");
        var page = await PageAsync(host);
        Assert.DoesNotContain("server_id=\"calc\"", page, StringComparison.Ordinal);
        Assert.Contains("server_id=\"waits\"", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("text/plain", "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("application/openmetrics-text;q=0,text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "application/openmetrics-text; version=1.0.0; charset=utf-8")]
    public async Task Page_WhenAFormatIsAskedFor_HasThatForm(string? accept, string type)
    {
        await using var host = await RestHost.StartAsync();
        await host.Manager.ExecuteToolAsync("calc", RestHost.Tool);
        var response = await GetAsync(host, accept, null);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType!.ToString());
        var page = await response.Content.ReadAsStringAsync();
        var isOpen = type.StartsWith("application", StringComparison.Ordinal);
        Assert.Equal(isOpen, page.EndsWith("# EOF\n", StringComparison.Ordinal));
        Assert.Contains(isOpen ? "# TYPE mcp_requests counter\n" : "# TYPE mcp_requests_total counter\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_WhenGzipIsAskedFor_IsTheSameInLess()
    {
        await using var host = await RestHost.StartAsync();
        var plain = await (await GetAsync(host, null, "gzip;q=0")).Content.ReadAsByteArrayAsync();
        var response = await GetAsync(host, null, "gzip");
        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        var packed = await response.Content.ReadAsByteArrayAsync();
        Assert.True(packed.Length < plain.Length / 2);
        using var reader = new StreamReader(new GZipStream(new MemoryStream(packed), CompressionMode.Decompress), Encoding.UTF8);
        Assert.Equal(Samples(Encoding.UTF8.GetString(plain)).Keys, Samples(await reader.ReadToEndAsync()).Keys);
    }

    private static async Task<string> PageAsync(FrontHost host) => await (await GetAsync(host, null, null)).Content.ReadAsStringAsync();

    private static Task<HttpResponseMessage> GetAsync(FrontHost host, string? accept, string? encoding)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        if (encoding is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept-Encoding", encoding);
        }

        return Guard.WithinAsync(host.Http.SendAsync(request), "/metrics");
    }

    /// <summary>The samples of a page by name and labels; each must occur once.</summary>
    private static Dictionary<string, string> Samples(string page) => page.Split('\n')
        .Where(static line => line.Length != 0 && line[0] != '#').ToDictionary(static line => line[..line.LastIndexOf(' ')], static line => line[(line.LastIndexOf(' ') + 1)..], StringComparer.Ordinal);
}
