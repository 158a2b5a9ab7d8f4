using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Tests.Upstreams.Http;

/// <summary>Era detection over HTTP: what a server answers to the probe, and what follows.</summary>
public sealed class HttpHandshakeTests
{
    [Theory]
    [InlineData(400, "text/plain", "Bad Request")]
    [InlineData(400, "application/json", """{"error":{"code":-32000,"message":"no session"},"id":null}""")]
    [InlineData(400, "application/json", """{"jsonrpc":"2.0","error":{"code":-32000,"message":"Unsupported protocol version"},"id":null}""")]
    [InlineData(404, "text/html", "<html>Cannot POST /</html>")]
    [InlineData(404, "application/json", """{"detail":"Not Found"}""")]
    [InlineData(405, "", "")]
    [InlineData(406, "application/json", """{"message":"Not Acceptable"}""")]
    [InlineData(415, "", "")]
    [InlineData(200, "application/json", """{"jsonrpc":"2.0","id":ID,"result":{}}""")]
    [InlineData(200, "application/json", """{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"Method not found"}}""")]
    [InlineData(200, "text/event-stream", "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":{\"code\":-32601,\"message\":\"x\"}}\n\n")]
    [InlineData(400, "application/json", """{"jsonrpc":"2.0","id":ID,"error":{"code":-32022,"message":"x","data":{"supported":["2025-06-18"],"requested":"2026-07-28"}}}""")]
    public async Task Open_WhenTheProbeIsNotUnderstood_Initializes(int status, string contentType, string body)
    {
        await using var upstream = await RawUpstream.StartAsync((self, context, request) => request.RpcMethod == "server/discover"
            ? context.AnswerAsync(status, contentType, body.Replace("ID", request.Id, StringComparison.Ordinal))
            : AnswerLegacyAsync(context, request));
        await using var rig = HttpRig.Create(upstream.Url);

        var (outcome, reason) = await rig.HandshakeAsync();

        Assert.True(outcome == HandshakeOutcome.Ready, reason);
        Assert.Equal(ProtocolVersion.V20250618, rig.Connection.Identity.Version);
        Assert.Equal(["server/discover", "initialize", "notifications/initialized", ""], upstream.Requests.Select(request => request.RpcMethod));
    }

    [Fact]
    public async Task Open_WhenOnlyAnOlderRevisionIsServed_OffersThatOne()
    {
        await using var upstream = await RawUpstream.StartAsync((_, context, request) => request.RpcMethod == "server/discover"
            ? context.ErrorAsync(request, """{"code":-32022,"message":"x","data":{"supported":["2024-11-05","2025-06-18"]}}""", 400)
            : AnswerLegacyAsync(context, request));
        await using var rig = HttpRig.Create(upstream.Url);

        await rig.HandshakeAsync();

        Assert.Contains("\"protocolVersion\":\"2025-06-18\"", (await upstream.NextAsync("initialize")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_WhenTheServerDiscovers_IsModernAndSaysNothingElse()
    {
        await using var upstream = await ModernScript.StartAsync((_, context, _) => context.StatusAsync(500));
        await using var rig = await HttpRig.OpenAsync(upstream);

        Assert.True(rig.Connection.Identity.IsModern);
        var probe = Assert.Single(upstream.Requests);
        Assert.Equal("2026-07-28", probe["MCP-Protocol-Version"]);
        Assert.Equal("server/discover", probe["Mcp-Method"]);
        Assert.Contains("\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/ui\":{\"mimeTypes\":[\"text/html;profile=mcp-app\"]}}}", probe.Body, StringComparison.Ordinal);
        Assert.Contains("\"io.modelcontextprotocol/clientInfo\":{", probe.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_WhenTheRevisionIsRefusedOnceAlthoughItIsServed_AsksAgain()
    {
        var probes = 0;
        await using var upstream = await RawUpstream.StartAsync((_, context, request) => Interlocked.Increment(ref probes) == 1
            ? context.ErrorAsync(request, """{"code":-32022,"message":"x","data":{"supported":["2026-07-28"],"requested":"2026-07-28"}}""", 400)
            : context.ResultAsync(request, ModernScript.Discovered));
        await using var rig = await HttpRig.OpenAsync(upstream);

        Assert.True(rig.Connection.Identity.IsModern);
        Assert.Equal(2, probes);
    }

    [Theory]
    [InlineData(401, "AuthenticationRequired", "HTTP 401")]
    [InlineData(403, "AuthenticationRequired", "HTTP 403")]
    [InlineData(500, "Failed", "HTTP 500")]
    [InlineData(503, "Failed", "HTTP 503")]
    [InlineData(429, "Failed", "HTTP 429")]
    public async Task Open_WhenTheStatusSaysNothingOfTheEra_DoesNotGuess(int status, string expected, string reasonPart)
    {
        await using var upstream = await RawUpstream.StartAsync((_, context, _) => context.AnswerAsync(status, "text/plain", "no"));
        await using var rig = HttpRig.Create(upstream.Url);

        var (outcome, reason) = await rig.HandshakeAsync();

        Assert.Equal(expected, outcome.ToString());
        Assert.Contains(reasonPart, reason, StringComparison.Ordinal);
        Assert.Single(upstream.Requests);
    }

    [Fact]
    public async Task Open_WhenInitializeIsUnknownToo_LeavesTheOlderTransportToTry()
    {
        await using var upstream = await RawUpstream.StartAsync((_, context, _) => context.AnswerAsync(404, "text/html", "<html></html>"));
        await using var rig = HttpRig.Create(upstream.Url);

        var (outcome, reason) = await rig.HandshakeAsync();

        Assert.Equal(HandshakeOutcome.NotStreamable, outcome);
        Assert.Contains("HTTP 404", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_WhenTheServerRedirects_SaysWhere()
    {
        await using var upstream = await RawUpstream.StartAsync((_, context, _) =>
        {
            context.Response.Headers.Location = "/elsewhere?key=secret";
            return context.StatusAsync(307);
        });
        await using var rig = HttpRig.Create(upstream.Url);

        var (outcome, reason) = await rig.HandshakeAsync();

        Assert.Equal(HandshakeOutcome.Failed, outcome);
        Assert.Contains("/elsewhere;", reason, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", reason, StringComparison.Ordinal);
        Assert.Single(upstream.Requests);
    }

    [Fact]
    public async Task Open_WhenNobodyListens_SaysWhereAndWhy()
    {
        Uri url;
        await using (var upstream = await RawUpstream.StartAsync((_, context, _) => context.StatusAsync(500)))
        {
            url = upstream.Url;
        }

        await using var rig = HttpRig.Create(url);
        string? hint = null;
        rig.Connection.Unreachable = detail => hint = detail;

        var (outcome, reason) = await rig.HandshakeAsync();

        Assert.Equal(HandshakeOutcome.Failed, outcome);
        Assert.Contains($"no connection to http://127.0.0.1:{url.Port}", reason, StringComparison.Ordinal);
        Assert.Equal(reason, hint);
    }

    [Fact]
    public async Task Open_WhenTheServerIsSaidToBeLegacyButIsNot_ProbesAfterAll()
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) =>
            context.ErrorAsync(request, """{"code":-32601,"message":"Method not found"}""", 404));
        await using var rig = HttpRig.Create(upstream.Url);

        var (outcome, reason) = await rig.HandshakeAsync(EraHint.Legacy);

        Assert.True(outcome == HandshakeOutcome.Ready, reason);
        Assert.True(rig.Connection.Identity.IsModern);
    }

    [Fact]
    public async Task Open_WhenTheServerIsSaidToBeLegacy_DoesNotProbe()
    {
        await using var upstream = await RawUpstream.StartAsync((_, context, request) => AnswerLegacyAsync(context, request));
        await using var rig = HttpRig.Create(upstream.Url);

        await rig.HandshakeAsync(EraHint.Legacy);

        Assert.Equal("initialize", upstream.Requests[0].RpcMethod);
    }

    private static Task AnswerLegacyAsync(HttpContext context, RawRequest request) => request switch
    {
        { RpcMethod: "initialize" } => context.ResultAsync(request, """{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"raw","version":"1"}}"""),
        { RpcMethod: "notifications/initialized" } => context.StatusAsync(202),
        _ => context.AnswerAsync(404, "text/html", "<html>Cannot GET /mcp</html>"),
    };
}
