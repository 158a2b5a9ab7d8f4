using System.Net;
using System.Text;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Legacy sessions over a restart, in raw HTTP (decision 10): each start is another Fairlead on the same state folder.</summary>
public sealed class SessionRevivalTests : IDisposable
{
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("fairlead-revival-");

    public void Dispose() => _state.Delete(recursive: true);

    [Theory]
    [InlineData("/mcp", "echo__echo")]
    [InlineData("/mcp/echo", "echo")]
    public async Task Session_AfterARestart_GoesOnAndIsToldWhatMayHaveChanged(string path, string tool)
    {
        string session;
        await using (var before = await StartAsync())
        {
            session = await before.InitializeAsync(path);
            Assert.InRange(session.Length, 32, 512);
        }

        await using var after = await StartAsync();
        var (status, body, _) = await after.PostAsync(path, Call(tool), "Mcp-Session-Id: " + session, "MCP-Protocol-Version: 2025-11-25");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("\"result\":{\"content\"", body, StringComparison.Ordinal);

        // The client comes back to its standalone stream, with the id of an event of the life before.
        using var get = Get(path, session);
        get.Headers.Add("Last-Event-ID", "0-3");
        using var response = await Guard.WithinAsync(after.Http.SendAsync(get, HttpCompletionOption.ResponseHeadersRead), "the standalone stream");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        string? line;
        do
        {
            line = await Guard.WithinAsync(lines.ReadLineAsync(), "list_changed on the first stream");
        }
        while (line is not null && !line.StartsWith("data: {", StringComparison.Ordinal));

        Assert.Contains("notifications/tools/list_changed", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Session_WhenDeleted_Is404AlsoAfterARestart()
    {
        string deleted, open;
        await using (var before = await StartAsync())
        {
            deleted = await before.InitializeAsync("/mcp");
            open = await before.InitializeAsync("/mcp");
            Assert.Equal(HttpStatusCode.OK, await DeleteAsync(before, deleted));
            Assert.Equal(HttpStatusCode.NotFound, await PingAsync(before, "/mcp", deleted));
        }

        await using (var after = await StartAsync())
        {
            Assert.Equal(HttpStatusCode.NotFound, await PingAsync(after, "/mcp", deleted));
            Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync(after, deleted));

            // Ended without having been used in this process.
            Assert.Equal(HttpStatusCode.OK, await DeleteAsync(after, open));
        }

        await using var later = await StartAsync();
        Assert.Equal(HttpStatusCode.NotFound, await PingAsync(later, "/mcp", open));
    }

    [Fact]
    public async Task Session_WhenForgedOrOfAnotherEndpoint_IsAnsweredLikeAnUnknownOne()
    {
        string session;
        await using (var before = await StartAsync())
        {
            session = await before.InitializeAsync("/mcp/echo");
        }

        await using var after = await StartAsync();
        var (unknownStatus, unknown, _) = await PostPingAsync(after, "/mcp", "v1.00000000.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAA");
        Assert.Equal(HttpStatusCode.NotFound, unknownStatus);
        var forged = session[..^1] + (session[^1] == 'A' ? 'Q' : 'A');
        foreach (var (path, id) in new[] { ("/mcp/echo", forged), ("/mcp", session), ("/mcp/echo", "x"), ("/mcp/echo", session + "A"), ("/mcp", new string('A', 4_000)) })
        {
            var (status, body, _) = await PostPingAsync(after, path, id);
            Assert.Equal((HttpStatusCode.NotFound, unknown), (status, body));
        }

        Assert.Equal(HttpStatusCode.OK, await PingAsync(after, "/mcp/echo", session));
    }

    [Fact]
    public async Task Session_WhenSessionsMaxAreRevived_GetsWaitAndNot404()
    {
        string one, two;
        await using (var before = await StartAsync())
        {
            one = await before.InitializeAsync("/mcp");
            two = await before.InitializeAsync("/mcp");
        }

        await using var after = await StartAsync(sessionsMax: 1);
        Assert.Equal(HttpStatusCode.OK, await PingAsync(after, "/mcp", one));
        var (status, body, response) = await PostPingAsync(after, "/mcp", two);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("sessionsMax", body, StringComparison.Ordinal);
        Assert.True(response.Headers.Contains("Retry-After"));
    }

    [Fact]
    public async Task Get_OfAStreamFromBeforeTheRestart_SaysThatItsAnswerIsLost()
    {
        string session;
        await using (var before = await StartAsync())
        {
            session = await before.InitializeAsync("/mcp");
        }

        await using var after = await StartAsync();
        using var get = Get("/mcp", session);
        get.Headers.Add("Last-Event-ID", "1-1");
        using var response = await Guard.WithinAsync(after.Http.SendAsync(get), "the answer to the GET");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("Send that request again", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static string Call(string tool) =>
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool + "\",\"arguments\":{\"text\":\"hello\"}}}";

    private static HttpRequestMessage Get(string path, string session)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Mcp-Session-Id", session);
        request.Headers.Add("Accept", "text/event-stream");
        return request;
    }

    private static Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> PostPingAsync(FrontHost host, string path, string session) =>
        host.PostAsync(path, """{"jsonrpc":"2.0","id":1,"method":"ping"}""", "Mcp-Session-Id: " + session);

    private static async Task<HttpStatusCode> PingAsync(FrontHost host, string path, string session) => (await PostPingAsync(host, path, session)).Status;

    private static async Task<HttpStatusCode> DeleteAsync(FrontHost host, string session)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/mcp");
        request.Headers.Add("Mcp-Session-Id", session);
        using var response = await Guard.WithinAsync(host.Http.SendAsync(request), "the end of the session");
        return response.StatusCode;
    }

    private Task<FrontHost> StartAsync(int sessionsMax = 10)
    {
        var options = Echo.Options("echo");
        options.StateFolder = _state.FullName;
        options.Limits.SessionsMax = sessionsMax;
        return FrontHost.StartAsync(options);
    }
}
