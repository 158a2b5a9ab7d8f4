using System.Diagnostics;
using Fairlead.Configuration;
using Fairlead.AspNetCore.Tests.Admin;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>The spans of what Fairlead does by itself: requests that it answers without a server, and tools of this process.</summary>
public sealed class OwnSpansTests : IDisposable
{
    private readonly SampledTrace _sampled = new();

    public void Dispose() => _sampled.Dispose();

    [Fact]
    public async Task Request_OfAModernClient_IsASpanOfTheServerUnderTheClients()
    {
        await using var host = await FrontHost.StartAsync(new FairleadOptions());
        await host.ModernAsync("/mcp", "server/discover", "", meta: $"\"traceparent\":\"{_sampled.Parent}\"");
        await host.ModernAsync("/mcp", "tools/list", "", headers: "traceparent: " + _sampled.Parent);
        await host.ModernAsync("/mcp", "tools/list", "\"cursor\":\"nobodys\"", id: "\"seven\"", meta: $"\"traceparent\":\"{_sampled.Parent}\"");

        Assert.Equal(["server/discover", "tools/list", "tools/list"], _sampled.Ended.Select(static span => span.DisplayName));
        Assert.All(_sampled.Ended, span => Assert.Equal((ActivityKind.Server, _sampled.Client, "2026-07-28"), (span.Kind, span.ParentSpanId, span.GetTagItem("mcp.protocol.version"))));
        Assert.All(_sampled.Ended, static span => Assert.InRange(span.Duration, TimeSpan.Zero, TimeSpan.FromMinutes(1)));
        Assert.Equal(ActivityStatusCode.Unset, _sampled.Ended.First().Status);
        var failed = _sampled.Ended.Last();
        Assert.Equal((ActivityStatusCode.Error, "-32602", "seven"), (failed.Status, failed.GetTagItem("error.type"), failed.GetTagItem("jsonrpc.request.id")));
    }

    [Fact]
    public async Task Request_OfALegacySession_IsASpanWithTheDigestOfTheSession()
    {
        await using var host = await FrontHost.StartAsync(new FairleadOptions());
        var session = await host.InitializeAsync("/mcp");
        foreach (var (method, parameters) in new[]
        {
            ("ping", ""), ("prompts/list", ""), ("resources/subscribe", "\"uri\":\"no:where\","), ("resources/unsubscribe", "\"uri\":\"no:where\","),
            ("logging/setLevel", "\"level\":\"info\","), ("logging/setLevel", "\"level\":\"loud\","),
        })
        {
            await host.PostAsync("/mcp", $$"""{"jsonrpc":"2.0","id":1,"method":"{{method}}","params":{ {{parameters}} "_meta":{"traceparent":"{{_sampled.Parent}}"} } }""", "Mcp-Session-Id: " + session);
        }

        Assert.Equal(
            [("ping", null), ("prompts/list", null), ("resources/subscribe", "-32002"), ("resources/unsubscribe", null), ("logging/setLevel", null), ("logging/setLevel", "-32602")],
            _sampled.Ended.Select(static span => (span.DisplayName, span.GetTagItem("error.type") as string)));
        Assert.All(_sampled.Ended, static span => Assert.Equal("2025-11-25", span.GetTagItem("mcp.protocol.version")));
        var digest = Assert.IsType<string>(Assert.Single(_sampled.Ended.Select(static span => span.GetTagItem("mcp.session.id")).Distinct()));
        Assert.NotEqual(session, digest);
    }

    [Fact]
    public async Task Tool_OfThisProcess_WhenCalledInTheProcess_WorksUnderTheSpanOfItsCall()
    {
        await using var host = await HostWithToolAsync();
        using var own = new Activity("own").SetParentId(_sampled.Id, _sampled.Client, ActivityTraceFlags.Recorded).Start();
        var good = await host.Manager.ExecuteToolAsync("own", "who");
        Assert.Same(own, Activity.Current);
        var span = Assert.Single(_sampled.Ended);
        Assert.Equal((own.SpanId, "tools/call who", ActivityKind.Client, ActivityStatusCode.Unset), (span.ParentSpanId, span.DisplayName, span.Kind, span.Status));
        Assert.Contains(span.SpanId.ToHexString(), good.ToString(), StringComparison.Ordinal);

        await Assert.ThrowsAsync<ToolFailed>(() => host.Manager.ExecuteToolAsync("own", "fails").AsTask());
        Assert.Equal("tool_error", _sampled.Ended.Last().GetTagItem("error.type"));
    }

    [Fact]
    public async Task Tool_OfThisProcess_WhenCalledByAClient_WorksUnderASpanOfItsOwn()
    {
        await using var host = await HostWithToolAsync();
        var (_, body, _) = await host.ModernAsync("/mcp/own", "tools/call", "\"name\":\"who\"", "who", meta: $"\"traceparent\":\"{_sampled.Parent}\"");
        var attempt = _sampled.Ended.Single(static span => span.Kind == ActivityKind.Client);
        var tool = _sampled.Ended.Single(span => span.ParentSpanId == attempt.SpanId);
        Assert.Equal(("tools/call who", ActivityKind.Server, "who"), (tool.DisplayName, tool.Kind, tool.GetTagItem("gen_ai.tool.name")));
        Assert.Contains(tool.SpanId.ToHexString(), body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_ThatHaveEnded_AreInTheMetrics()
    {
        var echo = Echo.Server("echo");
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = [echo] });
        var session = await host.InitializeAsync("/mcp", "2025-06-18");
        Assert.DoesNotContain("session_duration_seconds_count", await PageAsync(host), StringComparison.Ordinal);

        using (var end = new HttpRequestMessage(HttpMethod.Delete, "/mcp"))
        {
            end.Headers.TryAddWithoutValidation("Mcp-Session-Id", session);
            await Guard.WithinAsync(host.Http.SendAsync(end), "the end of the session");
        }

        await Guard.WithinAsync(host.Manager.RestartServerAsync("echo"), "the restart");
        await Guard.WithinAsync(host.Manager.ExecuteToolAsync("echo", "echo", new { message = "up" }), "a call, which waits for the server");
        var events = host.Manager.WatchEventsAsync(new FleetEventFilter { Types = [FleetEventType.ServerState] }).GetAsyncEnumerator();
        var next = events.MoveNextAsync();
        using (var child = Process.GetProcessById((await host.Manager.ListServersAsync()).Single().ProcessId!.Value))
        {
            child.Kill();
        }

        // Whoever hears of the loss finds it counted.
        Assert.True(await Guard.WithinAsync(next, "the loss of the server to be told"));
        await events.DisposeAsync();
        var page = await PageAsync(host);
        Assert.Contains("mcp_client_session_duration_seconds_count{server_id=\"echo\",mcp_protocol_version=\"2026-07-28\",error_type=\"server_lost\",network_transport=\"pipe\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("mcp_server_session_duration_seconds_count{mcp_protocol_version=\"2025-06-18\",network_transport=\"tcp\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("mcp_client_session_duration_seconds_count{server_id=\"echo\",mcp_protocol_version=\"2026-07-28\",network_transport=\"pipe\"} 1\n", page, StringComparison.Ordinal);
    }

    private static Task<string> PageAsync(FrontHost host) => host.Http.GetStringAsync("/metrics");

    private static Task<FrontHost> HostWithToolAsync() => FrontHost.StartAsync(new FairleadOptions { Servers = [new ServerConfig { Name = "own" }] }, static manager => manager.AddTools(
        "own", new LambdaTool("who", static _ => ToolOutput.Text(Activity.Current?.SpanId.ToHexString() ?? "none")), new LambdaTool("fails", static _ => ToolOutput.Error("no"))));
}
