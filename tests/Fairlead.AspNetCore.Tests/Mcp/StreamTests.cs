using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Streams over raw HTTP: resumption and cancellation of legacy sessions, disconnect and listen of 2026-07-28 (protocol.md 2.3, 3, 6).</summary>
public sealed class StreamTests : IAsyncLifetime
{
    private FrontHost _host = null!;

    public async Task InitializeAsync()
    {
        var options = Echo.Options();
        options.Servers.Add(Echo.Misbehaving("slow", "slow"));
        _host = await FrontHost.StartAsync(options);
    }

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Fact]
    public async Task LegacyCall_WhenTheConnectionDrops_GoesOnAndIsResumedByItsLastEventId()
    {
        var session = await _host.InitializeAsync("/mcp/slow");
        var lastEventId = "";
        using (var response = await SendAsync(Wait(session)))
        {
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());

            // The grace ends while the tool waits: the stream begins with the priming event, which carries an id.
            while (!lastEventId.StartsWith("id: ", StringComparison.Ordinal))
            {
                lastEventId = await Guard.WithinAsync(lines.ReadLineAsync(), "the priming event") ?? throw new InvalidOperationException("The stream ended.");
            }
        }

        // The client is gone; in these revisions that is no cancellation.
        await ReleaseAsync(session);
        using var resumed = await EventStream.GetAsync(_host, "/mcp/slow", session, lastEventId["id: ".Length..]);
        var answer = await resumed.DataAsync("the answer");
        Assert.Contains("\"id\":\"waits\"", answer, StringComparison.Ordinal);
        Assert.Contains("released", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_WhenTheLastEventIdIsUnknown_Answers400()
    {
        var session = await _host.InitializeAsync("/mcp/slow");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/mcp/slow");
        request.Headers.Add("Mcp-Session-Id", session);
        request.Headers.Add("Accept", "text/event-stream");
        request.Headers.Add("Last-Event-ID", "99-7");
        using var response = await SendAsync(request);
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task LegacyCall_WhenCancelled_LeavesNoCallOpen()
    {
        var session = await _host.InitializeAsync("/mcp/slow");
        using var response = await SendAsync(Wait(session));
        var (status, _, _) = await _host.PostAsync(
            "/mcp/slow", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"waits"}}""", "Mcp-Session-Id: " + session);
        Assert.Equal(System.Net.HttpStatusCode.Accepted, status);

        // The stream ends without an answer, and the server's slot is free.
        var text = await Guard.WithinAsync(response.Content.ReadAsStringAsync(), "the end of the cancelled call's stream");
        Assert.DoesNotContain("\"waits\"", text, StringComparison.Ordinal);
        Assert.True(_host.Manager.Fleet.TryGet("slow", out var cell));
        Assert.Equal(0, cell.Current.Shared!.Pending.CountOpen());
    }

    [Fact]
    public async Task Listen_WhenOpened_AcknowledgesFirstAndTagsWithTheRequestsId()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/mcp");
        request.Content = new StringContent(
            """{"jsonrpc":"2.0","id":1763668800000,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""",
            Encoding.UTF8, "application/json");
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", "subscriptions/listen");
        using var stream = await EventStream.OpenAsync(_host, request);
        var acknowledged = await stream.DataAsync("the acknowledgement");
        Assert.Contains("notifications/subscriptions/acknowledged", acknowledged, StringComparison.Ordinal);
        Assert.Contains("\"io.modelcontextprotocol/subscriptionId\":1763668800000", acknowledged, StringComparison.Ordinal);

        await _host.Manager.DeployServerAsync(Echo.Server("late"));
        var changed = await stream.DataAsync("the change of the tool list");
        Assert.Contains("notifications/tools/list_changed", changed, StringComparison.Ordinal);
        Assert.Contains("\"io.modelcontextprotocol/subscriptionId\":1763668800000", changed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listen_WhenFairleadStops_EndsAtOnceWithItsResult()
    {
        // The clock stands still: no keep-alive wakes the stream.
        await using var host = await FrontHost.StartAsync(new FairleadOptions(), timeProvider: new FakeTimeProvider());
        using var request = FrontHost.Compose(
            "/mcp",
            """{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""",
            "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen");
        using var stream = await EventStream.OpenAsync(host, request);
        Assert.Contains("acknowledged", await stream.DataAsync("the acknowledgement"), StringComparison.Ordinal);

        await Guard.WithinAsync(host.Manager.ShutdownAsync(TimeSpan.Zero), "the shutdown");

        Assert.Equal(
            """{"jsonrpc":"2.0","id":"l","result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":"l"}}}""",
            await stream.NextAsync("the end of the stream"));
        Assert.Null(await stream.NextAsync("nothing more"));
    }

    private static HttpRequestMessage Wait(string session)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/mcp/slow")
        {
            Content = new StringContent("""{"jsonrpc":"2.0","id":"waits","method":"tools/call","params":{"name":"wait","arguments":{}}}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.Add("Mcp-Session-Id", session);
        return request;
    }

    private async Task ReleaseAsync(string session)
    {
        var (_, body, _) = await _host.PostAsync("/mcp/slow", """{"jsonrpc":"2.0","id":"r","method":"tools/call","params":{"name":"release","arguments":{}}}""", "Mcp-Session-Id: " + session);
        Assert.Contains("1 released", body, StringComparison.Ordinal);
    }

    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) =>
        Guard.WithinAsync(_host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), "the head of an answer");
}
