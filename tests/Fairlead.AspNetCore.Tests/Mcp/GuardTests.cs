using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>The guards of the request path as clients see them (product D1 to D3).</summary>
public sealed class GuardTests
{
    private const string Tools = """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}},{"name":"look","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}]} """;

    [Fact]
    public async Task Bulkhead_WhenNobodyMayWait_TakesFiveOfTen()
    {
        var (host, server) = await HoldingAsync(new ServerConfig { Name = "s", MaxConnections = 5, QueueMax = 0 });
        await using var _ = host;
        var calls = Enumerable.Range(0, 10).Select(_ => CallAsync(host, "hello")).ToArray();
        await server.WhenReceivedAsync("tools/call", 5);

        var refused = await WhenSomeAsync(calls, 5);
        Assert.All(refused, static body => Assert.Equal("too_many_calls", Reason(body)));
        Assert.All(refused, static body => Assert.Contains("maxConnections (5) are in flight and queueMax (0) wait", body, StringComparison.Ordinal));
        await AnswerAllAsync(server);
        Assert.Equal(5, (await Guard.WithinAsync(Task.WhenAll(calls), "all calls")).Count(static body => body.Contains("\"result\"", StringComparison.Ordinal)));
        Assert.Equal(0, (await host.Manager.ListServersAsync())[0].CallsInFlight);
    }

    [Fact]
    public async Task Bulkhead_WhenCallsWait_SendsThemInOrderAsOthersEnd()
    {
        var (host, server) = await HoldingAsync(new ServerConfig { Name = "s", MaxConnections = 1 });
        await using var _ = host;
        var calls = new List<Task<string>>();
        for (var i = 0; i < 4; i++)
        {
            calls.Add(CallAsync(host, "hello", $"\"n\":{i}"));
            await WhenAsync(host, info => info.CallsInFlight + info.CallsWaiting == calls.Count, $"{calls.Count} calls to be known");
        }

        for (var i = 0; i < 4; i++)
        {
            await server.WhenReceivedAsync("tools/call", i + 1);
            var sent = server.Received.Where(static request => request.Method == "tools/call").ToArray();
            Assert.Equal(i + 1, sent.Length);
            Assert.Contains($"\"n\":{i}", sent[i].Params, StringComparison.Ordinal);
            await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{sent[i].Id}}},"result":{"content":[]}}""");
            Assert.Contains("\"result\"", await Guard.WithinAsync(calls[i], $"call {i}"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Bulkhead_WhenAWaitingClientLeaves_TheServerNeverHearsOfItsCall()
    {
        var (host, server) = await HoldingAsync(new ServerConfig { Name = "s", MaxConnections = 1 });
        await using var _ = host;
        var first = CallAsync(host, "hello");
        await server.WhenReceivedAsync("tools/call");
        using var leave = new CancellationTokenSource();
        var second = host.Http.SendAsync(Request("hello", "\"gone\":true"), leave.Token);
        await WhenAsync(host, static info => info.CallsWaiting == 1, "a call to wait");
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        await Guard.WithinAsync(WhenItIsHeardAsync(), "Fairlead to hear that the client left");
        var third = CallAsync(host, "hello", "\"third\":true");
        await WhenAsync(host, static info => info.CallsWaiting == 2, "another call to wait");

        await AnswerAllAsync(server);
        await first;
        await server.WhenReceivedAsync("tools/call", 2);
        await AnswerAllAsync(server);

        Assert.Contains("\"result\"", await Guard.WithinAsync(third, "the third call"), StringComparison.Ordinal);
        Assert.DoesNotContain(server.Received, static request => request.Params.Contains("gone", StringComparison.Ordinal) || request.Method == "notifications/cancelled");

        async Task WhenItIsHeardAsync()
        {
            while (!(await host.Http.GetStringAsync("/metrics")).Contains("status=\"client_cancelled\"", StringComparison.Ordinal))
            {
            }
        }
    }

    [Fact]
    public async Task Bulkhead_WhenACallWaitsForItsClientsInput_HasRoomForOthers()
    {
        var (host, server) = await HoldingAsync(new ServerConfig { Name = "s", MaxConnections = 1, Isolation = ServerIsolation.Shared });
        await using var _ = host;
        var client = new ModernClient(host, "/mcp/s");
        var asking = client.AskedAsync("hello");
        await server.WhenReceivedAsync("tools/call");
        await server.SendAsync("""{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
        var (questions, state) = await asking;
        Assert.Equal(0, (await host.Manager.ListServersAsync())[0].CallsInFlight);

        var other = CallAsync(host, "hello");
        await server.WhenReceivedAsync("tools/call", 2);
        var retry = client.CallAsync("hello", ModernClient.Round(state, $$$$"""{"{{{{questions.EnumerateObject().Single().Name}}}}":{"action":"accept","content":{}}}"""));
        await server.WhenReceivedAsync(static received => received.Any(static one => one.Id == "\"q\""), "the answer");
        Assert.Equal(2, (await host.Manager.ListServersAsync())[0].CallsInFlight);
        await AnswerAllAsync(server);

        await Guard.WithinAsync(Task.WhenAll(other, retry), "both calls");
        Assert.Equal(0, (await host.Manager.ListServersAsync())[0].CallsInFlight);
    }

    [Fact]
    public async Task Circuit_OfAServerThatKeepsFailing_RefusesWithoutTouchingItAndClosesAgain()
    {
        var clock = new FakeTimeProvider();
        var isDown = true;
        await using var upstream = await new LegacyScript
        {
            Capabilities = """{"tools":{}}""",
            Call = async (_, context, request) =>
            {
                if (request.RpcMethod == "tools/list")
                {
                    await context.ResultAsync(request, """{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]}""");
                }
                else if (request.RpcMethod == "tools/call" && Volatile.Read(ref isDown))
                {
                    await context.StatusAsync(503);
                }
                else
                {
                    await context.ResultAsync(request, """{"content":[]}""");
                }
            },
        }.StartAsync();
        var config = new ServerConfig { Name = "s", Url = upstream.Url, HealthCheck = { Kind = HealthCheckKind.None } };
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { config } }, timeProvider: clock);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("send_failed", Reason(await CallAsync(host, "hello")));
        }

        var body = await CallAsync(host, "hello");
        Assert.Equal("circuit_open", Reason(body));
        Assert.Equal(60_000, JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("data").GetProperty("retryAfterMs").GetInt32());
        Assert.Equal(5, upstream.Requests.Count(static request => request.RpcMethod == "tools/call"));
        Assert.Equal(CircuitState.Open, (await host.Manager.ListServersAsync())[0].Circuit);
        var refused = await host.Http.PostAsync(new Uri("/api/v1/servers/s/tools/hello/call", UriKind.Relative), new StringContent("{}", null, "application/json"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "60"), (refused.StatusCode, refused.Headers.RetryAfter!.ToString()));

        Volatile.Write(ref isDown, false);
        clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Contains("\"result\"", await CallAsync(host, "hello"), StringComparison.Ordinal);
        Assert.Equal(CircuitState.Closed, (await host.Manager.ListServersAsync())[0].Circuit);
    }

    [Fact]
    public async Task Circuit_OfOneTool_LeavesTheOthersAlone()
    {
        var clock = new FakeTimeProvider();
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/list", Tools)
            .On("tools/call", static request => request.Text("name") == "hello" ? null : """ "result":{"content":[]} """));
        var config = new ServerConfig { Name = "s", TimeoutMs = 1_000, CircuitBreaker = { MinimumCalls = 2 }, HealthCheck = { Kind = HealthCheckKind.None } };
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { config } }, manager => manager.AddServer("s", runs), clock);
        var server = (await runs.WhenRunAsync(1)).Server;

        // Good calls of the other tool keep the circuit of the instance closed.
        for (var i = 0; i < 4; i++)
        {
            Assert.Contains("\"result\"", await CallAsync(host, "look"), StringComparison.Ordinal);
        }

        for (var i = 1; i <= 2; i++)
        {
            var call = CallAsync(host, "hello");
            await server.WhenReceivedAsync("tools/call", 4 + i);
            clock.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal("timeout_idle", Reason(await call));
        }

        Assert.Contains("the circuit of the tool 'hello' is open", await CallAsync(host, "hello"), StringComparison.Ordinal);
        Assert.Equal(["hello"], (await host.Manager.ListServersAsync())[0].OpenToolCircuits);
        Assert.Contains("\"result\"", await CallAsync(host, "look"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rate_WhenItIsSpent_SaysWhenToComeBackInMcpAndRest()
    {
        var clock = new FakeTimeProvider();
        var config = new ServerConfig { Name = "s", RateLimit = { Server = new RateOptions { Calls = 2, PerMs = 20_000 } } };
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { config } }, static manager => manager.AddServer("s", ScriptedRuns.Legacy(static server => server.On("tools/list", Tools))), clock);
        await CallAsync(host, "hello");
        await CallAsync(host, "hello");

        var body = await CallAsync(host, "hello");
        Assert.Equal("rate_limited", Reason(body));
        Assert.Contains("it gets as many calls as rateLimit.server allows; try again in 10 s", body, StringComparison.Ordinal);
        var refused = await host.Http.PostAsync(new Uri("/api/v1/servers/s/tools/hello/call", UriKind.Relative), new StringContent("{}", null, "application/json"));
        Assert.Equal((HttpStatusCode.TooManyRequests, "10"), (refused.StatusCode, refused.Headers.RetryAfter!.ToString()));

        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Contains("\"result\"", await CallAsync(host, "hello"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retry_OfAToolThatOnlyReads_OutlivesACrashOfItsServerAndOthersDoNot()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/list", Tools).On("tools/call", static _ => null));
        var options = new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } };
        options.Limits.RestartBase = TimeSpan.FromMilliseconds(10);
        await using var host = await FrontHost.StartAsync(options, manager => manager.AddServer("s", runs));
        var first = await runs.WhenRunAsync(1);
        var (reads, writes) = (CallAsync(host, "look", "\"n\":1.50"), CallAsync(host, "hello"));
        await first.Server.WhenReceivedAsync("tools/call", 2);

        first.Crash("over");

        Assert.Equal("server_lost", Reason(await Guard.WithinAsync(writes, "the call that may not be repeated")));
        var second = await runs.WhenRunAsync(2);
        await second.Server.WhenReceivedAsync("tools/call");
        Assert.Contains("\"arguments\":{\"n\":1.50}", second.Server.Received.Single(static request => request.Method == "tools/call").Params, StringComparison.Ordinal);
        await AnswerAllAsync(second.Server);
        Assert.Contains("\"result\"", await Guard.WithinAsync(reads, "the call that was repeated"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retry_WhenItsTriesAreSpent_GivesTheLastFailure()
    {
        var calls = 0;
        await using var upstream = await new LegacyScript
        {
            Capabilities = """{"tools":{}}""",
            Call = async (_, context, request) =>
            {
                if (request.RpcMethod == "tools/list")
                {
                    await context.ResultAsync(request, """{"tools":[{"name":"look","inputSchema":{"type":"object"},"annotations":{"idempotentHint":true}}]}""");
                    return;
                }

                if (request.RpcMethod == "tools/call")
                {
                    Interlocked.Increment(ref calls);
                    await context.StatusAsync(502);
                    return;
                }

                await context.ResultAsync(request, "{}");
            },
        }.StartAsync();
        var config = new ServerConfig { Name = "s", Url = upstream.Url, Retry = { Attempts = 3, DelayMs = 1 } };
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { config } });

        Assert.Equal("send_failed", Reason(await Guard.WithinAsync(CallAsync(host, "look"), "the call")));
        Assert.Equal(3, Volatile.Read(ref calls));
    }

    private static async Task<(FrontHost Host, ScriptedServer Server)> HoldingAsync(ServerConfig config)
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/list", Tools).On("tools/call", static _ => null));
        var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { config } }, manager => manager.AddServer("s", runs));
        return (host, (await runs.WhenRunAsync(1)).Server);
    }

    private static async Task AnswerAllAsync(ScriptedServer server)
    {
        foreach (var call in server.Received.Where(static request => request.Method == "tools/call"))
        {
            await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"result":{"content":[]}}""");
        }
    }

    private static async Task<string[]> WhenSomeAsync(Task<string>[] calls, int count)
    {
        var ended = new List<string>();
        await foreach (var call in Task.WhenEach(calls))
        {
            ended.Add(await call);
            if (ended.Count == count)
            {
                break;
            }
        }

        return [.. ended];
    }

    /// <summary>Nothing tells that a call waits but the count itself; each look is a turn of the fleet's actor.</summary>
    private static Task WhenAsync(FrontHost host, Func<ServerInfo, bool> condition, string what)
    {
        return Guard.WithinAsync(LookAsync(), what);

        async Task LookAsync()
        {
            while (!condition((await host.Manager.ListServersAsync())[0]))
            {
                await Task.Yield();
            }
        }
    }

    private static HttpRequestMessage Request(string tool, string arguments) => FrontHost.Compose(
        "/mcp/s",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool + "\",\"arguments\":{" + arguments
        + "},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
        "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: " + tool);

    private static async Task<string> CallAsync(FrontHost host, string tool, string arguments = "")
    {
        using var response = await host.Http.SendAsync(Request(tool, arguments));
        var body = await response.Content.ReadAsStringAsync();
        return body.StartsWith('{') ? body : EventStream.LastMessage(body);
    }

    private static string? Reason(string body) => JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("data").GetProperty("reason").GetString();
}
