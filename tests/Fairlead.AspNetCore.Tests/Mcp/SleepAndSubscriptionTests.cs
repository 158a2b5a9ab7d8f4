using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>A server that sleeps when nobody needs it is needed by clients that want to be told of its resources.</summary>
public sealed class SleepAndSubscriptionTests : IAsyncLifetime
{
    private const string Uri = "x://a";

    private readonly FakeTimeProvider _clock = new();
    private ScriptedRuns _runs = null!;
    private FrontHost _host = null!;

    public async Task InitializeAsync()
    {
        _runs = new ScriptedRuns(static server => server.SpeaksLegacy("""{"resources":{"subscribe":true}}""")
            .On("resources/list", """ "result":{"resources":[{"name":"a","uri":"x://a"}]} """)
            .On("resources/templates/list", """ "result":{"resourceTemplates":[]} """)
            .On("resources/subscribe", """ "result":{} """)
            .On("resources/unsubscribe", """ "result":{} """));
        var config = new ServerConfig { Name = "s", IdleStopMs = 60_000, HealthCheck = { Kind = HealthCheckKind.None } };
        _host = await FrontHost.StartAsync(new FairleadOptions { Servers = { config } }, manager => manager.AddServer("s", _runs), _clock);
    }

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Fact]
    public async Task Subscription_OfALegacySession_KeepsTheServerAwakeUntilTheSessionEnds()
    {
        var session = await _host.InitializeAsync("/mcp/s");
        await SubscribeAsync(session);
        using var stream = await EventStream.GetAsync(_host, "/mcp/s", session);

        await LookAsync(12);
        await UpdateAsync(1);
        Assert.Contains(Uri, await stream.DataAsync("word of the resource"), StringComparison.Ordinal);

        using var end = new HttpRequestMessage(HttpMethod.Delete, "/mcp/s");
        end.Headers.Add("Mcp-Session-Id", session);
        using var ended = await Guard.WithinAsync(_host.Http.SendAsync(end), "the end of the session");
        await (await _runs.WhenRunAsync(1)).Server.WhenReceivedAsync("resources/unsubscribe");
        await LookAsync(5);
        await _host.Manager.ReachedAsync("s", ServerState.Idle);
    }

    [Fact]
    public async Task Subscription_OfAModernListen_KeepsTheServerAwake()
    {
        using var stream = await ListenAsync();

        await LookAsync(12);
        await UpdateAsync(1);

        Assert.Contains(Uri, await stream.DataAsync("word of the resource"), StringComparison.Ordinal);
        Assert.Equal(1, _runs.Count);
    }

    [Fact]
    public async Task Subscription_WhenTheServerSleeps_WakesIt()
    {
        await LookAsync(5);
        await _host.Manager.ReachedAsync("s", ServerState.Idle);

        using var stream = await ListenAsync();
        await UpdateAsync(2);

        Assert.Contains(Uri, await stream.DataAsync("word of the resource"), StringComparison.Ordinal);
    }

    private async Task SubscribeAsync(string session)
    {
        var (_, body, _) = await _host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","id":"s","method":"resources/subscribe","params":{"uri":"x://a"}}""", "Mcp-Session-Id: " + session);
        Assert.Contains("\"result\":{}", body, StringComparison.Ordinal);
    }

    private async Task<EventStream> ListenAsync()
    {
        var stream = await EventStream.OpenAsync(_host, FrontHost.Compose(
            "/mcp/s",
            """{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["x://a"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""",
            "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen"));
        var acknowledged = await stream.DataAsync("the acknowledgement");
        Assert.Contains(Uri, acknowledged, StringComparison.Ordinal);
        return stream;
    }

    private async Task UpdateAsync(int run) =>
        await (await _runs.WhenRunAsync(run)).Server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x://a"}}""");

    /// <summary>So many looks of the watch, which is a fifth of the minute each.</summary>
    private async Task LookAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            await _clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(12));
            _clock.Advance(TimeSpan.FromSeconds(12));
        }
    }
}
