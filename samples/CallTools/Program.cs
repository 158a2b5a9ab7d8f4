// Starts an MCP server, lists it, calls its tool echo, alone and many times at once, and leaves nothing behind.
//   dotnet run --project samples/CallTools -- npx -y @modelcontextprotocol/server-everything
using Fairlead;
using Fairlead.Configuration;

await using var manager = new McpManager();
await manager.DeployServerAsync(new ServerConfig { Name = "echo", Command = args[0], Arguments = [.. args[1..]] });

// Waits while the server starts.
var result = await manager.ExecuteToolAsync("echo", "echo", new { message = "hello" });
Console.WriteLine(result.Text);
foreach (var server in await manager.ListServersAsync())
{
    Console.WriteLine($"{server.Id} is {server.State} and has {server.Tools} {(server.Tools == 1 ? "tool" : "tools")}");
}

// Each call has an outcome of its own, in the order given: one that fails does not touch the others.
var outcomes = await manager.ExecuteBatchAsync(Enumerable.Range(0, 100).Select(n => new BatchCall("echo", n == 42 ? "no-such-tool" : "echo", new { message = $"{n}" })));
Console.WriteLine($"{outcomes.Count(outcome => outcome.IsSuccess)} of {outcomes.Count} succeeded; the other failed with {outcomes.Single(outcome => !outcome.IsSuccess).Error!.Word}");
