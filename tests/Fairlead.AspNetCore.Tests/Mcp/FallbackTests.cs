using System.Text;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>What clients get when a tool's server cannot answer (product D10): an earlier result, that of another server, a text, in the order of the configuration.</summary>
public sealed class FallbackTests
{
    [Fact]
    public async Task Fallbacks_OfAServerThatIsAway_AreGivenInOrderToBothEras()
    {
        var clock = new FakeTimeProvider();
        var config = new ServerConfig
        {
            Name = "s", Fallback = { Order = ["cached", "server", "static"], MaxAgeMs = 60_000, Server = "other", Text = "away \u00e9" }, HealthCheck = { Kind = HealthCheckKind.None },
        };
        var (one, other) = (Runs("one"), Runs("other"));
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { config, new ServerConfig { Name = "other", HealthCheck = { Kind = HealthCheckKind.None } } } },
            manager =>
            {
                manager.AddServer("s", one);
                manager.AddServer("other", other);
            },
            clock);
        var session = await host.InitializeAsync("/mcp/s");
        Assert.Equal(("one", null), Seen(await ModernAsync(host, "\"n\":1.50")));
        await host.Manager.ShutdownServerAsync("s");

        // The same arguments: what was answered before, with the members of the client's own revision.
        Assert.Equal(("one", "cached"), Seen(await ModernAsync(host, "\"n\":1.50")));
        var legacy = await LegacyAsync(host, session, "\"n\":1.50");
        Assert.Equal(("one", "cached"), Seen(legacy));
        Assert.DoesNotContain("resultType", legacy, StringComparison.Ordinal);
        Assert.Contains("\"resultType\":\"complete\"", await ModernAsync(host, "\"n\":1.50"), StringComparison.Ordinal);

        // Others, and when it is too old: the other server; when that is away too: the text.
        Assert.Equal(("other", null), Seen(await ModernAsync(host, "\"n\":2")));
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(("other", null), Seen(await LegacyAsync(host, session, "\"n\":1.50")));
        await host.Manager.ShutdownServerAsync("other");
        Assert.Equal(("away \u00e9", "static"), Seen(await ModernAsync(host, "\"n\":1.50")));
        Assert.Equal(("away \u00e9", "static"), Seen(await LegacyAsync(host, session, "")));
    }

    [Fact]
    public async Task Fallbacks_OfCallersInThisProcessAndOverRest_AreThoseOfClients()
    {
        var clock = new FakeTimeProvider();
        var config = new ServerConfig
        {
            Name = "s", Fallback = { Order = ["cached", "server", "static"], MaxAgeMs = 60_000, Server = "other", Text = "away" }, HealthCheck = { Kind = HealthCheckKind.None },
        };
        await using var host = await FrontHost.StartAsync(
            new FairleadOptions { Servers = { config, new ServerConfig { Name = "other", HealthCheck = { Kind = HealthCheckKind.None } } } },
            manager =>
            {
                manager.AddServer("s", Runs("one"));
                manager.AddServer("other", Runs("other"));
            },
            clock);
        Assert.Equal(("one", null), await LocalAsync(host, 1));
        await host.Manager.ShutdownServerAsync("s");

        // What a caller in this process was told is kept for all, and the other way round.
        Assert.Equal(("one", "cached"), await LocalAsync(host, 1));
        Assert.Equal(("one", "cached"), await RestAsync(host, 1));
        Assert.Equal(("one", "cached"), Seen(await ModernAsync(host, "\"n\":1")));
        Assert.Equal(("other", null), await LocalAsync(host, 2));
        Assert.Equal(("other", null), await RestAsync(host, 2));
        clock.Advance(TimeSpan.FromSeconds(61));
        await host.Manager.ShutdownServerAsync("other");

        Assert.Equal(("away", "static"), await LocalAsync(host, 1));
        Assert.Equal(("away", "static"), await RestAsync(host, 1));
        var batch = await host.Manager.ExecuteBatchAsync([new("s", "hello"), new("other", "hello")]);
        Assert.Equal("away", batch[0].Result!.Text);
        Assert.IsType<ConnectionFailed>(batch[1].Error);
    }

    [Fact]
    public async Task Fallback_OfACallInThisProcessThatFails_ComesAfterTheServerHasFailedAndNotForWhatTheToolSays()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static request =>
            request.Params.Contains("refuse", StringComparison.Ordinal) ? "\"error\":{\"code\":-1,\"message\":\"no\"}" : null));
        var config = new ServerConfig { Name = "s", Fallback = { Order = ["static"], Text = "away" } };
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { config } }, manager => manager.AddServer("s", runs));
        var run = await runs.WhenRunAsync(1);
        await Assert.ThrowsAsync<ToolFailed>(async () => await Guard.WithinAsync(host.Manager.ExecuteToolAsync("s", "hello", new { refuse = true }), "the refusal"));
        await Assert.ThrowsAsync<ToolNotFound>(async () => await Guard.WithinAsync(host.Manager.ExecuteToolAsync("s", "nothing"), "the missing tool"));
        var call = host.Manager.ExecuteToolAsync("s", "hello").AsTask();
        await run.Server.WhenReceivedAsync("tools/call", 2);

        run.Crash("over");

        Assert.Equal("away", (await Guard.WithinAsync(call, "the fallback")).Text);
    }

    [Fact]
    public async Task Fallback_OfACallThatFails_ComesAfterTheServerHasFailed()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static _ => null));
        var config = new ServerConfig { Name = "s", Fallback = { Order = ["static"], Text = "away" } };
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { config } }, manager => manager.AddServer("s", runs));
        var run = await runs.WhenRunAsync(1);
        var call = ModernAsync(host, "");
        await run.Server.WhenReceivedAsync("tools/call");

        run.Crash("over");

        Assert.Equal(("away", "static"), Seen(await Guard.WithinAsync(call, "the fallback")));
    }

    [Fact]
    public async Task Fallback_WhenThereIsNone_TheFailureIsTold()
    {
        var runs = ScriptedRuns.Legacy();
        var config = new ServerConfig { Name = "s", Fallback = { Order = ["cached", "server"], Server = "nobody" } };
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { config } }, manager => manager.AddServer("s", runs));
        await host.Manager.ShutdownServerAsync("s");

        Assert.Contains("server_unavailable", await ModernAsync(host, ""), StringComparison.Ordinal);
    }

    [Fact]
    public void Cache_BeyondItsBounds_ForgetsTheOldest()
    {
        var cache = new AnswerCache();
        for (var i = 0; i <= AnswerCache.Max; i++)
        {
            cache.Keep($"{i}", Encoding.UTF8.GetBytes($"{i}"), 0);
        }

        Assert.Null(cache.Find("0", 0, 1));
        Assert.Equal("1"u8.ToArray(), cache.Find("1", 1, 1));
        Assert.Null(cache.Find("1", 2, 1));
        var large = new byte[AnswerCache.BytesMax / 10];
        for (var i = 0; i < 11; i++)
        {
            cache.Keep($"large {i}", large, 0);
        }

        Assert.Null(cache.Find("large 0", 0, 1));
        Assert.NotNull(cache.Find("large 10", 0, 1));
        cache.Keep("too large", new byte[large.Length + 1], 0);
        Assert.Null(cache.Find("too large", 0, 1));
    }

    private static ScriptedRuns Runs(string text) => ScriptedRuns.Legacy(server => server.On("tools/call", $$""" "result":{"content":[{"type":"text","text":"{{text}}"}]} """));

    private static async Task<string> ModernAsync(FrontHost host, string arguments)
    {
        var (_, body, _) = await host.ModernAsync("/mcp/s", "tools/call", $"\"name\":\"hello\",\"arguments\":{{{arguments}}}", "hello");
        return body.StartsWith('{') ? body : EventStream.LastMessage(body);
    }

    private static async Task<(string? Text, string? Fallback)> LocalAsync(FrontHost host, int n) =>
        Seen("{\"result\":" + Encoding.UTF8.GetString((await Guard.WithinAsync(host.Manager.ExecuteToolAsync("s", "hello", new { n }), "a call in this process")).Raw.Span) + "}");

    private static async Task<(string? Text, string? Fallback)> RestAsync(FrontHost host, int n)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/servers/s/tools/hello/call");
        request.Content = new StringContent("{\"arguments\":{\"n\":" + n + "}}", Encoding.UTF8, "application/json");
        request.Headers.Authorization = new("Bearer", FrontHost.AdminToken);
        using var response = await Guard.WithinAsync(host.Http.SendAsync(request), "a call over REST");
        return Seen("{\"result\":" + await response.Content.ReadAsStringAsync() + "}");
    }

    private static async Task<string> LegacyAsync(FrontHost host, string session, string arguments)
    {
        var (_, body, _) = await host.PostAsync(
            "/mcp/s", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hello\",\"arguments\":{" + arguments + "}}}", "Mcp-Session-Id: " + session);
        return body.StartsWith('{') ? body : EventStream.LastMessage(body);
    }

    private static (string? Text, string? Fallback) Seen(string body)
    {
        var result = JsonDocument.Parse(body).RootElement.GetProperty("result");
        return (result.GetProperty("content")[0].GetProperty("text").GetString(),
            result.TryGetProperty("_meta", out var meta) && meta.TryGetProperty("io.fairlead/fallback", out var fallback) ? fallback.GetString() : null);
    }
}
