using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests.Faults;

/// <summary>A manager on a clock that stands still, with fault injection switched on and servers of raw lines.</summary>
internal sealed class FaultWorld : IAsyncDisposable
{
    private readonly Dictionary<string, ScriptedRuns> _runs = [];

    private FaultWorld(FairleadOptions options) => Manager = new McpManager(options, timeProvider: Clock);

    public FakeTimeProvider Clock { get; } = new();

    public McpManager Manager { get; }

    /// <summary>Starts servers of these names, each with the tools hello and other.</summary>
    public static async Task<FaultWorld> StartAsync(Action<FairleadOptions>? change = null, params string[] servers)
    {
        var options = new FairleadOptions { FaultInjection = { Enabled = true } };
        change?.Invoke(options);
        var world = new FaultWorld(options);
        foreach (var name in servers.Length == 0 ? ["s"] : servers)
        {
            world._runs[name] = ScriptedRuns.Legacy(static server => server.On(
                "tools/list", """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}},{"name":"other","inputSchema":{"type":"object"}}]} """));
            world.Manager.AddServer(name, world._runs[name]);
            await world.Manager.DeployServerAsync(Config(name));
            await world.Manager.ReachedAsync(name, ServerState.Healthy);
        }

        return world;
    }

    public static ServerConfig Config(string name) => new()
    {
        Name = name, HealthCheck = { Kind = HealthCheckKind.None }, Retry = { Attempts = 1 }, TimeoutMs = 10_000, CircuitBreaker = { Enabled = false },
    };

    /// <summary>What a run of a server has heard and says.</summary>
    public async Task<ScriptedServer> ServerAsync(string name = "s", int run = 1) => (await _runs[name].WhenRunAsync(run)).Server;

    /// <summary>How often a tool was called at the first run of a server.</summary>
    public async Task<int> CallsAsync(string name = "s") => (await ServerAsync(name)).Received.Count(static request => request.Method == "tools/call");

    public async Task<string> CallAsync(string tool = "hello", string server = "s") => (await Guard.WithinAsync(Manager.CallAsync(server, tool), "the call")).Text;

    public Task<FaultInfo> InjectAsync(FaultRequest request, string server = "s") => Manager.InjectFaultAsync(server, request);

    public async Task<FaultInfo> EndedAsync(string id) => Assert.Single((await Manager.ListFaultsAsync()).Ended, fault => fault.Id == id);

    /// <summary>Completes when the only active fault satisfies the condition: nothing tells that it has hit a call but its count.</summary>
    public Task ReachedAsync(Func<FaultInfo, bool> condition)
    {
        return Guard.WithinAsync(LookAsync(), "the fault to hit as many calls as expected");

        async Task LookAsync()
        {
            while (!condition(Assert.Single((await Manager.ListFaultsAsync()).Active)))
            {
                await Task.Yield();
            }
        }
    }

    public ValueTask DisposeAsync() => Manager.DisposeAsync();
}
