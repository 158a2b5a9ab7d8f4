using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Running;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Telemetry;

/// <summary>Traces and metrics of a real <c>fairlead up</c> at a real receiver.</summary>
public sealed class OtlpTests
{
    // A server of its own kind: it answers every call with the _meta that it was sent.
    private const string Mirror = """
        require('readline').createInterface({ input: process.stdin }).on('line', line => {
          const request = JSON.parse(line);
          const results = {
            initialize: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'mirror', version: '1' } },
            'tools/list': { tools: [{ name: 'mirror', inputSchema: { type: 'object' } }] },
            'tools/call': { content: [{ type: 'text', text: JSON.stringify(request.params?._meta ?? {}) }] },
          };
          if (request.id !== undefined) {
            const result = results[request.method];
            console.log(JSON.stringify({ jsonrpc: '2.0', id: request.id, ...(result ? { result } : { error: { code: -32601, message: 'no' } }) }));
          }
        });
        """;

    [Fact]
    public async Task Call_WithAClientsTrace_ArrivesAsATreeAndGoesOnToTheServer()
    {
        await using var receiver = new OtlpReceiver(LoopbackListener.FreePort());
        var (trace, client) = (ActivityTraceId.CreateRandom().ToHexString(), ActivitySpanId.CreateRandom().ToHexString());
        string seen;
        await using (var gateway = await GatewayProcess.StartAsync(new JsonObject
        {
            ["telemetry"] = new JsonObject { ["otlp"] = receiver.Url },
            ["servers"] = new JsonObject { ["mirror"] = GatewayProcess.Stdio(RepositoryPaths.Node, "-e", Mirror) },
        }))
        {
            seen = await CallAsync(gateway, $"00-{trace}-{client}-01");
            Assert.Equal(0, await gateway.StopAsync());
        }

        // The end of the process has sent all that was left.
        var spans = receiver.Spans.Where(span => span.TraceId == trace).ToArray();
        Assert.Equal(["exchange", "guard", "tools/call mirror", "tools/call mirror"], spans.Select(static span => span.Name).Order(StringComparer.Ordinal));
        var front = spans.Single(static span => span.Kind == 2);
        var attempt = spans.Single(static span => span.Kind == 3);
        Assert.Equal((client, "tools/call mirror", 0L), (front.ParentSpanId, front.Name, front.Status));
        Assert.Equal((spans.Single(static span => span.Name == "exchange").SpanId, "tools/call mirror", 0L), (attempt.ParentSpanId, attempt.Name, attempt.Status));
        Assert.Equal(("tools/call", "mirror", "mirror", "pipe"), (attempt.Attributes["mcp.method.name"], attempt.Attributes["gen_ai.tool.name"], attempt.Attributes["fairlead.server_id"], attempt.Attributes["network.transport"]));
        Assert.Equal($"00-{trace}-{attempt.SpanId}-01", seen);

        string[] metrics = ["mcp.client.operation.duration", "mcp.server.operation.duration", "mcp_requests", "mcp_server_state", "mcp_error_rate", "fairlead_sessions", "process_cpu_seconds"];
        Assert.Empty(metrics.Except(receiver.Metrics));
        Assert.All(receiver.Paths, static path => Assert.True(path is "POST /v1/traces application/x-protobuf" or "POST /v1/metrics application/x-protobuf", path));
    }

    [Fact]
    public async Task Call_WithoutOtlp_GoesAsItCameAndLoadsNoLibraryForIt()
    {
        await using var gateway = await GatewayProcess.StartAsync("mirror", GatewayProcess.Stdio(RepositoryPaths.Node, "-e", Mirror));
        var parent = $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-01";
        Assert.Equal(parent, await CallAsync(gateway, parent));
        var mapped = await File.ReadAllTextAsync($"/proc/{gateway.Id}/maps");
        Assert.Contains("Fairlead.AspNetCore.dll", mapped, StringComparison.Ordinal);
        Assert.DoesNotContain("OpenTelemetry", mapped, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, null)]
    [InlineData(null, "http://collector:4318", "http://collector:4318/")]
    [InlineData("http://mine:4318", "http://collector:4318", "http://mine:4318/")]
    [InlineData(null, "no address", null)]
    public void Endpoint_OfConfigurationAndVariable_IsTheConfigurations(string? configured, string? variable, string? expected)
    {
        var options = new FairleadOptions();
        options.Telemetry.Otlp = configured is null ? null : new Uri(configured);
        Assert.Equal(expected, OtlpExport.EndpointOf(options, name => name == "OTEL_EXPORTER_OTLP_ENDPOINT" ? variable : null)?.ToString());
    }

    /// <summary>Calls the mirror.</summary>
    /// <returns>The traceparent that it was sent.</returns>
    private static async Task<string> CallAsync(GatewayProcess gateway, string parent)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null });
        using var request = new HttpRequestMessage(HttpMethod.Post, gateway.Identity("mirror"));
        request.Content = new StringContent(
            $$$$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mirror","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"traceparent":"{{{{parent}}}}"}}}""",
            Encoding.UTF8, "application/json");
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", "2026-07-28");
        request.Headers.TryAddWithoutValidation("Mcp-Method", "tools/call");
        request.Headers.TryAddWithoutValidation("Mcp-Name", "mirror");
        using var response = await Guard.WithinAsync(http.SendAsync(request), "the mirror to answer");
        var body = await response.Content.ReadAsStringAsync();
        using var answer = JsonDocument.Parse(body[body.IndexOf('{', StringComparison.Ordinal)..]);
        Assert.True(answer.RootElement.TryGetProperty("result", out var result), body);
        using var meta = JsonDocument.Parse(result.GetProperty("content")[0].GetProperty("text").GetString()!);
        return meta.RootElement.GetProperty("traceparent").GetString()!;
    }
}
