using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

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
    public async Task SetLevel_WhenTwoSessionsDiffer_EachHasItsOwnAndTheServerTheMoreVerbose()
    {
        var quiet = await _host.InitializeAsync("/mcp/one");
        var chatty = await _host.InitializeAsync("/mcp/one");
        await SetLevelAsync("/mcp/one", quiet, "\"error\"");
        await SetLevelAsync("/mcp/one", chatty, "\"info\"");
        await SetLevelAsync("/mcp/one", quiet, "\"alert\"");

        Assert.Equal(["error", "info", "info"], (await LevelsAsync("one", 3)));
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

        Assert.Equal(["debug", "debug"], await LevelsAsync("one", 2));
        Assert.Equal(["error"], await LevelsAsync("two", 1));
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
