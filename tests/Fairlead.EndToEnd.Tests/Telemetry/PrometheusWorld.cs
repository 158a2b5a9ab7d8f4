using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.BuiltIn.Tests;
using Fairlead.EndToEnd.Tests.Cli;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Telemetry;

/// <summary>A real Fairlead with the servers <c>echo</c> and <c>dies</c>, and a real Prometheus that scrapes it and follows the shipped rules.</summary>
public sealed class PrometheusWorld : IAsyncLifetime, IDisposable
{
    /// <summary>An alert of the tests' own: everything that the first scrapes told has been stored and evaluated.</summary>
    public const string ScrapedAlert = "Scraped";

    private readonly TempFolder _folder = new();
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private GatewayProcess? _gateway;
    private ChildProcess? _prometheus;
    private Uri? _url;

    /// <summary>What Prometheus alerts of.</summary>
    internal AlertReceiver Alerts { get; private set; } = null!;

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        if (Engines.Missing is not null)
        {
            return;
        }

        _gateway = await GatewayProcess.StartAsync(new JsonObject
        {
            ["servers"] = new JsonObject
            {
                ["echo"] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll")),
                ["dies"] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Misbehave", "misbehave-server.dll"), "die-mid-answer"),
            },
        });
        await CallAsync("echo", "echo", """{"message":"hi"}""");
        await CallAsync("dies", "hello", "{}");
        await ListAsync();
        var alertPort = LoopbackListener.FreePort();
        Alerts = new AlertReceiver(alertPort);
        _folder.Write("scraped.yml", $$"""
            groups:
              - name: tests
                interval: 200ms
                rules:
                  - { alert: {{ScrapedAlert}}, expr: 'count_over_time(mcp_requests_total{server_id="dies"}[1m]) > 1' }
            """);
        File.Copy(RepositoryPaths.Source("deploy/prometheus/fairlead.rules.yml"), _folder.At("fairlead.rules.yml"));
        var config = _folder.Write("prometheus.yml", $$"""
            global: { scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms }
            rule_files: [scraped.yml, fairlead.rules.yml]
            scrape_configs:
              - job_name: fairlead
                static_configs: [{ targets: ["{{_gateway.Url.Authority}}"] }]
            alerting:
              alertmanagers:
                - static_configs: [{ targets: ["127.0.0.1:{{alertPort}}"] }]
            """);
        _url = new Uri($"http://127.0.0.1:{LoopbackListener.FreePort()}/");
        _prometheus = ChildProcess.Start(
            Engines.At("usr/bin/prometheus"),
            [$"--config.file={config}", $"--storage.tsdb.path={_folder.At("data")}", $"--web.listen-address={_url.Authority}", "--rules.alert.resend-delay=200ms"]);
        await _prometheus.ErrorLineAsync(static line => line.Contains("Server is ready to receive web requests", StringComparison.Ordinal), "that Prometheus is ready");
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_prometheus is not null)
        {
            await _prometheus.DisposeAsync();
            await Alerts.DisposeAsync();
        }

        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    /// <summary>The page of the moment.</summary>
    internal Task<string> PageAsync() => Guard.WithinAsync(_http.GetStringAsync(new Uri(_gateway!.Url, "metrics")), "/metrics");

    /// <summary>Asks Prometheus.</summary>
    internal async Task<JsonElement> AskAsync(string path)
    {
        var response = await Guard.WithinAsync(_http.GetAsync(new Uri(_url!, path)), "Prometheus to answer " + path);
        var text = await response.Content.ReadAsStringAsync();
        using var document = JsonDocument.Parse(text);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {text}");
        return document.RootElement.GetProperty("data").Clone();
    }

    /// <summary>Calls a tool; whatever comes of it.</summary>
    internal Task CallAsync(string server, string tool, string arguments) => PostAsync("mcp/" + server, "tools/call", tool, $"\"name\":\"{tool}\",\"arguments\":{arguments},");

    /// <summary>Runs promtool.</summary>
    internal static async Task<(int ExitCode, string Output)> PromtoolAsync(IEnumerable<string> arguments, string? input = null)
    {
        await using var process = ChildProcess.StartWithInput(Engines.At("usr/bin/promtool"), arguments);
        if (input is not null)
        {
            await process.WriteLineAsync(input.TrimEnd('\n'));
        }

        process.CloseInput();
        return (await Guard.WithinAsync(process.Exit, "promtool " + string.Join(' ', arguments)), process.Output);
    }

    private Task ListAsync() => PostAsync("mcp", "tools/list", null, "");

    private async Task PostAsync(string path, string method, string? name, string members)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_gateway!.Url, path));
        request.Content = new StringContent(
            $"{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{{members}\"_meta\":{{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{{}}}}}}}}",
            Encoding.UTF8, "application/json");
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", "2026-07-28");
        request.Headers.TryAddWithoutValidation("Mcp-Method", method);
        if (name is not null)
        {
            request.Headers.TryAddWithoutValidation("Mcp-Name", name);
        }

        using var response = await Guard.WithinAsync(_http.SendAsync(request), $"{method} at {path}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }
}
