using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests.Rollouts;

/// <summary>A server in this process whose runs are versions: what each run does is set by its number, and every call says which run answered it.</summary>
internal sealed class VersionedRuns : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<int> _open = [];
    private int _count;

    /// <summary>Makes the manager, with nothing deployed.</summary>
    /// <param name="script">What a run does beside answering; its number from 1.</param>
    /// <param name="time">The manager's clock; null = <see cref="Clock"/>.</param>
    public VersionedRuns(Action<ScriptedServer, int>? script = null, TimeProvider? time = null)
    {
        Runs = new ScriptedRuns(server =>
        {
            var number = Interlocked.Increment(ref _count);
            server.SpeaksLegacy("""{"tools":{"listChanged":true}}""")
                .On("tools/list", """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},{"name":"write","inputSchema":{"type":"object"}}]} """)
                .On("tools/call", request =>
                {
                    lock (_lock)
                    {
                        _open.Add(number);
                    }

                    return $$""" "result":{"content":[{"type":"text","text":"{{number}}"}]} """;
                })
                .On("ping", """ "result":{} """);
            script?.Invoke(server, number);
        });
        Manager = new McpManager(new FairleadOptions(), timeProvider: time ?? Clock);
        Manager.AddServer("s", Runs);
    }

    /// <summary>The clock of the manager, if nothing else was said.</summary>
    public FakeTimeProvider Clock { get; } = new();

    /// <summary>The manager.</summary>
    public McpManager Manager { get; }

    /// <summary>The runs.</summary>
    public ScriptedRuns Runs { get; }

    /// <summary>A configuration of a version: another one needs other instances.</summary>
    public static ServerConfig Config(string version, RolloutStrategy strategy, int replicas = 1, Action<RolloutOptions>? rules = null)
    {
        var config = new ServerConfig
        {
            Name = "s", Environment = { ["VERSION"] = version }, HealthCheck = { Kind = HealthCheckKind.None }, Replicas = { Count = replicas }, CircuitBreaker = { Enabled = false }, Rollout = { Strategy = strategy },
        };
        rules?.Invoke(config.Rollout);
        return config;
    }

    /// <summary>Lets a run answer <c>initialize</c> only when a task has ended.</summary>
    public static void StartsAfter(ScriptedServer server, Task mayStart)
    {
        server.On("initialize", request =>
        {
            _ = AnswerAsync(request.Id);
            return null;
        });
        async Task AnswerAsync(string id)
        {
            await mayStart;
            await server.SendAsync($$$$"""{"jsonrpc":"2.0","id":{{{{id}}}},"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"2"}}}""");
        }
    }

    /// <summary>Deploys the first version and waits for all its instances.</summary>
    public async Task DeployAsync(ServerConfig config)
    {
        await Manager.DeployServerAsync(config);
        await Manager.ReachedAsync("s", snapshot => snapshot.Replicas.Length == config.Replicas.Count, "all instances of the first version");
    }

    /// <summary>Calls a tool: which run answered.</summary>
    public async Task<int> CallAsync(string tool = "hello") =>
        int.Parse((await Guard.WithinAsync(Manager.CallAsync("s", tool), $"a call of {tool}")).Text, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Calls a tool whose server is to blame for the end.</summary>
    public Task FailAsync(string tool = "write") => Assert.ThrowsAnyAsync<McpException>(() => Guard.WithinAsync(Manager.CallAsync("s", tool), "a call that fails"));

    /// <summary>How many calls a run was sent.</summary>
    public int CallsOf(int run)
    {
        lock (_lock)
        {
            return _open.Count(number => number == run);
        }
    }

    /// <summary>The latest rollout, once it stands somewhere.</summary>
    public async Task<RolloutInfo> ReachedAsync(RolloutPhase phase)
    {
        try
        {
            await Guard.WithinAsync(UntilAsync(phase), $"the rollout to be {phase}");
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message} {Manager.Cell("s").Current} {string.Join('\n', await Manager.GetRolloutsAsync("s"))}", late);
        }

        return (await Manager.GetRolloutsAsync("s"))[0];
    }

    /// <summary>Waits until a tool cannot be called.</summary>
    public async Task UntilHiddenAsync(string tool)
    {
        while (true)
        {
            try
            {
                await Manager.CallAsync("s", tool);
            }
            catch (ToolNotFound)
            {
                return;
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Manager.DisposeAsync();

    private async Task UntilAsync(RolloutPhase phase)
    {
        while (true)
        {
            var changed = Manager.Cell("s").Changed;
            if (await Manager.GetRolloutsAsync("s") is [var latest, ..] && latest.Phase == phase)
            {
                return;
            }

            await Task.WhenAny(changed, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System));
        }
    }
}
