using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>Whose tools a second client calls all the time, beside the load.</summary>
internal enum Company
{
    /// <summary>Nobody's: there is no second client.</summary>
    None,

    /// <summary>Those of one server of each hostile kind.</summary>
    Hostile,
}

/// <summary>One <c>fairlead up</c> with healthy servers, and with one of each hostile kind beside them when asked. Hostile tools are called all the time.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    /// <summary>Healthy servers in each fleet.</summary>
    public const int HealthyCount = 20;

    private const int CallsPerSecond = 200;

    // Longer than the time-out of the hostile servers, including a wait for one that is being started.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);

    // How often each tool of the second client is called, unless its last call still waits.
    private static readonly TimeSpan s_called = TimeSpan.FromMilliseconds(500);

    private readonly GatewayProcess _gateway;
    private readonly RefusingServer? _refusing;
    private readonly RawCaller _caller;
    private readonly Household _household;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<string> _unanswered = new();
    private readonly Task _provoking;
    private readonly Task _watching;
    private double _privateMiBMax;

    private Fleet(GatewayProcess gateway, RefusingServer? refusing, IReadOnlyList<(string Tool, string Arguments)> called)
    {
        _gateway = gateway;
        _refusing = refusing;
        _caller = new RawCaller(gateway.Url);
        _household = Household.Of(gateway.Id);
        _provoking = Task.WhenAll(called.Select((tool, number) => ProvokeAsync(tool.Tool, tool.Arguments, s_called * number / called.Count)));
        _watching = WatchAsync();
    }

    /// <summary>Names of the healthy servers.</summary>
    public static IReadOnlyList<string> Healthy { get; } = [.. Enumerable.Range(1, HealthyCount).Select(static number => string.Create(CultureInfo.InvariantCulture, $"healthy-{number:00}"))];

    /// <summary>Most private memory that the gateway was seen with.</summary>
    public double PrivateMiBMax => Volatile.Read(ref _privateMiBMax);

    /// <summary>Calls of hostile tools that got no answer at all in their time; must stay empty.</summary>
    public IReadOnlyCollection<string> Unanswered => _unanswered;

    /// <summary>How often the server that answers 401 was asked.</summary>
    public int RefusedRequests => _refusing?.Requests ?? 0;

    /// <summary>Starts a fleet and waits until the healthy servers serve.</summary>
    public static async Task<Fleet> StartAsync(Company company)
    {
        var servers = new JsonObject();
        foreach (var name in Healthy)
        {
            servers[name] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll"));
        }

        var refusing = company == Company.Hostile ? await RefusingServer.StartAsync() : null;
        foreach (var kind in refusing is null ? [] : HostileKind.All)
        {
            servers[kind.Name] = kind.Configuration(refusing!.Url);
        }

        // Waits that people need and a test need not.
        var limits = new JsonObject { ["startTimeout"] = "8s", ["restartBase"] = "200ms", ["requestTimeout"] = "8s", ["requestTimeoutMax"] = "8s" };
        var gateway = await GatewayProcess.StartAsync(new JsonObject { ["servers"] = servers, ["limits"] = limits });
        await AwaitReaperAsync(gateway.Id);
        var fleet = new Fleet(gateway, refusing, CalledIn(company));
        await fleet.WhenAsync(
            static all => string.Join("; ", Healthy.Where(name => (string)all[name]["state"]! != "Healthy").Select(name => $"{name} is {all[name]["state"]}")),
            "all healthy servers to be Healthy");
        return fleet;
    }

    /// <summary>Completes when each hostile server is known for what it is.</summary>
    public Task WhenKnownAsync() => WhenAsync(
        static all => string.Join("; ", HostileKind.All.Select(kind => kind.Surprise(all[kind.Name])).OfType<string>()), "each hostile server to be shown as what it is");

    /// <summary>Calls the healthy servers for a while, and checks meanwhile that their tools are all in the lists.</summary>
    public Task<(int Calls, IReadOnlyCollection<string> Failures)> LoadAsync(TimeSpan duration) => ListedMeanwhileAsync(OpenLoopLoad.RunAsync(_caller, Healthy, CallsPerSecond, duration));

    /// <summary>Does the same from a process of its own that takes the latencies.</summary>
    public Task<MeasuredLoad> MeasureAsync(int seconds) =>
        ListedMeanwhileAsync(MeasuredLoad.RunAsync(new Uri(_gateway.Url, "mcp"), [.. Healthy.Select(static name => name + "__echo")], CallsPerSecond, seconds));

    /// <summary>Stops the fleet as a service manager would; nothing of it may be left.</summary>
    public async Task StopAsync()
    {
        _household.LookAgain(_gateway.Id);
        await _end.CancelAsync();
        await Guard.WithinAsync(Task.WhenAll(_provoking, _watching), "the last calls of hostile tools");
        var code = await _gateway.StopAsync();
        Assert.True(code == 0, $"the gateway ended with {code}:\n{_gateway.Output}");
        await _household.WhenGoneAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_provoking, _watching);
        _caller.Dispose();
        await _gateway.DisposeAsync();
        if (_refusing is not null)
        {
            await _refusing.DisposeAsync();
        }

        _end.Dispose();
    }

    private static IReadOnlyList<(string Tool, string Arguments)> CalledIn(Company company) => company switch
    {
        Company.Hostile => [.. HostileKind.All.Where(static kind => kind.IsCalled).Select(static kind => ($"{kind.Name}__hello", "{}"))],
        _ => [],
    };

    // The reaper comes with the first child, a moment after the listener.
    private static Task AwaitReaperAsync(int gateway) => ProcessTable.WhenClearAsync(
        () => ProcessTable.All().Any(entry => entry.Parent == gateway && entry.CommandLine.Contains("fairlead-reaper", StringComparison.Ordinal)) ? null : "it has none",
        $"the reaper of process {gateway}");

    private async Task<T> ListedMeanwhileAsync<T>(Task<T> load)
    {
        do
        {
            await AssertListsAsync();
            await Task.WhenAny(load, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None));
        }
        while (!load.IsCompleted);
        return await load;
    }

    private async Task AssertListsAsync()
    {
        var names = await _caller.ToolNamesAsync(s_patience);
        Assert.Equal(Healthy.Select(static name => name + "__echo"), names.Where(static name => name.StartsWith("healthy-", StringComparison.Ordinal)).Order());
    }

    /// <summary>
    /// Calls a tool at even distances. Each has moments of its own: twenty calls in one burst, twice a second, would be met by one in a hundred of the healthy ones, whoever
    /// answers them and however well.
    /// </summary>
    /// <param name="tool">The tool.</param>
    /// <param name="arguments">A JSON object.</param>
    /// <param name="after">When its first call is, from now.</param>
    private async Task ProvokeAsync(string tool, string arguments, TimeSpan after)
    {
        var start = TimeProvider.System.GetTimestamp();
        for (var due = after; ;)
        {
            await PauseAsync(due - TimeProvider.System.GetElapsedTime(start));
            if (_end.IsCancellationRequested)
            {
                return;
            }

            var end = await _caller.CallAsync(tool, arguments, s_patience);
            if (end.Answer is null)
            {
                _unanswered.Enqueue($"{tool}: {end}");
            }

            var missed = (TimeProvider.System.GetElapsedTime(start) - due) / s_called;
            due += s_called * Math.Max(1, Math.Ceiling(missed));
        }
    }

    private async Task WatchAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            _privateMiBMax = Math.Max(_privateMiBMax, ProcessFigures.Of(_gateway.Id).PrivateMiB);
            await PauseAsync(s_look);
        }
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, TimeProvider.System, _end.Token);
        }
        catch (OperationCanceledException)
        {
            // The loops end here.
        }
    }

    /// <param name="obstacle">What is in the way, from all servers by id; "" when nothing is.</param>
    /// <param name="what">What is awaited.</param>
    private async Task WhenAsync(Func<Dictionary<string, JsonObject>, string> obstacle, string what)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (obstacle(await _caller.ServersAsync()) is { Length: > 0 } inTheWay)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Guard.Limit, $"Still waiting for {what}: {inTheWay}\n{string.Join('\n', _gateway.Output.Split('\n').TakeLast(50))}");
            await Task.Delay(s_look, TimeProvider.System, CancellationToken.None);
        }
    }
}
