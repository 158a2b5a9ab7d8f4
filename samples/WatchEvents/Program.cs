// Follows what happens in a fleet: prints every state of a server from its first start to its removal.
//   dotnet run --project samples/WatchEvents -- npx -y @modelcontextprotocol/server-everything
using Fairlead;
using Fairlead.Configuration;

await using var manager = new McpManager();
var events = manager.WatchEventsAsync(new FleetEventFilter { Types = ["server.added", "server.state", "server.removed"] }, after: 0);
await manager.DeployServerAsync(new ServerConfig { Name = "watched", Command = args[0], Arguments = [.. args[1..]] });
await foreach (var one in events)
{
    Console.WriteLine($"{one.Type} {one.Server} {one.State} {one.Reason}".TrimEnd());
    if (one is { Type: FleetEventType.ServerState, State: ServerState.Healthy })
    {
        await manager.UndeployServerAsync("watched");
    }
    else if (one.Type == FleetEventType.ServerRemoved)
    {
        break;
    }
}
