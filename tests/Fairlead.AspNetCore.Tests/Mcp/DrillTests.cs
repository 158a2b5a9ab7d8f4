using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;
using Fairlead.Tests.Upstreams.Sse;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Drills with injected faults (product D11) against breakers, retries and neighbours, as clients see them.</summary>
public sealed class DrillTests
{
    private const string Tools = """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}},{"name":"look","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}]} """;

    [Fact]
    public async Task Errors_OpenTheCircuitOfTheirServerAndItClosesAfterTheDrillWhileTheNeighbourIsUntouched()
    {
        var clock = new FakeTimeProvider();
        var (host, runs) = await StartAsync(clock);
        await using var _ = host;
        var fault = await host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Error));
        for (var i = 0; i < 5; i++)
        {
            var failure = await CallAsync(host, "hello");
            Assert.Equal("send_failed", Reason(failure));
            Assert.Contains($"the fault {fault.Id} (error) was injected on purpose", failure, StringComparison.Ordinal);
            Assert.Contains("\"result\"", await CallAsync(host, "hello", "neighbour"), StringComparison.Ordinal);
        }

        Assert.Equal("circuit_open", Reason(await CallAsync(host, "hello")));
        var (s, neighbour) = await InfosAsync(host);
        Assert.Equal((CircuitState.Open, CircuitState.Closed), (s.Circuit, neighbour.Circuit));
        Assert.Equal((5, FaultKind.Error), (Assert.Single(s.Faults).CallsAffected, s.Faults[0].Kind));
        Assert.Empty(neighbour.Faults);

        clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal("its time was over", Assert.Single((await host.Manager.ListFaultsAsync()).Ended).EndReason);
        Assert.Contains("\"result\"", await CallAsync(host, "hello"), StringComparison.Ordinal);
        Assert.Equal(CircuitState.Closed, (await InfosAsync(host)).S.Circuit);
        Assert.Equal((1, 5), (Calls((await runs.S.WhenRunAsync(1)).Server), Calls((await runs.Neighbour.WhenRunAsync(1)).Server)));
        var metrics = await host.Manager.GetMetricsAsync();
        Assert.Equal((5, 0), (metrics.Servers["s"].Failed, metrics.Servers["neighbour"].Failed));
    }

    [Fact]
    public async Task Disconnect_IsMendedByTheRetryOfAToolThatOnlyReads()
    {
        var (host, runs) = await StartAsync(TimeProvider.System);
        await using var _ = host;
        var first = (await runs.S.WhenRunAsync(1)).Server.On("tools/call", static _ => null);
        var (reads, writes) = (CallAsync(host, "look"), CallAsync(host, "hello"));
        await first.WhenReceivedAsync("tools/call", 2);

        var fault = await host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Disconnect));

        Assert.Equal(2, fault.CallsAffected);
        Assert.Contains("\"result\"", await Guard.WithinAsync(reads, "the call that is repeated"), StringComparison.Ordinal);
        Assert.Equal("server_lost", Reason(await Guard.WithinAsync(writes, "the call that may not be repeated")));
        Assert.Equal(1, runs.Neighbour.Count);
    }

    [Fact]
    public async Task Disconnect_OfSeveralInstances_IsDoneToEachAndAllComeBack()
    {
        var (host, runs) = await StartAsync(TimeProvider.System, static config => config.Replicas.Count = 2);
        await using var _ = host;
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 2, "two instances");

        Assert.Equal("it happened, to 2 instances", (await host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Disconnect))).EndReason);

        await runs.S.WhenRunAsync(4);
        await host.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 2 && snapshot.IsCallable, "two instances again");
        Assert.Contains("\"result\"", await CallAsync(host, "hello"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_OfHalfTheCalls_AreMostlyMendedByRetries()
    {
        var (host, _) = await StartAsync(TimeProvider.System, static config =>
        {
            config.Retry.Attempts = 10;
            config.Retry.DelayMs = 1;
            config.Retry.DelayMaxMs = 2;
            config.CircuitBreaker.Enabled = false;
        });
        await using var __ = host;
        var fault = await host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Error) { Percent = 50 });

        var answers = await Guard.WithinAsync(Task.WhenAll(Enumerable.Range(0, 20).Select(_ => CallAsync(host, "look"))), "20 calls");

        // One in 1 024 fails ten times in a row: two of twenty would be a matter of months.
        Assert.InRange(answers.Count(static answer => answer.Contains("\"result\"", StringComparison.Ordinal)), 19, 20);
        Assert.True((await host.Manager.EndFaultAsync(fault.Id)).CallsAffected > 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Partition_OfARemoteServer_LosesAlsoTheAnswerThatIsOnItsWay(bool isModern)
    {
        var clock = new FakeTimeProvider();
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await RemoteAsync(isModern, arrived, go);
        await using var host = await RemoteHostAsync(upstream, clock);
        Assert.Contains("remote server", (await Assert.ThrowsAsync<FaultRefused>(() => host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Crash)))).Message, StringComparison.Ordinal);
        var before = CallAsync(host, "hello");
        await Guard.WithinAsync(arrived.Task, "the call to arrive");
        var fault = await host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Partition) { Duration = TimeSpan.FromMinutes(1) });
        go.SetResult();
        await HitAsync(host, 1);
        var during = CallAsync(host, "hello");
        await HitAsync(host, 2);

        clock.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal("timeout_idle", Reason(await Guard.WithinAsync(before, "the call whose answer is lost")));
        Assert.Equal("timeout_idle", Reason(await Guard.WithinAsync(during, "the call that is lost")));
        Assert.Equal(1, upstream.Requests.Count(static request => request.RpcMethod == "tools/call"));
        await host.Manager.EndFaultAsync(fault.Id);
        Assert.Contains("\"result\"", await Guard.WithinAsync(CallAsync(host, "hello"), "a call afterwards"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stall_OfARemoteServer_HoldsItsAnswersBackUntilTheEnd(bool isModern)
    {
        var clock = new FakeTimeProvider();
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await RemoteAsync(isModern, arrived, null);
        await using var host = await RemoteHostAsync(upstream, clock);
        await host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Stall) { Duration = TimeSpan.FromSeconds(5) });
        var call = CallAsync(host, "hello");
        await Guard.WithinAsync(arrived.Task, "the call to arrive");
        clock.Advance(TimeSpan.FromMilliseconds(4_999));
        await NeighbourServesAsync(host);
        Assert.False(call.IsCompleted);

        clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Contains("\"result\"", await Guard.WithinAsync(call, "the answer that was held back"), StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single((await host.Manager.ListFaultsAsync()).Ended).CallsAffected);
    }

    [Fact]
    public async Task Faults_OverHttpWithSse_HoldBackAndLoseAsOnOtherTransports()
    {
        var clock = new FakeTimeProvider();
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await new SseScript
        {
            Call = async (script, context, request) =>
            {
                await context.AnswerAsync(202, "", "Accepted");
                script.Say("{\"result\":{\"content\":[]},\"jsonrpc\":\"2.0\",\"id\":" + request.Id + "}");
                arrived.TrySetResult();
            },
        }.StartAsync();
        await using var host = await RemoteHostAsync(upstream, clock, ServerTransport.Sse);
        var stall = await host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Stall));
        var held = CallAsync(host, "hello");
        await Guard.WithinAsync(arrived.Task, "the call to arrive");
        await NeighbourServesAsync(host);
        Assert.False(held.IsCompleted);
        Assert.Equal(1, (await host.Manager.EndFaultAsync(stall.Id)).CallsAffected);
        Assert.Contains("\"result\"", await Guard.WithinAsync(held, "the answer that was held back"), StringComparison.Ordinal);

        await host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Partition) { Duration = TimeSpan.FromMinutes(1) });
        var lost = CallAsync(host, "hello");
        await HitAsync(host, 1);
        clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("timeout_idle", Reason(await Guard.WithinAsync(lost, "the call that is lost")));
        await host.Manager.EndAllFaultsAsync();
        Assert.Contains("\"result\"", await Guard.WithinAsync(CallAsync(host, "hello"), "a call afterwards"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Disconnect_OfARemoteServer_FailsItsCallsAndItIsConnectedAgain()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await RemoteAsync(isModern: false, arrived, go);
        await using var host = await RemoteHostAsync(upstream, TimeProvider.System);
        var call = CallAsync(host, "hello");
        await Guard.WithinAsync(arrived.Task, "the call to arrive");
        var before = host.Manager.Cell("s").Current.Shared;

        await host.Manager.InjectFaultAsync("s", new FaultRequest(FaultKind.Disconnect));

        Assert.Equal("server_lost", Reason(await Guard.WithinAsync(call, "the call that is cut off")));
        go.SetResult();
        await host.Manager.ReachedAsync("s", snapshot => snapshot.IsCallable && snapshot.Shared != before, "another connection");
        Assert.Contains("\"result\"", await Guard.WithinAsync(CallAsync(host, "hello"), "a call afterwards"), StringComparison.Ordinal);
    }

    private static async Task<(FrontHost Host, (ScriptedRuns S, ScriptedRuns Neighbour) Runs)> StartAsync(TimeProvider time, Action<ServerConfig>? change = null)
    {
        var (s, neighbour) = (Runs(), Runs());
        var options = new FairleadOptions { FaultInjection = { Enabled = true }, Limits = { RestartBase = TimeSpan.FromMilliseconds(10) } };
        foreach (var name in (string[])["s", "neighbour"])
        {
            var config = new ServerConfig { Name = name, HealthCheck = { Kind = HealthCheckKind.None } };
            change?.Invoke(config);
            options.Servers.Add(config);
        }

        var host = await FrontHost.StartAsync(
            options,
            manager =>
            {
                manager.AddServer("s", s);
                manager.AddServer("neighbour", neighbour);
            },
            time);
        return (host, (s, neighbour));

        static ScriptedRuns Runs() => ScriptedRuns.Legacy(static server => server.On("tools/list", Tools));
    }

    private static Task<RawUpstream> RemoteAsync(bool isModern, TaskCompletionSource arrived, TaskCompletionSource? go)
    {
        var script = new LegacyScript { Call = AnswerAsync };
        return isModern ? ModernScript.StartAsync(AnswerAsync) : script.StartAsync();

        async Task AnswerAsync(RawUpstream _, Microsoft.AspNetCore.Http.HttpContext context, RawRequest request)
        {
            var more = isModern ? "\"resultType\":\"complete\"," : "";
            if (request.RpcMethod == "tools/list")
            {
                await context.ResultAsync(request, "{" + more + """ "ttlMs":0,"cacheScope":"private","tools":[{"name":"hello","inputSchema":{"type":"object"}}]}""");
                return;
            }

            if (request.RpcMethod == "tools/call")
            {
                arrived.TrySetResult();
                await (go?.Task ?? Task.CompletedTask);
            }

            await context.ResultAsync(request, "{" + more + "\"content\":[]}");
        }
    }

    private static Task<FrontHost> RemoteHostAsync(RawUpstream upstream, TimeProvider time, ServerTransport transport = ServerTransport.Http)
    {
        var config = new ServerConfig { Name = "s", Url = upstream.Url, Transport = transport, TimeoutMs = 10_000, Retry = { Attempts = 1 }, HealthCheck = { Kind = HealthCheckKind.None } };
        return FrontHost.StartAsync(
            new FairleadOptions
            {
                Servers = { config, new ServerConfig { Name = "neighbour", HealthCheck = { Kind = HealthCheckKind.None } } },
                FaultInjection = { Enabled = true },
                Limits = { RestartBase = TimeSpan.FromMilliseconds(10) },
            },
            static manager => manager.AddServer("neighbour", ScriptedRuns.Legacy()),
            time);
    }

    /// <summary>Many calls of another server, one after the other, are answered meanwhile: an answer that is not held back would be there long before the last of them.</summary>
    private static async Task NeighbourServesAsync(FrontHost host)
    {
        for (var i = 0; i < 100; i++)
        {
            Assert.Contains("\"result\"", await CallAsync(host, "hello", "neighbour"), StringComparison.Ordinal);
        }
    }

    private static async Task<(ServerInfo S, ServerInfo Neighbour)> InfosAsync(FrontHost host) => await host.Manager.ListServersAsync() is [var s, var neighbour] ? (s, neighbour) : throw new InvalidOperationException();

    private static int Calls(ScriptedServer server) => server.Received.Count(static request => request.Method == "tools/call");

    /// <summary>Nothing tells that a fault has hit a call but its count.</summary>
    private static Task HitAsync(FrontHost host, int calls)
    {
        return Guard.WithinAsync(LookAsync(), $"the fault to hit {calls} calls");

        async Task LookAsync()
        {
            while (Assert.Single((await host.Manager.ListFaultsAsync()).Active).CallsAffected < calls)
            {
                await Task.Yield();
            }
        }
    }

    private static async Task<string> CallAsync(FrontHost host, string tool, string server = "s")
    {
        var (_, body, _) = await host.ModernAsync("/mcp/" + server, "tools/call", $"\"name\":\"{tool}\",\"arguments\":{{}}", tool);
        return body.StartsWith('{') ? body : EventStream.LastMessage(body);
    }

    private static string? Reason(string body) => JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("data").GetProperty("reason").GetString();
}
