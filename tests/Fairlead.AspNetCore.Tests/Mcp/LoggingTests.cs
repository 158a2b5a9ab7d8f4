using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Log lines of servers at the front: <c>logging/setLevel</c> per session (to 2025-11-25), <c>_meta</c> logLevel per request (2026-07-28).</summary>
public sealed class LoggingTests : IAsyncLifetime
{
    private static readonly string[] s_levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
    private readonly Dictionary<string, ScriptedRuns> _runs = [];
    private FrontHost _host = null!;

    public async Task InitializeAsync()
    {
        var options = new FairleadOptions { Servers = { new ServerConfig { Name = "one" }, new ServerConfig { Name = "two" } } };
        _host = await FrontHost.StartAsync(options, manager =>
        {
            foreach (var name in new[] { "one", "two" })
            {
                _runs[name] = ScriptedRuns.Legacy(static server => server
                    .SpeaksLegacy("""{"tools":{},"logging":{}}""").On("tools/call", static _ => null).On("logging/setLevel", """ "result":{} """));
                manager.AddServer(name, _runs[name]);
            }
        });
    }

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Theory]
    [InlineData(null, 0)]
    [InlineData("debug", 0)]
    [InlineData("warning", 3)]
    [InlineData("emergency", 7)]
    public async Task SetLevel_WhenSetForASession_FiltersItsMessagesByteForByte(string? level, int first)
    {
        var session = await _host.InitializeAsync("/mcp/one");
        if (level is not null)
        {
            Assert.Equal("""{"jsonrpc":"2.0","id":"l","result":{}}""", (await SetLevelAsync("/mcp/one", session, $"\"{level}\"")).Body);
        }

        Assert.Equal(s_levels[first..].Select(Line), await LogsAsync(Legacy("/mcp/one", session)));
    }

    [Fact]
    public async Task Level_WhenMessagesMayOvertakeEachOther_IsAnsweredBeforeAnyCallThatWantsItIsSent()
    {
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var early = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var upstream = await RawUpstream.StartAsync(async (_, context, request) =>
        {
            switch (request.RpcMethod)
            {
                case "initialize":
                    await context.ResultAsync(request, """{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"raw","version":"1"}}""");
                    break;
                case "tools/list":
                    await context.ResultAsync(request, """{"tools":[{"name":"talk","inputSchema":{"type":"object"}}]}""");
                    break;
                case "logging/setLevel":
                    await answered.Task;
                    await context.ResultAsync(request, "{}");
                    break;
                case "tools/call":
                    if (request.Body.Contains("loud", StringComparison.Ordinal) && !answered.Task.IsCompleted)
                    {
                        early.Enqueue(request.Body);
                    }

                    await context.ResultAsync(request, """{"content":[]}""");
                    break;
                default:
                    await context.StatusAsync(request.Id.Length == 0 && request.Method == "POST" ? 202 : 400);
                    break;
            }
        });
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s", Url = upstream.Url } } });
        Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> Loud() => host.ModernAsync(
            "/mcp/s", "tools/call", """ "name":"talk","arguments":{"as":"loud"}""", "talk", meta: """ "io.modelcontextprotocol/logLevel":"info" """);

        var first = Loud();
        await upstream.NextAsync("logging/setLevel");
        var second = Loud();
        Assert.Contains("complete", (await host.ModernAsync("/mcp/s", "tools/call", """ "name":"talk","arguments":{}""", "talk")).Body, StringComparison.Ordinal);
        answered.SetResult();

        Assert.Contains("complete", (await first).Body, StringComparison.Ordinal);
        Assert.Contains("complete", (await second).Body, StringComparison.Ordinal);
        Assert.Empty(early);
    }

    [Fact]
    public async Task SetLevel_WhenTwoSessionsDiffer_EachHasItsOwnAndTheServerTheMoreVerbose()
    {
        var quiet = await _host.InitializeAsync("/mcp/one");
        var chatty = await _host.InitializeAsync("/mcp/one");
        await SetLevelAsync("/mcp/one", quiet, "\"error\"");
        await SetLevelAsync("/mcp/one", chatty, "\"info\"");
        await SetLevelAsync("/mcp/one", quiet, "\"alert\"");

        // The third changed nothing for the server, so it was not told.
        Assert.Equal(["error", "info"], (await LevelsAsync("one", 2)));
        Assert.Equal(s_levels[6..].Select(Line), await LogsAsync(Legacy("/mcp/one", quiet)));
        Assert.Equal(s_levels[1..].Select(Line), await LogsAsync(Legacy("/mcp/one", chatty)));
    }

    [Fact]
    public async Task SetLevel_WhenSetAtTheAggregate_DoesNotTakeFromSessionsOfOneServer()
    {
        var one = await _host.InitializeAsync("/mcp/one");
        var all = await _host.InitializeAsync("/mcp");
        await SetLevelAsync("/mcp/one", one, "\"debug\"");
        await SetLevelAsync("/mcp", all, "\"error\"");

        Assert.Equal(["debug"], await LevelsAsync("one", 1));
        Assert.Equal(["error"], await LevelsAsync("two", 1));
    }

    [Fact]
    public async Task SetLevel_WhenTheChattySessionThinksBetter_TheServerIsSetBack()
    {
        var session = await _host.InitializeAsync("/mcp/one");
        await SetLevelAsync("/mcp/one", session, "\"debug\"");
        await SetLevelAsync("/mcp/one", session, "\"alert\"");

        Assert.Equal(["debug", "alert"], await LevelsAsync("one", 2));
    }

    [Fact]
    public async Task LogLevel_WhenARequestWantsMoreThanTheServerSends_TheServerIsToldOnceAndBeforeTheCall()
    {
        var session = await _host.InitializeAsync("/mcp/one");
        await SetLevelAsync("/mcp/one", session, "\"warning\"");
        await LogsAsync(Modern(",\"io.modelcontextprotocol/logLevel\":\"error\""));
        await LogsAsync(Modern(",\"io.modelcontextprotocol/logLevel\":\"info\""));
        await LogsAsync(Modern(",\"io.modelcontextprotocol/logLevel\":\"info\""));
        await LogsAsync(Modern(""));

        // What a session wants less of afterwards, a request may want again at any time.
        await SetLevelAsync("/mcp/one", session, "\"alert\"");

        var server = (await _runs["one"].WhenRunAsync(1)).Server;
        Assert.Equal(
            ["warning", "call", "info", "call", "call", "call"],
            server.Received.Where(static request => request.Method is "logging/setLevel" or "tools/call").Select(static request => request.Text("level") ?? "call"));
    }

    [Fact]
    public async Task SetLevel_WhenTheServerIsStartedAgain_IsToldWithTheNextCall()
    {
        var session = await _host.InitializeAsync("/mcp/one");
        await SetLevelAsync("/mcp/one", session, "\"notice\"");
        await _host.Manager.RestartServerAsync("one");
        var server = (await _runs["one"].WhenRunAsync(2)).Server;
        var calling = _host.Http.SendAsync(Legacy("/mcp/one", session));
        await server.WhenReceivedAsync("tools/call");

        Assert.Equal("notice", server.Received.Single(static request => request.Method == "logging/setLevel").Text("level"));
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received[^1].Id}}},"result":{"content":[]}}""");
        (await Guard.WithinAsync(calling, "the answer")).Dispose();
    }

    [Fact]
    public async Task SetLevel_WhenTheSessionHasAnInstanceOfItsOwn_IsToldThereToo()
    {
        var runs = ScriptedRuns.Legacy(static server => server.SpeaksLegacy("""{"tools":{},"logging":{}}""").On("logging/setLevel", """ "result":{} """));
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { new ServerConfig { Name = "own", Isolation = ServerIsolation.Session } } }, manager => manager.AddServer("own", runs));
        var session = await host.InitializeAsync("/mcp/own");
        await host.PostAsync("/mcp/own", """{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"notice"}}""", "Mcp-Session-Id: " + session);
        await host.PostAsync("/mcp/own", """{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hello"}}""", "Mcp-Session-Id: " + session);
        await host.PostAsync("/mcp/own", """{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"hello"}}""", "Mcp-Session-Id: " + session);

        var own = (await runs.WhenRunAsync(2)).Server;
        Assert.Equal(["logging/setLevel", "tools/call", "tools/call"], own.Received.Select(static request => request.Method).Where(static method => method is "logging/setLevel" or "tools/call"));
        Assert.Equal("notice", own.Received.Single(static request => request.Method == "logging/setLevel").Text("level"));
    }

    // Servers written with the official SDKs log when they are asked to, whether they declare it or not; to others the member says nothing.
    [Theory]
    [InlineData("""{"tools":{},"logging":{}}""")]
    [InlineData("""{"tools":{}}""")]
    public async Task SetLevel_ForAModernServer_IsCarriedByEachCall(string capabilities)
    {
        await using var fleet = await ScriptedFleet.StartAsync(("m", server => server
            .SpeaksModern(capabilities)
            .On("tools/list", """ "result":{"resultType":"complete","tools":[{"name":"hello","inputSchema":{"type":"object"}}]} """)
            .On("tools/call", """ "result":{"resultType":"complete","content":[]} """)));
        var session = await fleet.Host.InitializeAsync("/mcp/m");
        await fleet.LegacyAsync("/mcp/m", session, "logging/setLevel", """{"level":"notice"}""");
        await fleet.LegacyAsync("/mcp/m", session, "tools/call", """{"name":"hello"}""");

        var received = (await fleet.ServerAsync("m")).Received;
        Assert.DoesNotContain(received, static request => request.Method == "logging/setLevel");
        Assert.Contains("\"io.modelcontextprotocol/logLevel\":\"notice\"", received.Single(static request => request.Method == "tools/call").Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LogLevel_WhenTheLegacyServerIsBehindHttp_TheCallWaitsUntilTheServerKnows()
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await RawUpstream.StartAsync(async (_, context, request) =>
        {
            switch (request.RpcMethod)
            {
                case "initialize":
                    await context.ResultAsync(request, """{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"s","version":"1"}}""");
                    break;
                case "tools/list":
                    await context.ResultAsync(request, """{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]}""");
                    break;
                case "logging/setLevel":
                    await told.Task;
                    await context.ResultAsync(request, "{}");
                    break;
                case "tools/call":
                    await context.ResultAsync(request, """{"content":[]}""");
                    break;
                case "notifications/initialized":
                    context.Response.StatusCode = 202;
                    break;
                default:
                    context.Response.StatusCode = request.Method == "POST" ? 400 : 405;
                    break;
            }
        });
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "web", Url = upstream.Url } } });
        var calling = host.ModernAsync("/mcp/web", "tools/call", "\"name\":\"hello\"", "hello", meta: "\"io.modelcontextprotocol/logLevel\":\"info\"");
        await upstream.NextAsync("logging/setLevel");
        Assert.DoesNotContain(upstream.Requests, static request => request.RpcMethod == "tools/call");
        told.SetResult();

        Assert.Contains("\"content\"", (await calling).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"loud\"")]
    [InlineData("\"INFO\"")]
    [InlineData("5")]
    [InlineData("null")]
    public async Task SetLevel_WhenTheLevelIsNone_AnswersInvalidParamsNamingThem(string level)
    {
        var session = await _host.InitializeAsync("/mcp/one");
        var (status, body, _) = await SetLevelAsync("/mcp/one", session, level);
        Assert.Equal(HttpStatusCode.OK, status);
        AssertLevelError(body);
        Assert.Equal(s_levels.Select(Line), await LogsAsync(Legacy("/mcp/one", session)));
    }

    [Theory]
    [InlineData(null, 8)]
    [InlineData("debug", 0)]
    [InlineData("error", 4)]
    public async Task LogLevel_WhenARequestCarriesIt_FiltersThatRequestsMessages(string? level, int first)
    {
        var meta = level is null ? "" : $",\"io.modelcontextprotocol/logLevel\":\"{level}\"";
        Assert.Equal(s_levels[first..].Select(Line), await LogsAsync(Modern(meta)));
    }

    [Theory]
    [InlineData("tools/call", "\"loud\"")]
    [InlineData("tools/call", "7")]
    [InlineData("tools/list", "\"Error\"")]
    public async Task LogLevel_WhenItIsNone_Answers400InvalidParamsNamingThem(string method, string level)
    {
        var (status, body, _) = await _host.ModernAsync(
            "/mcp/one", method, method == "tools/call" ? "\"name\":\"hello\"" : "", method == "tools/call" ? "hello" : null, meta: "\"io.modelcontextprotocol/logLevel\":" + level);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        AssertLevelError(body);
    }

    private static void AssertLevelError(string body)
    {
        var error = JsonDocument.Parse(body).RootElement.GetProperty("error");
        Assert.Equal(-32602, error.GetProperty("code").GetInt32());
        Assert.Contains("evel must be one of debug, info, notice, warning, error, critical, alert, emergency.", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private static string Line(string level) => $$$"""{"method":"notifications/message", "params":{"level":"{{{level}}}","logger":"\u006c","data":{"n":1.50}},"jsonrpc":"2.0"}""";

    private static HttpRequestMessage Legacy(string path, string session) => FrontHost.Compose(
        path, """{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"hello","arguments":{}}}""", "Mcp-Session-Id: " + session);

    private static HttpRequestMessage Modern(string meta) => FrontHost.Compose(
        "/mcp/one",
        """{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"hello","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}"""
        + meta + "}}}",
        "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: hello");

    private Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> SetLevelAsync(string path, string session, string level) =>
        _host.PostAsync(path, $$$"""{"jsonrpc":"2.0","id":"l","method":"logging/setLevel","params":{"level":{{{level}}}}}""", "Mcp-Session-Id: " + session);

    /// <summary>What the server has been set to, in order.</summary>
    private async Task<string[]> LevelsAsync(string name, int count)
    {
        var server = (await _runs[name].WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("logging/setLevel", count);
        return [.. server.Received.Where(static request => request.Method == "logging/setLevel").Select(static request => request.Text("level")!)];
    }

    /// <summary>Calls, lets the server log once on each level, and returns what came before the answer.</summary>
    private async Task<List<string>> LogsAsync(HttpRequestMessage request)
    {
        var server = (await _runs["one"].WhenRunAsync(1)).Server;
        var before = server.Received.Count(static received => received.Method == "tools/call");
        var opening = EventStream.OpenAsync(_host, request, orJson: true);
        await server.WhenReceivedAsync("tools/call", before + 1);
        foreach (var level in s_levels)
        {
            await server.SendAsync(Line(level));
        }

        var id = server.Received.Last(static received => received.Method == "tools/call").Id;
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{"content":[]}}""");
        using var stream = await opening;
        var messages = await stream.RestAsync("the answer");
        Assert.Contains("\"id\":\"c\"", messages[^1], StringComparison.Ordinal);
        return messages[..^1];
    }
}
