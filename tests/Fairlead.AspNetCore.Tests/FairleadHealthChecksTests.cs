using System.Net;
using System.Text.Json;
using Fairlead.AspNetCore.Tests.Admin;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore.Tests;

/// <summary>The health checks of an application tell how its servers are, over a real Kestrel.</summary>
public sealed class FairleadHealthChecksTests
{
    [Fact]
    public async Task Fleet_WhenServersAreWell_Healthy()
    {
        await using var app = await StartAsync(Tool("one"), Tool("two"));

        var (status, body) = await GetAsync(app, "/healthz");

        Assert.Equal((HttpStatusCode.OK, "Healthy", "2 servers are well."), (status, body["status"].GetString(), body["description"].GetString()));
        Assert.Equal("Healthy", body["data"].GetProperty("two").GetProperty("state").GetString());
    }

    [Fact]
    public async Task Fleet_WhenOneServerIsMissing_DegradedWithItsReason()
    {
        await using var app = await StartAsync(Tool("one"), Broken("two"));

        var (status, body) = await GetAsync(app, "/healthz");

        Assert.Equal((HttpStatusCode.OK, "Degraded"), (status, body["status"].GetString()));
        Assert.StartsWith("1 of 2 servers: two is CrashLoop: The command ", body["description"].GetString(), StringComparison.Ordinal);
        Assert.Contains("no-such-program", body["data"].GetProperty("two").GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fleet_WhenNoServerIsOfUse_Unhealthy()
    {
        await using var app = await StartAsync(Broken("one"), Broken("two"));

        var (status, body) = await GetAsync(app, "/healthz");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy"), (status, body["status"].GetString()));
    }

    [Fact]
    public async Task Fleet_WhenABrokenServerIsSwitchedOff_DoesNotCountIt()
    {
        var off = Broken("two");
        off.Disabled = true;
        await using var app = await StartAsync(Tool("one"), off);

        var (_, body) = await GetAsync(app, "/healthz");

        Assert.Equal(("Healthy", "1 server is well."), (body["status"].GetString(), body["description"].GetString()));
        Assert.Equal("Disabled", body["data"].GetProperty("two").GetProperty("state").GetString());
    }

    [Fact]
    public async Task Server_WhenChosenByTag_IsToldAlone()
    {
        await using var app = await StartAsync(Tool("one"), Broken("two"));

        var (_, one) = await GetAsync(app, "/healthz/one");
        var (status, two) = await GetAsync(app, "/healthz/two");

        Assert.Equal("Healthy", one["status"].GetString());
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy"), (status, two["status"].GetString()));
        Assert.Equal(["two"], two["data"].EnumerateObject().Select(static entry => entry.Name));
    }

    [Fact]
    public async Task Server_WhenThereIsNone_UnhealthyOrWhatTheApplicationWants()
    {
        await using var app = await StartAsync(Tool("one"));

        var (status, body) = await GetAsync(app, "/healthz/three");

        Assert.Equal((HttpStatusCode.OK, "Degraded", "There is no server 'three'."), (status, body["status"].GetString(), body["description"].GetString()));
    }

    [Fact]
    public async Task Fleet_WhenFairleadStops_Unhealthy()
    {
        await using var app = await StartAsync(Tool("one"));
        await Guard.WithinAsync(app.Services.GetRequiredService<McpManager>().ShutdownAsync(TimeSpan.Zero), "the fleet to stop");

        var (status, body) = await GetAsync(app, "/healthz");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Fairlead is stopping."), (status, body["description"].GetString()));
    }

    private static ServerConfig Tool(string name) => new() { Name = name };

    private static ServerConfig Broken(string name) => new() { Name = name, Command = "/no-such-program" };

    private static async Task<WebApplication> StartAsync(params ServerConfig[] servers)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddFairlead(options => options.Servers = [.. servers]).Configure((_, manager) =>
        {
            foreach (var server in servers.Where(static server => server.Command is null))
            {
                manager.AddTools(server.Name, new LambdaTool("hello", static _ => ToolOutput.Text("world")));
            }
        });
        builder.Services.AddHealthChecks()
            .AddFairlead(tags: ["fleet"]).AddFairlead("one", tags: ["one"]).AddFairlead("two", name: "second", tags: ["two"]).AddFairlead("three", failureStatus: HealthStatus.Degraded, tags: ["three"]);
        var app = builder.Build();
        app.MapFairlead();
        app.MapHealthChecks("/healthz", Of("fleet"));
        foreach (var tag in new[] { "one", "two", "three" })
        {
            app.MapHealthChecks("/healthz/" + tag, Of(tag));
        }

        await app.StartAsync();
        await Guard.WithinAsync(app.Services.GetRequiredService<McpManager>().LaunchAllAsync(), "all servers to start or fail");
        return app;
    }

    private static Microsoft.AspNetCore.Diagnostics.HealthChecks.HealthCheckOptions Of(string tag) => new()
    {
        Predicate = check => check.Tags.Contains(tag),
        ResponseWriter = static (context, report) =>
        {
            var entry = Assert.Single(report.Entries).Value;
            return context.Response.WriteAsJsonAsync(new { status = entry.Status.ToString(), description = entry.Description, data = entry.Data });
        },
    };

    private static async Task<(HttpStatusCode Status, Dictionary<string, JsonElement> Body)> GetAsync(WebApplication app, string path)
    {
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        using var answer = await Guard.WithinAsync(http.GetAsync(new Uri(path, UriKind.Relative)), "the answer of " + path);
        return (answer.StatusCode, JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(await answer.Content.ReadAsStringAsync())!);
    }
}
