// A web application with a fleet of MCP servers inside it: the endpoints of Fairlead, a health check, and a page of its own that calls a tool.
//   dotnet run --project samples/WebApp -- --fleet samples/everything.json --urls http://127.0.0.1:5000
using Fairlead;
using Fairlead.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddFairlead(builder.Configuration["fleet"] ?? "fairlead.json");
builder.Services.AddHealthChecks().AddFairlead();

var app = builder.Build();
app.MapFairlead();
app.MapHealthChecks("/healthz");
app.MapGet("/servers", async (McpManager fleet) => (await fleet.ListServersAsync()).Select(server => $"{server.Id}: {server.Tools} tools"));
app.MapGet("/say/{message}", async (McpManager fleet, string message) => (await fleet.ExecuteToolAsync("everything", "echo", new { message })).Text);
app.Run();
