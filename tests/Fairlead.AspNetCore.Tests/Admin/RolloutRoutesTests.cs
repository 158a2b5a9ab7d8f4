using System.Net;
using System.Text.Json;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Rollouts over the API, as docs/rest.md describes them.</summary>
public sealed class RolloutRoutesTests : IAsyncLifetime
{
    private LiveHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await LiveHost.StartAsync();
        await _host.ReachedAsync("calc", ServerState.Healthy);
        await _host.PostAsync("", LiveHost.Extra);
        await _host.ReachedAsync("extra", ServerState.Healthy);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Start_WithRulesOfItsOwn_IsWatchedByThoseAndCanBePromoted()
    {
        Assert.Equal(0, (await RolloutsAsync("/extra/rollouts")).GetArrayLength());

        var (status, rollout, _) = await _host.SendAsync(HttpMethod.Post, "/extra/rollouts", """{"strategy":"blue-green","observeMs":3600000}""");

        Assert.Equal(HttpStatusCode.Accepted, status);
        Assert.Equal(("blue-green", "Watching", 1, true), (Text(rollout, "strategy"), Text(rollout, "phase"), rollout.GetProperty("number").GetInt32(), rollout.GetProperty("isRunning").GetBoolean()));
        Assert.Equal("Watching", Text((await _host.SendAsync(HttpMethod.Get, "/extra")).Body.GetProperty("rollout"), "phase"));
        Assert.Equal(HttpStatusCode.Accepted, (await _host.SendAsync(HttpMethod.Post, "/extra/rollouts/promote", "{}")).Status);
        await ReachedAsync("Completed");
    }

    [Fact]
    public async Task Start_WithAChangedEntry_KeepsItOnceItIsInForceAndForgetsItWhenItIsUndone()
    {
        var (status, trial, _) = await _host.SendAsync(
            HttpMethod.Post, "/extra/rollouts", """{"server":{"transport":"in-process","env":{"PLACE":"new"},"rollout":{"strategy":"canary","percent":5,"observeMs":3600000}}}""");
        Assert.Equal(HttpStatusCode.Accepted, status);
        Assert.Equal(("canary", "Trial", 5), (Text(trial, "strategy"), Text(trial, "phase"), trial.GetProperty("percent").GetInt32()));
        Assert.DoesNotContain("\"new\"", await KeptAsync(), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.Accepted, (await _host.SendAsync(HttpMethod.Post, "/extra/rollouts/abort", """{"reason":"wrong build"}""")).Status);
        Assert.Equal("wrong build", Text(await ReachedAsync("Aborted"), "reason"));

        Assert.Equal(HttpStatusCode.OK, (await _host.SendAsync(HttpMethod.Put, "/extra", """{"transport":"in-process","env":{"PLACE":"newer"},"rollout":{"strategy":"blue-green"}}""")).Status);
        Assert.Contains("newer", await KeptAsync(), StringComparison.Ordinal);
        await _host.SendAsync(HttpMethod.Post, "/extra/rollouts/abort", "{}");
        await ReachedAsync("Aborted");
        while (!(await KeptAsync()).Contains("LIVE_PLACE", StringComparison.Ordinal))
        {
            await Task.Yield();
        }

        Assert.Equal(2, (await RolloutsAsync("/extra/rollouts")).GetArrayLength());
    }

    [Theory]
    [InlineData("/extra/rollouts", """{"strategy":"sideways"}""", HttpStatusCode.BadRequest, "InvalidConfiguration", "canary")]
    [InlineData("/extra/rollouts", """{"percent":0}""", HttpStatusCode.BadRequest, "InvalidConfiguration", "percent")]
    [InlineData("/extra/rollouts", """{"sideways":1}""", HttpStatusCode.BadRequest, "InvalidRequest", "sideways")]
    [InlineData("/extra/rollouts", """{"server":1}""", HttpStatusCode.BadRequest, "InvalidRequest", "server is no object")]
    [InlineData("/extra/rollouts", "[]", HttpStatusCode.BadRequest, "InvalidRequest", "Send {}")]
    [InlineData("/nobody/rollouts", "{}", HttpStatusCode.NotFound, "ServerNotFound", "nobody")]
    [InlineData("/extra/rollouts/promote", "{}", HttpStatusCode.BadGateway, "DeploymentFailed", "No rollout of 'extra' runs")]
    [InlineData("/extra/rollouts/abort", """{"reason":5}""", HttpStatusCode.BadRequest, "InvalidRequest", "reason is no string")]
    [InlineData("/calc/rollouts", """{"server":{"transport":"in-process","env":{"A":"b"}}}""", HttpStatusCode.Conflict, "OwnedElsewhere", "servers.calc")]
    public async Task Orders_ThatCannotBeFollowed_SayWhy(string path, string body, HttpStatusCode status, string title, string names)
    {
        var answer = await _host.SendAsync(HttpMethod.Post, path, body);

        RestHost.AssertProblem(answer, status, title);
        Assert.Contains(names, answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, (await RolloutsAsync("/extra/rollouts")).GetArrayLength());
    }

    [Fact]
    public async Task Start_OfAServerOfTheFile_ReplacesItByFreshInstances()
    {
        var (status, rollout, _) = await _host.SendAsync(HttpMethod.Post, "/calc/rollouts", """{"strategy":"recreate"}""");

        Assert.Equal((HttpStatusCode.Accepted, "Watching"), (status, Text(rollout, "phase")));
        var all = (await RestHost.SendAsync(_host.Front, HttpMethod.Get, "/api/v1/rollouts", null, null)).Body.GetProperty("rollouts");
        Assert.Equal("calc", Text(Assert.Single(all.EnumerateArray()), "server"));
    }

    private static string? Text(JsonElement element, string member) => element.GetProperty(member).GetString();

    private Task<string> KeptAsync() => File.ReadAllTextAsync(_host.FleetFile);

    private async Task<JsonElement> RolloutsAsync(string path) => (await _host.SendAsync(HttpMethod.Get, path)).Body.GetProperty("rollouts");

    private async Task<JsonElement> ReachedAsync(string phase)
    {
        while (true)
        {
            Assert.True(_host.Manager.Fleet.TryGet("extra", out var cell));
            var changed = cell.Changed;
            if ((await RolloutsAsync("/extra/rollouts"))[0] is var rollout && Text(rollout, "phase") == phase)
            {
                return rollout;
            }

            await TestKit.Guard.WithinAsync(changed, $"a rollout that is {phase}: {rollout}");
        }
    }
}
