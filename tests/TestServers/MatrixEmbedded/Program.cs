using System.Globalization;
using Fairlead;
using Fairlead.AspNetCore;
using Fairlead.Configuration;
using Fairlead.TestServers.Matrix;
using Fairlead.TestServers.MatrixEmbedded;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

// A program that embeds Fairlead, with a server of each revision of the compatibility matrix inside it.
//   matrix-embedded WORLD-PORT    prints the address of its gateway when all servers are up
var port = int.Parse(args[0], CultureInfo.InvariantCulture);
var options = new FairleadOptions { FirstListWaitMs = 60_000 };
options.Limits.InstancesPerServerMax = 64;
Revision[] revisions = [.. Revision.Legacy.Append("2026-07-28").Select(static name => new Revision(name))];
foreach (var revision in revisions)
{
    options.Servers.Add(new ServerConfig { Name = MatrixInProcess.NameOf(revision) });
}

await using var manager = new McpManager(options);
foreach (var revision in revisions)
{
    manager.AddServer(MatrixInProcess.NameOf(revision), new MatrixInProcess(revision, port));
}

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Services.AddFairlead(manager, Guid.NewGuid().ToString("N"));
await using var app = builder.Build();
app.MapFairlead();
await manager.InitializeAsync();
await app.StartAsync();
await manager.LaunchAllAsync();
Console.WriteLine($"listening {app.Urls.Single()}");

// The test closes the line when it ends, and the program ends with it.
using var world = await WorldLink.ConnectAsync(port);
await world.ListenAsync();
await manager.ShutdownAsync(TimeSpan.Zero);
await app.StopAsync();
