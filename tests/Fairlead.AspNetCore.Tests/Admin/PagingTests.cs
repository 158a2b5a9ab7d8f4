using System.Net;
using System.Text.Json;
using Fairlead.Configuration;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Lists a page at a time, and parts of the list of servers.</summary>
public sealed class PagingTests : IAsyncLifetime
{
    private FrontHost _host = null!;

    public async Task InitializeAsync() => _host = await RestHost.StartAsync(static options =>
    {
        options.FaultInjection.Enabled = true;
        options.FaultInjection.MaxAtOnce = 5;
        options.Servers[0].Tags.Add("odd");
        for (var i = 1; i <= 5; i++)
        {
            options.Servers.Add(new ServerConfig { Name = $"s{i}", Command = "nothing", Disabled = true, Tags = { i % 2 == 0 ? "even" : "odd", "all" } });
        }
    });

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Theory]
    [InlineData("/api/v1/servers", "servers", 7)]
    [InlineData("/api/v1/health", "servers", 7)]
    [InlineData("/api/v1/faults", "ended", 5)]
    public async Task List_InPagesOfAnyLength_IsTheSameAsWhole(string path, string member, int count)
    {
        for (var i = 0; i < 5; i++)
        {
            await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/calc/faults", """{"kind":"error","tool":"say","percent":1}""", FrontHost.AdminToken);
        }

        await RestHost.SendAsync(_host, HttpMethod.Delete, "/api/v1/faults", token: FrontHost.AdminToken);
        var (_, whole, _) = await RestHost.SendAsync(_host, HttpMethod.Get, path);
        Assert.False(whole.TryGetProperty("nextCursor", out _));
        var all = Ids(whole, member);
        Assert.Equal(count, all.Length);
        for (var limit = 1; limit <= count + 1; limit++)
        {
            var pages = new List<string>();
            var query = $"?limit={limit}";
            while (true)
            {
                var (status, page, _) = await RestHost.SendAsync(_host, HttpMethod.Get, path + query);
                Assert.Equal(HttpStatusCode.OK, status);
                Assert.InRange(page.GetProperty(member).GetArrayLength(), 1, limit);
                pages.AddRange(Ids(page, member));
                if (!page.TryGetProperty("nextCursor", out var next))
                {
                    break;
                }

                query = $"?limit={limit}&cursor={next.GetString()}";
            }

            Assert.Equal(all, pages);
        }
    }

    [Fact]
    public async Task Rollouts_InPages_AreTheSameAsWhole()
    {
        await using var host = await LiveHost.StartAsync();
        await host.PostAsync("", LiveHost.Extra);
        await host.ReachedAsync("extra", ServerState.Healthy);
        for (var i = 0; i < 3; i++)
        {
            await host.SendAsync(HttpMethod.Post, "/extra/rollouts", """{"strategy":"blue-green"}""");
        }

        var (_, first, _) = await RestHost.SendAsync(host.Front, HttpMethod.Get, "/api/v1/rollouts?limit=2");
        var (_, second, _) = await RestHost.SendAsync(host.Front, HttpMethod.Get, $"/api/v1/rollouts?limit=2&cursor={first.GetProperty("nextCursor").GetString()}");
        Assert.Equal([3, 2, 1], first.GetProperty("rollouts").EnumerateArray().Concat(second.GetProperty("rollouts").EnumerateArray()).Select(static one => one.GetProperty("number").GetInt32()));
        Assert.False(second.TryGetProperty("nextCursor", out _));
    }

    [Fact]
    public async Task Page_WhenTheListChangesInBetween_GoesOnBehindTheLastOrInItsPlace()
    {
        var cursor = (await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers?limit=4")).Body.GetProperty("nextCursor").GetString();
        await _host.Manager.UndeployServerAsync("waits"); // Before the last one that was shown.
        Assert.Equal(["s3", "s4", "s5"], await NextAsync());
        await _host.Manager.UndeployServerAsync("s2"); // The last one that was shown.
        Assert.Equal(["s4", "s5"], await NextAsync()); // s3 has moved up twice: it is left out, and nothing is shown twice.

        async Task<string[]> NextAsync() => Ids((await RestHost.SendAsync(_host, HttpMethod.Get, $"/api/v1/servers?cursor={cursor}")).Body, "servers");
    }

    [Theory]
    [InlineData("state=Disabled", "s1 s2 s3 s4 s5")]
    [InlineData("state=healthy,missingauth", "calc waits")]
    [InlineData("tag=even", "s2 s4")]
    [InlineData("tag=even,odd&limit=100", "calc s1 s2 s3 s4 s5")]
    [InlineData("tag=odd&state=Disabled", "s1 s3 s5")]
    [InlineData("tag=nobody", "")]
    public async Task Servers_WhenOnlySomeAreWanted_AreThose(string query, string expected) =>
        Assert.Equal(expected, string.Join(' ', Ids((await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers?" + query)).Body, "servers")));

    [Fact]
    public async Task Cursor_OfAnotherList_IsRefused()
    {
        var cursor = (await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers?limit=1")).Body.GetProperty("nextCursor").GetString();
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Get, $"/api/v1/health?cursor={cursor}"), HttpStatusCode.BadRequest, "InvalidRequest");
    }

    private static string[] Ids(JsonElement list, string member) => [.. list.GetProperty(member).EnumerateArray().Select(static one => one.GetProperty("id").GetString()!)];
}
