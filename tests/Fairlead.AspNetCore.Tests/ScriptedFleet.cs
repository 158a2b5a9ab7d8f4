using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests;

/// <summary>A Fairlead whose servers are scripts of raw lines, in the order they are given.</summary>
internal sealed class ScriptedFleet : IAsyncDisposable
{
    private readonly Dictionary<string, ScriptedRuns> _runs = [];

    private ScriptedFleet()
    {
    }

    public FrontHost Host { get; private set; } = null!;

    public static Task<ScriptedFleet> StartAsync(params (string Name, Action<ScriptedServer> Script)[] servers) => StartAsync(new FairleadOptions(), servers);

    public static Task<ScriptedFleet> StartAsync(FairleadOptions options, params (string Name, Action<ScriptedServer> Script)[] servers) => StartAsync(options, TimeProvider.System, servers);

    public static async Task<ScriptedFleet> StartAsync(FairleadOptions options, TimeProvider clock, params (string Name, Action<ScriptedServer> Script)[] servers)
    {
        var fleet = new ScriptedFleet();
        foreach (var (name, script) in servers)
        {
            fleet._runs[name] = new ScriptedRuns(script);
            if (!options.Servers.Any(server => server.Name == name))
            {
                options.Servers.Add(new ServerConfig { Name = name });
            }
        }

        fleet.Host = await FrontHost.StartAsync(options, manager =>
        {
            foreach (var (name, runs) in fleet._runs)
            {
                manager.AddServer(name, runs);
            }
        }, clock);
        return fleet;
    }

    /// <summary>The first run of a server.</summary>
    public async Task<ScriptedServer> ServerAsync(string name) => (await _runs[name].WhenRunAsync(1)).Server;

    /// <summary>A request of a legacy session; the last message of the answer.</summary>
    public async Task<string> LegacyAsync(string path, string session, string method, string parameters)
    {
        var (_, body, _) = await Host.PostAsync(
            path, "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"" + method + "\",\"params\":" + parameters + "}", "Mcp-Session-Id: " + session);
        return EventStream.LastMessage(body);
    }

    /// <summary>A request of a modern client; the last message of the answer.</summary>
    public async Task<string> ModernAsync(string path, string method, string members, string? name = null, string meta = "")
    {
        var (_, body, _) = await Host.ModernAsync(path, method, members, name, "\"c\"", meta);
        return EventStream.LastMessage(body);
    }

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
