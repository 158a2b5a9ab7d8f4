using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fairlead.EndToEnd.Tests.Dashboard;
using Fairlead.Routing;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Each state and each error has one name and one reason, in .NET, over REST, in the events and metrics, on the dashboard and on the command line; test_states_and_errors.py says the same of Python.</summary>
public sealed class StatesAndErrorsTests : IAsyncLifetime
{
    private readonly StateTable _table = new();
    private TableWorld _world = null!;

    private McpManager Manager => _world.Manager;

    public async Task InitializeAsync() => _world = await TableWorld.StartAsync(_table);

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task StatesAndErrors_OnEveryWay_HaveTheSameNameAndReason()
    {
        Assert.Equal(Enum.GetNames<ServerState>().Order(), _table.States.Select(static row => row.State).Order());
        Assert.Equal(
            typeof(McpException).Assembly.GetExportedTypes().Where(static type => type.IsSubclassOf(typeof(McpException))).Select(static type => ((McpException)Activator.CreateInstance(type, "", null)!).Word).Order(),
            _table.Errors.Select(static row => row.Error).Concat(_table.NeverRaised).Order());

        await Manager.InitializeAsync();
        using var calls = await _world.Http.GetStreamAsync(new Uri("/api/v1/events?types=call", UriKind.Relative));
        await ReachAsync();
        await CheckInfoAsync();
        await CheckRestAsync();
        await CheckEventsAsync();
        await CheckMetricsAsync();
        await CheckDashboardAsync();
        await CheckCommandLineAsync();
        foreach (var row in _table.States)
        {
            await CheckCallAsync(row);
        }

        foreach (var row in _table.Errors.Where(static row => !row.IsLast))
        {
            await CheckErrorAsync(row);
        }

        await CheckCallEventsAsync(calls);
        await Guard.WithinAsync(Manager.ShutdownAsync(TimeSpan.Zero), "the end of the manager");
        await CheckErrorAsync(_table.Errors.Single(static row => row.IsLast));
    }

    /// <summary>Brings each server into its state.</summary>
    private async Task ReachAsync()
    {
        foreach (var row in _table.States.Where(static row => row.After is not null))
        {
            await ReachedAsync(row.Server, "Healthy");
            Assert.Equal(new DeedEnd(null, "", 0), await _world.Dotnet.DoAsync(row.After!));
        }

        foreach (var row in _table.States)
        {
            await ReachedAsync(row.Server, row.State);
        }
    }

    private Task ReachedAsync(string server, string state) => WhenAsync(server, now => now.State.ToString() == state, state);

    private async Task WhenAsync(string server, Func<ServerSnapshot, bool> wanted, string what)
    {
        var cell = Cell(server);
        while (true)
        {
            var changed = cell.Changed;
            if (wanted(cell.Current))
            {
                return;
            }

            await Guard.WithinAsync(changed, $"{server} being {what}, which is {cell.Current.State}: {cell.Current.Reason}");
        }
    }

    private ServerCell Cell(string server) => Manager.Fleet.TryGet(server, out var cell) ? cell : throw new ServerNotFound(server);

    private async Task CheckInfoAsync()
    {
        var servers = (await Manager.ListServersAsync()).ToDictionary(static server => server.Id);
        foreach (var row in _table.States)
        {
            Check(row, ".NET", servers[row.Server].State.ToString(), servers[row.Server].Reason);
            var health = await Manager.GetServerHealthAsync(row.Server, HealthDepth.Ready);
            Check(row, ".NET health", health.State.ToString(), health.Reason);
        }
    }

    private async Task CheckRestAsync()
    {
        using var list = JsonDocument.Parse(await _world.Http.GetStringAsync(new Uri("/api/v1/servers", UriKind.Relative)));
        using var health = JsonDocument.Parse(await _world.Http.GetStringAsync(new Uri("/health", UriKind.Relative)));
        foreach (var row in _table.States)
        {
            var server = list.RootElement.GetProperty("servers").EnumerateArray().Single(server => StateTable.Text(server, "id") == row.Server);
            Check(row, "REST", StateTable.Text(server, "state"), StateTable.Text(server, "reason"));
            var brief = health.RootElement.GetProperty("servers").GetProperty(row.Server);
            Check(row, "/health", StateTable.Text(brief, "state"), StateTable.Text(brief, "reason"));
        }
    }

    /// <summary>The events since the start, which are kept: the last one about each server tells how it is.</summary>
    private async Task CheckEventsAsync()
    {
        using var stream = await _world.Http.GetStreamAsync(new Uri("/api/v1/events?types=server.added,server.state&after=00000000-0", UriKind.Relative));
        var waiting = _table.States.ToDictionary(static row => row.Server);
        await Guard.WithinAsync(ReadAsync(), "an event for each of " + string.Join(", ", waiting.Keys));

        async Task ReadAsync()
        {
            await foreach (var one in SseParser.Create(stream).EnumerateAsync())
            {
                using var told = JsonDocument.Parse(one.Data);
                if (StateTable.Text(told.RootElement, "server") is { } server && waiting.TryGetValue(server, out var row) && StateTable.Text(told.RootElement, "state") == row.State)
                {
                    var reason = StateTable.Text(told.RootElement, "reason");
                    if (row.Reason is null ? reason is null : reason is not null && Regex.IsMatch(reason, row.Reason))
                    {
                        waiting.Remove(server);
                    }
                }

                if (waiting.Count == 0)
                {
                    return;
                }
            }
        }
    }

    /// <summary>The gauge of each server's states: 1 for the one that it is in.</summary>
    private async Task CheckMetricsAsync()
    {
        var lines = (await _world.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative))).Split('\n');
        foreach (var row in _table.States)
        {
            var ofServer = lines.Where(line => line.StartsWith($"mcp_server_state{{server_id=\"{row.Server}\",", StringComparison.Ordinal)).ToList();
            Assert.Equal(_table.States.Count, ofServer.Count);
            Assert.Equal([$"mcp_server_state{{server_id=\"{row.Server}\",state=\"{row.State}\"}} 1"], ofServer.Where(static line => line.EndsWith(" 1", StringComparison.Ordinal)));
        }
    }

    /// <summary>What a person sees; where there is no browser the tests of the dashboard say so.</summary>
    private async Task CheckDashboardAsync()
    {
        if (Chromium.Missing is not null)
        {
            return;
        }

        await using var browser = ChildProcess.Start(
            RepositoryPaths.Node,
            [
                RepositoryPaths.Source("tests/node/dashboard/fleet.mjs"), RepositoryPaths.NodeModule(""), Chromium.Path, _world.Http.BaseAddress!.GetLeftPart(UriPartial.Authority),
                Manager.Fleet.Current.InOrder.Length.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ]);
        using var shown = JsonDocument.Parse(await browser.LineAsync(static line => line.StartsWith('{'), "the fleet in the browser"));
        foreach (var row in _table.States)
        {
            var server = shown.RootElement.GetProperty(row.Server);
            Check(row, "dashboard", StateTable.Text(server, "state"), StateTable.Text(server, "reason") is { Length: > 0 } reason ? reason : null);
        }
    }

    private async Task CheckCommandLineAsync()
    {
        using var list = JsonDocument.Parse((await _world.Cli.RunAsync("ps", "--json")).Ended(0).Output);
        foreach (var row in _table.States)
        {
            var server = list.RootElement.GetProperty("servers").EnumerateArray().Single(server => StateTable.Text(server, "id") == row.Server);
            Check(row, "fairlead ps --json", StateTable.Text(server, "state"), StateTable.Text(server, "reason"));
        }
    }

    private static void Check(StateRow row, string way, string? state, string? reason)
    {
        Assert.Equal((way, row.Server, row.State), (way, row.Server, state));
        Assert.True(row.Reason is null ? reason is null : reason is not null && Regex.IsMatch(reason, row.Reason), $"{way}: the reason of {row.Server} is '{reason}', and not '{row.Reason}'.");
    }

    private async Task CheckCallAsync(StateRow row)
    {
        var deed = new Deed("call", JsonSerializer.SerializeToElement(new[] { row.Server, "echo" }), JsonSerializer.SerializeToElement(new { call = row.Server }));
        var (dotnet, rest, cli) = (await _world.Dotnet.DoAsync(deed), await _world.Rest.DoAsync(deed), await _world.Cli.DoAsync(deed));
        Assert.Equal((row.Server, row.Call?.Error, row.Call?.Error, row.Call?.ExitCode ?? 0), (row.Server, dotnet.Error, rest.Error, cli.Code));
        if (row.Call is { } end)
        {
            Assert.All(new[] { dotnet, rest, cli }, told => Assert.Matches(end.Reason, told.Text));
        }
    }

    private async Task CheckErrorAsync(ErrorRow row)
    {
        foreach (var (way, run) in new (string, Func<Deed, Task<DeedEnd>>)[] { ("dotnet", _world.Dotnet.DoAsync), ("rest", _world.Rest.DoAsync), ("cli", _world.Cli.DoAsync) })
        {
            if (row.Only?.Contains(way) == false)
            {
                continue;
            }

            if (row.Before is not null)
            {
                await run(row.Before);
                if (row.Before.Verb == "deploy")
                {
                    await ReachedAsync(row.Before.Server, "Healthy");
                }
            }

            var restarts = row.Restarts ? Cell(row.Do.Server).Current.Restarts : 0;
            var end = await run(row.Do);
            Assert.Equal((row.Error, way, way == "cli" ? null : row.Error), (row.Error, way, end.Error));
            Assert.Equal((row.Error, way, way == "cli" ? row.ExitCode : way == "rest" ? row.Status : 0), (row.Error, way, end.Code));
            Assert.Matches(row.Reason, end.Text);
            if (row.Restarts)
            {
                // A call of the next way that comes before is refused, or waits: it is another error, or has no event.
                await WhenAsync(row.Do.Server, now => now.Restarts > restarts && now.State == ServerState.Healthy, "Healthy again");
            }

            if (row.Finally is not null)
            {
                await run(row.Finally);
            }
        }
    }

    /// <summary>What the events of the calls so far say: each error that they are to tell, on all three ways.</summary>
    private async Task CheckCallEventsAsync(Stream stream)
    {
        var waiting = _table.Errors.Where(static row => row.IsEvent).SelectMany(static row => Enumerable.Repeat((row.Do.Server, row.Error), 3)).ToList();
        await Guard.WithinAsync(ReadAsync(), "the events of calls that fail: " + string.Join(", ", waiting));

        async Task ReadAsync()
        {
            await foreach (var one in SseParser.Create(stream).EnumerateAsync())
            {
                using var told = JsonDocument.Parse(one.Data);
                waiting.Remove((StateTable.Text(told.RootElement, "server")!, StateTable.Text(told.RootElement, "error") ?? ""));
                if (waiting.Count == 0)
                {
                    return;
                }
            }
        }
    }
}
