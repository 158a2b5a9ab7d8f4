using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>The spans of a call in all four cells, and the context that goes on to the server.</summary>
public sealed class TracingTests : IAsyncLifetime, IDisposable
{
    private const string Tool = """ "tools":[{"name":"t","inputSchema":{"type":"object"}},{"name":"bad","inputSchema":{"type":"object"}}] """;

    private readonly SampledTrace _sampled = new();
    private ScriptedFleet _fleet = null!;

    private ActivityTraceId Trace => _sampled.Id;

    private ActivitySpanId Client => _sampled.Client;

    private ConcurrentQueue<Activity> Ended => _sampled.Ended;

    private string Parent => _sampled.Parent;

    public async Task InitializeAsync() => _fleet = await ScriptedFleet.StartAsync(
        ("legacy", static server => server.SpeaksLegacy("""{"tools":{}}""").On("tools/list", "\"result\":{" + Tool + "}").On("tools/call", Answer)),
        ("modern", static server => server.SpeaksModern("""{"tools":{}}""").On("tools/list", "\"result\":{\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"," + Tool + "}").On("tools/call", Answer)));

    public Task DisposeAsync() => _fleet.DisposeAsync().AsTask();

    public void Dispose() => _sampled.Dispose();

    [Theory]
    [InlineData("modern", true)]
    [InlineData("legacy", true)]
    [InlineData("modern", false)]
    [InlineData("legacy", false)]
    public async Task Call_WhenItsMetaHasAContext_IsATreeThatTheServerContinues(string server, bool isModernClient)
    {
        var meta = $"\"traceparent\":\"{Parent}\",\"tracestate\":\"a=b\",\"mine\":1.0";
        if (isModernClient)
        {
            await _fleet.ModernAsync("/mcp/" + server, "tools/call", "\"name\":\"t\"", "t", meta);
        }
        else
        {
            var session = await _fleet.Host.InitializeAsync("/mcp/" + server);
            await _fleet.LegacyAsync("/mcp/" + server, session, "tools/call", "{\"name\":\"t\",\"_meta\":{" + meta + "}}");
        }

        var (front, attempt) = Tree();
        Assert.Equal((Client, "tools/call t", ActivityKind.Server, ActivityStatusCode.Unset), (front.ParentSpanId, front.DisplayName, front.Kind, front.Status));
        Assert.Equal(("tools/call t", ActivityKind.Client, ActivityStatusCode.Unset), (attempt.DisplayName, attempt.Kind, attempt.Status));
        Assert.Equal(("tools/call", "t", "execute_tool", server), (front.GetTagItem("mcp.method.name"), front.GetTagItem("gen_ai.tool.name"), front.GetTagItem("gen_ai.operation.name"), front.GetTagItem("fairlead.server_id")));
        Assert.Equal(isModernClient ? "2026-07-28" : "2025-11-25", front.GetTagItem("mcp.protocol.version"));
        Assert.Equal(server == "modern" ? "2026-07-28" : "2025-11-25", attempt.GetTagItem("mcp.protocol.version"));
        Assert.Equal(isModernClient, front.GetTagItem("mcp.session.id") is null);

        // In the place of the client's own; all else as it was.
        var sent = await MetaAsync(server);
        Assert.Equal($"00-{Trace}-{attempt.SpanId}-01", sent.GetProperty("traceparent").GetString());
        Assert.Equal("a=b", sent.GetProperty("tracestate").GetString());
        Assert.Equal("1.0", sent.GetProperty("mine").GetRawText());
    }

    [Theory]
    [InlineData("modern", true)]
    [InlineData("legacy", true)]
    [InlineData("modern", false)]
    [InlineData("legacy", false)]
    public async Task Call_WhenTheHeaderAloneHasAContext_IsContinuedInMeta(string server, bool isModernClient)
    {
        string[] headers = ["traceparent: " + Parent, "tracestate: c=d"];
        if (isModernClient)
        {
            await _fleet.Host.ModernAsync("/mcp/" + server, "tools/call", "\"name\":\"t\"", "t", headers: headers);
        }
        else
        {
            // No _meta at all.
            var session = await _fleet.Host.InitializeAsync("/mcp/" + server);
            await _fleet.Host.PostAsync("/mcp/" + server, """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}""", ["Mcp-Session-Id: " + session, .. headers]);
        }

        var (front, attempt) = Tree();
        Assert.Equal(Client, front.ParentSpanId);
        var sent = await MetaAsync(server);
        Assert.Equal($"00-{Trace}-{attempt.SpanId}-01", sent.GetProperty("traceparent").GetString());
        Assert.Equal("c=d", sent.GetProperty("tracestate").GetString());
        Assert.Equal(server == "modern", sent.TryGetProperty("io.modelcontextprotocol/protocolVersion", out _));
    }

    [Fact]
    public async Task Call_WhenBothHaveAContext_IsOfTheMessageAndLinkedWithTheRequest()
    {
        var other = ActivitySpanId.CreateRandom();
        await _fleet.Host.ModernAsync("/mcp/modern", "tools/call", "\"name\":\"t\"", "t", meta: $"\"traceparent\":\"{Parent}\"", headers: $"traceparent: 00-{Trace}-{other}-01");
        var (front, _) = Tree();
        Assert.Equal(Client, front.ParentSpanId);
        Assert.Equal(other, Assert.Single(front.Links).Context.SpanId);
    }

    [Fact]
    public async Task Call_WhenItFails_SaysSoInBothSpans()
    {
        await _fleet.ModernAsync("/mcp/legacy", "tools/call", "\"name\":\"bad\"", "bad", $"\"traceparent\":\"{Parent}\"");
        var (front, attempt) = Tree();
        Assert.Equal((ActivityStatusCode.Error, "-32000", "-32000"), (front.Status, front.GetTagItem("error.type"), front.GetTagItem("rpc.response.status_code")));
        Assert.Equal(ActivityStatusCode.Unset, attempt.Status);
    }

    [Fact]
    public async Task Call_WhenItIsRefused_HasAGuardThatSaysSoAndNoTry()
    {
        var limited = Echo.Server("limited");
        limited.RateLimit.Server = new RateOptions { Calls = 1, PerMs = 3_600_000 };
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = [limited] });
        await host.ModernAsync("/mcp/limited", "tools/call", "\"name\":\"echo\",\"arguments\":{\"message\":\"a\"}", "echo");
        await host.ModernAsync("/mcp/limited", "tools/call", "\"name\":\"echo\",\"arguments\":{\"message\":\"b\"}", "echo", meta: $"\"traceparent\":\"{Parent}\"");
        Assert.Equal(["guard", "exchange", "tools/call echo"], Ended.Select(static span => span.DisplayName));
        Assert.Equal("rate_limited", Ended.First().GetTagItem("error.type"));
        Assert.Equal("rate_limited", Ended.Last().GetTagItem("error.type"));
    }

    [Fact]
    public async Task Call_OfAToolThatNobodyHas_IsOneSpanWithTheError()
    {
        await _fleet.ModernAsync("/mcp/legacy", "tools/call", "\"name\":\"nobodys\"", "nobodys", $"\"traceparent\":\"{Parent}\"");
        var front = Assert.Single(Ended);
        Assert.Equal(("tools/call", "-32602"), (front.DisplayName, front.GetTagItem("error.type")));
    }

    [Fact]
    public async Task Call_WhenItsTraceIsNotSampled_LeavesEverythingAsItIs()
    {
        var foreign = $"00-{ActivityTraceId.CreateRandom()}-{Client}-01";
        await _fleet.ModernAsync("/mcp/legacy", "tools/call", "\"name\":\"t\"", "t", $"\"traceparent\":\"{foreign}\"");
        Assert.Empty(Ended);
        Assert.Equal(foreign, (await MetaAsync("legacy")).GetProperty("traceparent").GetString());
    }

    [Fact]
    public async Task Call_ToAServerOverHttp_CarriesTheContextInTheHeaderToo()
    {
        await using var upstream = await RawUpstream.StartAsync(static (_, context, request) => context.ResultAsync(request, "{\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"," + request.RpcMethod switch
        {
            "server/discover" => """ "supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}} """,
            "tools/list" => Tool + "}",
            _ => "\"content\":[]}",
        }));
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = [new ServerConfig { Name = "far", Url = upstream.Url }] });
        await host.ModernAsync("/mcp/far", "tools/call", "\"name\":\"t\"", "t", meta: $"\"traceparent\":\"{Parent}\"");
        var (_, attempt) = Tree();
        var sent = upstream.Requests.Last(static request => request.RpcMethod == "tools/call");
        Assert.Equal($"00-{Trace}-{attempt.SpanId}-01", sent.Headers.First(static header => header.Key.Equals("traceparent", StringComparison.OrdinalIgnoreCase)).Value);
        Assert.Contains($"\"traceparent\":\"00-{Trace}-{attempt.SpanId}-01\"", sent.Body, StringComparison.Ordinal);
        Assert.Equal("tcp", attempt.GetTagItem("network.transport"));
    }

    [Fact]
    public async Task Page_AfterATracedCall_NamesItAsAnExampleInOpenMetricsAlone()
    {
        await _fleet.ModernAsync("/mcp/modern", "tools/call", "\"name\":\"t\"", "t", $"\"traceparent\":\"{Parent}\"");
        Assert.DoesNotContain(Trace.ToHexString(), await PageAsync("text/plain"), StringComparison.Ordinal);
        var lines = (await PageAsync("application/openmetrics-text")).Split('\n').Where(line => line.Contains(Trace.ToHexString(), StringComparison.Ordinal)).ToArray();
        Assert.Contains(lines, static line => line.StartsWith("mcp_response_time_seconds_bucket{server_id=\"modern\",method=\"tools/call\",le=", StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Matches("^mcp_\\w+_bucket\\{.+\\} 1 # \\{trace_id=\"[0-9a-f]{32}\"\\} [0-9.E-]+ [0-9]+\\.[0-9]{3}$", line));
    }

    [Fact]
    public async Task Call_OfACallerInThisProcess_IsAChildOfItsOwnSpan()
    {
        using var own = new Activity("own").SetParentId(Trace, Client, ActivityTraceFlags.Recorded).Start();
        await _fleet.Host.Manager.ExecuteToolAsync("modern", "t");
        Assert.Same(own, Activity.Current);
        var attempt = Assert.Single(Ended);
        Assert.Equal((own.SpanId, "tools/call t", ActivityKind.Client), (attempt.ParentSpanId, attempt.DisplayName, attempt.Kind));
        Assert.Equal($"00-{Trace}-{attempt.SpanId}-01", (await MetaAsync("modern")).GetProperty("traceparent").GetString());
    }

    private static string Answer(ScriptedRequest request) => request.Text("name") == "bad"
        ? """ "error":{"code":-32000,"message":"no"} """ : """ "result":{"resultType":"complete","content":[]} """;

    /// <summary>The front and the try of a call that was sent once, with the exchange and its guard between them. All have ended before its answer was written.</summary>
    private (Activity Front, Activity Try) Tree()
    {
        Assert.Equal(4, Ended.Count);
        Assert.All(Ended, span => Assert.Equal(Trace, span.TraceId));
        var (front, attempt) = (Ended.Single(static span => span.Kind == ActivityKind.Server), Ended.Single(static span => span.Kind == ActivityKind.Client));
        var exchange = Ended.Single(static span => span.DisplayName == "exchange");
        var guard = Ended.Single(static span => span.DisplayName == "guard");
        Assert.Equal((front.SpanId, exchange.SpanId, exchange.SpanId), (exchange.ParentSpanId, guard.ParentSpanId, attempt.ParentSpanId));
        Assert.Equal(guard, Ended.First());
        return (front, attempt);
    }

    private async Task<JsonElement> MetaAsync(string server)
    {
        var call = (await _fleet.ServerAsync(server)).Received.Last(static request => request.Method == "tools/call");
        return JsonDocument.Parse(call.Params).RootElement.GetProperty("_meta");
    }

    private async Task<string> PageAsync(string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.TryAddWithoutValidation("Accept", accept);
        var response = await Guard.WithinAsync(_fleet.Host.Http.SendAsync(request), "/metrics");
        return await response.Content.ReadAsStringAsync();
    }
}
