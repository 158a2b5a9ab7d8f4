using System.Net;
using System.Text.Json;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary><c>GET /api/v1/events</c>, as docs/rest.md describes it.</summary>
public sealed class EventRoutesTests : IAsyncLifetime
{
    private LiveHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await LiveHost.StartAsync();
        await _host.ReachedAsync("calc", ServerState.Healthy);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Stream_OfAllAndResumed_TellsWhatHappensOnce()
    {
        string lastId;
        using (var stream = await OpenAsync(""))
        {
            await _host.PostAsync("", LiveHost.Extra);
            var added = await NextAsync(stream, "server.added");
            Assert.Equal("extra", added.GetProperty("server").GetString());
            var healthy = await NextAsync(stream, "server.state", "Healthy");
            Assert.Equal("Initializing", healthy.GetProperty("before").GetString());
            Assert.True(healthy.GetProperty("number").GetInt64() > added.GetProperty("number").GetInt64());
            lastId = stream.LastId;
        }

        await _host.PostAsync("/extra/maintenance", """{"on":true,"reason":"moving house"}""");

        using var resumed = await OpenAsync("?types=server.state&servers=extra", lastId);
        var away = Read(await resumed.DataAsync("what happened meanwhile"));
        Assert.Equal(("Maintenance", "moving house"), (away.GetProperty("state").GetString(), away.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task Stream_OfCalls_NamesMethodToolDurationAndError()
    {
        using var stream = await OpenAsync("?types=call");
        await _host.SendAsync(HttpMethod.Post, "/calc/tools/say/call", """{"arguments":{}}""");
        await _host.Front.PostAsync("/mcp/calc", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""", "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: add");

        foreach (var tool in (string[])["say", "add"])
        {
            var call = Read(await stream.DataAsync("the call of " + tool));
            Assert.Equal(("call", "calc", "tools/call", tool), (Text(call, "type"), Text(call, "server"), Text(call, "method"), Text(call, "tool")));
            Assert.True(call.GetProperty("durationMs").GetDouble() >= 0);
            Assert.False(call.TryGetProperty("error", out _));
        }
    }

    [Fact]
    public async Task Stream_AfterAnIdOfAnotherRun_BeginsWithAGap()
    {
        using var stream = await OpenAsync("?after=00000000-5");
        var gap = Read(await stream.DataAsync("the gap"));
        Assert.Equal(("gap", "Fairlead was started again meanwhile"), (Text(gap, "type"), Text(gap, "reason")));
        await NextAsync(stream, "server.added");
    }

    [Fact]
    public async Task Stream_OfARolloutAndAReloadedFleet_TellsEachPhase()
    {
        await _host.PostAsync("", LiveHost.Extra);
        await _host.ReachedAsync("extra", ServerState.Healthy);
        using var stream = await OpenAsync("?types=rollout");
        await _host.SendAsync(HttpMethod.Post, "/extra/rollouts", """{"strategy":"rolling","observeMs":3600000}""");
        await _host.SendAsync(HttpMethod.Post, "/extra/rollouts/promote", "{}");

        foreach (var phase in (string[])["Starting", "Watching", "Completed"])
        {
            Assert.Equal(phase, Text(Read(await stream.DataAsync("phase " + phase)).GetProperty("rollout"), "phase"));
        }
    }

    [Fact]
    public async Task Stream_WhenFairleadStops_Ends()
    {
        using var stream = await OpenAsync("");
        var stopping = _host.StopAsync();
        await stream.RestAsync("the end of the stream");
        await stopping;
    }

    [Theory]
    [InlineData("?types=serve", HttpStatusCode.BadRequest, "InvalidConfiguration", "server.added")]
    [InlineData("?after=17", HttpStatusCode.BadRequest, "InvalidRequest", "An id looks like")]
    [InlineData("?types=log", HttpStatusCode.Unauthorized, "Unauthenticated", "admin.token")]
    public async Task Get_OfWhatCannotBe_SaysWhatCan(string query, HttpStatusCode expected, string title, string detail)
    {
        var (status, problem, _) = await RestHost.SendAsync(_host.Front, HttpMethod.Get, "/api/v1/events" + query, null, null);
        Assert.Equal((expected, title), (status, Text(problem, "title")));
        Assert.Contains(detail, Text(problem, "detail"), StringComparison.Ordinal);
    }

    private static JsonElement Read(string json) => JsonDocument.Parse(json).RootElement;

    private static string? Text(JsonElement holder, string name) => holder.GetProperty(name).GetString();

    private static async Task<JsonElement> NextAsync(EventStream stream, string type, string? state = null)
    {
        while (true)
        {
            var one = Read(await stream.DataAsync($"{type} {state}"));
            if (Text(one, "type") == type && (state is null || Text(one, "state") == state))
            {
                return one;
            }
        }
    }

    private Task<EventStream> OpenAsync(string query, string? lastId = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events" + query);
        if (lastId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastId);
        }

        return EventStream.OpenAsync(_host.Front, request);
    }
}
