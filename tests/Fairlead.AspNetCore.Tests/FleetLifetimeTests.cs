using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore.Tests;

public sealed class FleetLifetimeTests
{
    [Fact]
    public async Task Servers_WhenTheHostListens_StartAfterWhatIsDoneFirst()
    {
        var runs = new ScriptedRuns(static server => server.SpeaksLegacy("""{"tools":{}}""").On("tools/list", """ "result":{"tools":[]} """));
        var manager = new McpManager(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } });
        manager.AddServer("s", runs);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddFairlead(manager, FrontHost.AdminToken).AddFleetLifetime();
        await using var app = builder.Build();
        app.MapFairlead();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        app.Services.GetRequiredService<FleetLifetime>().Opened = () => done.Task;

        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        using var health = await Guard.WithinAsync(client.GetAsync(new Uri("/health", UriKind.Relative)), "the endpoint's answer");
        var first = runs.WhenRunAsync(1);
        Assert.False(first.IsCompleted);

        done.SetResult();
        await Guard.WithinAsync(first, "the start of the server");
        await app.StopAsync();
    }
}
