using System.Net;
using System.Text.Json;
using Fairlead.AspNetCore.Tests.Admin;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.TestKit;
using Fairlead.Tests.Processes;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>A client that stops reading (decision 17, stalledClient): it loses its own connection after the time, and nobody else notices.</summary>
public sealed class StalledClientTests : IAsyncLifetime
{
    private const string Hello = """{"jsonrpc":"2.0","id":"h","method":"tools/call","params":{"name":"hello","arguments":{}}}""";
    private const int LargeBytes = 14 * 1024 * 1024;

    // No other timer of the product has this length, so that an armed one means a client that does not read.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(31);
    private static readonly string s_bigUri = "test://" + new string('u', 100_000);
    private static readonly string s_padding = new('p', 100_000);

    private readonly FakeTimeProvider _clock = new();
    private readonly ScriptedRuns _runs = ScriptedRuns.Legacy(server => server
        .SpeaksLegacy("""{"tools":{},"resources":{"subscribe":true},"logging":{}}""")
        .On("tools/list", """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}},{"name":"talk","inputSchema":{"type":"object"}}]} """)
        .On("tools/call", request => request.Text("name") == "talk" ? null : """ "result":{"content":[{"type":"text","text":"hello"}]} """)
        .On("resources/list", $$""" "result":{"resources":[{"uri":"{{s_bigUri}}","name":"big"},{"uri":"test://small","name":"small"}]} """)
        .On("resources/templates/list", """ "result":{"resourceTemplates":[]} """)
        .On("logging/setLevel", """ "result":{} """)
        .On("resources/subscribe", """ "result":{} """)
        .On("resources/unsubscribe", """ "result":{} """));

    private readonly EventRecorder _log = new();
    private readonly TaskCompletionSource _endlessEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RawUpstream _upstream = null!;
    private FrontHost _host = null!;
    private ScriptedServer _server = null!;
    private long _endlessBytes;

    public async Task InitializeAsync()
    {
        _upstream = await LongUpstream.StartAsync("modern", EndlessAsync);
        var options = new FairleadOptions
        {
            Servers = { new ServerConfig { Name = "s" }, new ServerConfig { Name = "large" }, new ServerConfig { Name = "endless", Url = _upstream.Url } },
        };
        options.Limits.StalledClient = s_patience;
        options.Limits.NotificationsPerSecondMax = 1_000_000;
        options.Limits.RequestTimeoutMax = TimeSpan.FromHours(1);
        foreach (var server in options.Servers)
        {
            server.TimeoutMs = 600_000;
            server.HealthCheck.Kind = HealthCheckKind.None;
        }

        _host = await FrontHost.StartAsync(
            options,
            manager =>
            {
                manager.AddServer("s", _runs);
                manager.AddTools("large", new LambdaTool("large", static _ => ToolOutput.Text(new string('x', LargeBytes))));
            },
            _clock,
            _log);
        _server = (await _runs.WhenRunAsync(1)).Server;
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("modern")]
    public async Task Call_WhenItsClientDoesNotReadTheStream_LosesOnlyThatConnection(string era)
    {
        var session = await _host.InitializeAsync("/mcp/s");
        using var deaf = await DeafClient.SendAsync(_host, era == "legacy" ? Legacy("s", "talk", session) : Modern("s", "talk"));
        await _server.WhenReceivedAsync(received => received.Any(IsTalk), "the call");
        var id = _server.Received.Single(IsTalk).Id;
        await StallAsync(() => _server.SendAsync(
            $$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{{{id}}},"progress":1,"message":"{{{s_padding}}}"}}"""));
        await deaf.ReadToEndAsync();

        if (era == "modern")
        {
            // Closing the stream is how a modern client cancels; being cut is no different.
            await _server.WhenReceivedAsync("notifications/cancelled");
            Assert.True(_host.Manager.Fleet.TryGet("s", out var cell));
            Assert.Equal(0, cell.Current.Shared!.Pending.CountOpen());
        }
        else
        {
            // A legacy call outlives its connection: the answer waits for whoever resumes the stream.
            await _server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{"content":[{"type":"text","text":"after all"}]}}""");
            using var resumed = await EventStream.GetAsync(_host, "/mcp/s", session, "1-1");
            Assert.Contains("after all", (await resumed.RestAsync("the resumed stream"))[^1], StringComparison.Ordinal);
        }

        var other = await _host.InitializeAsync("/mcp/s");
        Assert.Contains("hello", (await _host.PostAsync("/mcp/s", Hello, "Mcp-Session-Id: " + other)).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("listen")]
    public async Task Stream_WhenItsClientDoesNotRead_IsCutAndOthersGoOn(string kind)
    {
        var (stalled, reading) = kind == "GET" ? (await GetAsync(s_bigUri), await GetAsync("test://small")) : (Listen(s_bigUri), Listen("test://small"));
        using var other = await EventStream.OpenAsync(_host, reading);
        if (kind == "listen")
        {
            Assert.Contains("acknowledged", await other.DataAsync("the acknowledgement"), StringComparison.Ordinal);
        }

        using var deaf = await DeafClient.SendAsync(_host, stalled);
        await _server.WhenReceivedAsync("resources/subscribe", 2);
        await StallAsync(() => UpdatedAsync(s_bigUri));
        await deaf.ReadToEndAsync();
        await UpdatedAsync("test://small");

        Assert.Contains("test://small", await other.DataAsync("an update for the client that reads"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("modern")]
    public async Task Answer_WhenItIsLargeAndNobodyReads_TheConnectionIsCut(string era)
    {
        var session = await _host.InitializeAsync("/mcp/large");
        using var deaf = await DeafClient.SendAsync(_host, era == "legacy" ? Legacy("large", "large", session) : Modern("large", "large"));

        // Others are served all the while.
        await StallAsync(async () => Assert.Contains(
            "hello", (await _host.ModernAsync("/mcp/s", "tools/call", "\"name\":\"hello\"", "hello")).Body, StringComparison.Ordinal));

        Assert.InRange(await deaf.ReadToEndAsync(), 1, LargeBytes - 1);
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("modern")]
    public async Task Answer_WhenItPassesWhileItComesAndNobodyReads_HoldsUpItsServerAloneAndIsCut(string era)
    {
        var session = await _host.InitializeAsync("/mcp/endless");
        using var deaf = await DeafClient.SendAsync(_host, era == "legacy" ? Legacy("endless", "long", session) : Modern("endless", "long"));

        await StallAsync(async () => Assert.Contains(
            "hello", (await _host.ModernAsync("/mcp/s", "tools/call", "\"name\":\"hello\"", "hello")).Body, StringComparison.Ordinal));

        Assert.True(await deaf.ReadToEndAsync() > 0);
        await Guard.WithinAsync(_endlessEnded.Task, "the end of the call at the server");

        // What lies between the two: buffers of the system on both connections, and 2 MiB of Fairlead at most.
        Assert.InRange(Interlocked.Read(ref _endlessBytes), 1, 256 * 1024 * 1024);
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("modern")]
    public async Task Answer_WhenItIsLargeAndTheClientReads_ArrivesWhole(string era)
    {
        var session = await _host.InitializeAsync("/mcp/large");
        using var request = era == "legacy" ? Legacy("large", "large", session) : Modern("large", "large");
        using var response = await Guard.WithinAsync(_host.Http.SendAsync(request), "a large answer");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(LargeBytes, answer.RootElement.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString()!.Length);
        Assert.Equal("c", answer.RootElement.GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("modern")]
    public async Task Answer_WhenItIsLargeAndComesOnAStream_ArrivesWhole(string era)
    {
        var session = await _host.InitializeAsync("/mcp/s");
        using var stream = await TalkAsync(era, session);
        var id = _server.Received.Single(IsTalk).Id;
        await _server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{"content":[{"type":"text","text":"{{{new string('y', 3_000_000)}}}"}]}}""");

        using var answer = JsonDocument.Parse(await stream.DataAsync("a large answer"));
        Assert.Equal(3_000_000, answer.RootElement.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString()!.Length);
        Assert.Null(await stream.NextAsync("the end of the stream"));
    }

    private async Task EndlessAsync(RawUpstream upstream, HttpContext context, RawRequest request)
    {
        context.RequestAborted.Register(() => _endlessEnded.TrySetResult());
        await LongUpstream.BeginAsync(context, isStream: false);
        await context.WriteAsync(LongUpstream.Start(request, "", idFirst: true));
        var part = LongUpstream.Text(256 * 1024);
        while (!context.RequestAborted.IsCancellationRequested)
        {
            await context.WriteAsync(part);
            Interlocked.Add(ref _endlessBytes, part.Length);
        }
    }

    private static bool IsTalk(ScriptedRequest request) => request.Method == "tools/call" && request.Text("name") == "talk";

    private static HttpRequestMessage Legacy(string server, string tool, string session) => FrontHost.Compose(
        "/mcp/" + server, $$$$"""{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"{{{{tool}}}}","arguments":{},"_meta":{"progressToken":"t"}}}""",
        "Mcp-Session-Id: " + session);

    private static HttpRequestMessage Modern(string server, string tool) => FrontHost.Compose(
        "/mcp/" + server, $$$$"""{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"{{{{tool}}}}","arguments":{},"_meta":{"progressToken":"t",{{{{Claim}}}}}}}""",
        "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: " + tool);

    private static string Claim => """ "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{} """;

    private static HttpRequestMessage Listen(string uri) => FrontHost.Compose(
        "/mcp/s", $$$"""{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["{{{uri}}}"]},"_meta":{ {{{Claim}}} } } }""",
        "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen");

    private async Task<HttpRequestMessage> GetAsync(string uri)
    {
        var session = await _host.InitializeAsync("/mcp/s");
        var (_, body, _) = await _host.PostAsync(
            "/mcp/s", $$$"""{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"{{{uri}}}"}}""", "Mcp-Session-Id: " + session);
        Assert.Contains("\"result\"", body, StringComparison.Ordinal);
        var request = new HttpRequestMessage(HttpMethod.Get, "/mcp/s");
        request.Headers.Add("Mcp-Session-Id", session);
        request.Headers.Add("Accept", "text/event-stream");
        return request;
    }

    private async Task<EventStream> TalkAsync(string era, string session)
    {
        var opening = EventStream.OpenAsync(_host, era == "legacy" ? Legacy("s", "talk", session) : Modern("s", "talk"));
        await _server.WhenReceivedAsync(received => received.Any(IsTalk), "the call");
        await _server.SendAsync(
            $$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{{{_server.Received.Single(IsTalk).Id}}},"progress":1}}""");
        var stream = await opening;
        Assert.Contains("\"progressToken\":\"t\"", await stream.DataAsync("progress"), StringComparison.Ordinal);
        return stream;
    }

    private Task UpdatedAsync(string uri) =>
        _server.SendAsync($$$"""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"{{{uri}}}"}}""");

    /// <summary>Does something until the buffers of both systems are full, then lets the time pass: the client that does not read is cut.</summary>
    /// <remarks>The front also waits for moments, while the system empties a buffer. A wait that is there at so many looks in a row is not one of those.</remarks>
    private Task StallAsync(Func<Task> act)
    {
        const int Looks = 50;
        return Guard.WithinAsync(StallAsync(), "the front to cut a client that does not read");

        async Task StallAsync()
        {
            var cut = _log.NextAsync(EventIds.ClientStalled);
            var waits = _clock.WhenTimerArmedAsync(s_patience);
            var looks = 0;
            while (!cut.IsCompleted)
            {
                await act();
                await Task.Yield();
                if (!waits.IsCompletedSuccessfully)
                {
                    continue;
                }

                waits = _clock.WhenTimerArmedAsync(s_patience);
                looks = waits.IsCompletedSuccessfully ? looks + 1 : 0;
                if (looks == Looks)
                {
                    _clock.Advance(s_patience);
                    looks = 0;
                }
            }
        }
    }
}
