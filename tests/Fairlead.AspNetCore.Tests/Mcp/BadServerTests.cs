using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Exchanges;
using Fairlead.Upstreams;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Servers that break over a call, as their clients see it: an answer at once that names the server and the cause, while other servers are used as ever.</summary>
public sealed class BadServerTests : IAsyncLifetime
{
    private FrontHost _host = null!;

    public async Task InitializeAsync()
    {
        var options = new FairleadOptions
        {
            Servers =
            {
                Echo.Misbehaving("endless", "endless-line"), Echo.Misbehaving("dies", "die-mid-answer"), Echo.Server("echo"),
                new ServerConfig { Name = "ghost", Command = "no-such-program-anywhere" },
                new ServerConfig { Name = "keyless", Command = "sh", MissingVariables = { "GITHUB_TOKEN" } },
            },
        };
        options.Limits.UpstreamMessageBytesMax = 64 * 1024;
        _host = await FrontHost.StartAsync(options);
    }

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Theory]
    [InlineData("endless", "endless", "a line without end (more than 4 x 65536 bytes)")]
    [InlineData("dies", "die", "exited with code 4")]
    public async Task Call_WhenTheServerBreaksInTheMiddleOfAnAnswer_FailsAtOnceWithTheCauseAndTheMend(string server, string tool, string cause)
    {
        var (status, body, _) = await _host.ModernAsync("/mcp/" + server, "tools/call", $"\"name\":\"{tool}\",\"arguments\":{{}}", tool, id: "\"c\"");

        Assert.Equal(HttpStatusCode.OK, status);
        var message = AssertFailure(body, server, "server_lost");
        Assert.Contains(cause, message, StringComparison.Ordinal);
        Assert.Contains("call again when it is back (fairlead ps shows its state)", message, StringComparison.Ordinal);
        await AssertEchoWorksAsync();
    }

    [Fact]
    public async Task Call_WhenTheServerDiesInTheMiddleOfAnAnswer_CarriesItsLastWords()
    {
        var session = await _host.InitializeAsync("/mcp");
        var (_, body, _) = await _host.PostAsync(
            "/mcp", """{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"dies__die","arguments":{}}}""", "Mcp-Session-Id: " + session);

        Assert.Contains("dying in the middle of a sentence", AssertFailure(body, "dies", "server_lost"), StringComparison.Ordinal);
        Assert.DoesNotContain("the answer to your", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ghost", "server_unavailable", "no-such-program-anywhere", "Install it")]
    [InlineData("keyless", "auth_required", "GITHUB_TOKEN", "set it in the environment or in .env")]
    public async Task Call_WhenTheServerCannotBeStarted_SaysWhyAndTheMendInBothEras(string server, string reason, string cause, string mend)
    {
        var (status, modern, _) = await _host.ModernAsync("/mcp/" + server, "tools/call", "\"name\":\"hello\",\"arguments\":{}", "hello", id: "\"c\"");
        Assert.Equal(HttpStatusCode.OK, status);
        var message = AssertFailure(modern, server, reason);
        Assert.Contains(cause, message, StringComparison.Ordinal);
        Assert.Contains(mend, message, StringComparison.Ordinal);

        var session = await _host.InitializeAsync("/mcp/" + server);
        var (_, legacy, _) = await _host.PostAsync(
            "/mcp/" + server, """{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"hello","arguments":{}}}""", "Mcp-Session-Id: " + session);
        Assert.Contains(cause, AssertFailure(legacy, server, reason), StringComparison.Ordinal);
        await AssertEchoWorksAsync();
    }

    private static string AssertFailure(string body, string server, string reason)
    {
        var root = JsonDocument.Parse(EventStream.LastMessage(body)).RootElement;
        Assert.True(root.TryGetProperty("error", out var error), body);
        Assert.Equal("c", root.GetProperty("id").GetString());
        Assert.Equal(-32603, error.GetProperty("code").GetInt32());
        Assert.Equal(CallFailures.Word(Enum.GetValues<ForwardError>().Single(one => ForwardErrors.Tag(one) == reason)), error.GetProperty("data").GetProperty("error").GetString());
        Assert.Equal((server, reason), (error.GetProperty("data").GetProperty("server").GetString(), error.GetProperty("data").GetProperty("reason").GetString()));
        return error.GetProperty("message").GetString()!;
    }

    private async Task AssertEchoWorksAsync() => Assert.Contains(
        "still here", (await _host.ModernAsync("/mcp", "tools/call", "\"name\":\"echo__echo\",\"arguments\":{\"message\":\"still here\"}", "echo__echo")).Body, StringComparison.Ordinal);
}
