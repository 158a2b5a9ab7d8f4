using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Upstreams;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Each state and each error has one name and one reason, in .NET, over REST, in the events and metrics, on the dashboard and on the command line; test_states_and_errors.py says the same of Python.</summary>
public sealed class StatesAndErrorsTests : IAsyncLifetime
{
    private readonly StateTable _table = new();
    private readonly List<(string Server, string Error)> _failed = []; // Calls that metrics have counted, and that events are to tell.
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
            _table.Errors.Select(static row => row.Error).Concat(_table.NeverRaised.Keys).Order());
        Assert.Equal(
            Enum.GetValues<ForwardError>().Where(static error => error is not (ForwardError.None or ForwardError.ClientCancelled)).Select(static error => (ForwardErrors.Tag(error), CallFailures.Word(error)))
                .Append((CallStatus.Name(CallStatus.Error), nameof(ToolFailed))).Order(),
            _table.Statuses.Order());
        Assert.All(_table.Errors, CheckSurfaces);

        await Manager.InitializeAsync();
        using var calls = await _world.Http.GetStreamAsync(new Uri("/api/v1/events?types=call", UriKind.Relative));
        await ReachAsync();
        await (_world.Dashboard?.WatchCallsAsync() ?? Task.CompletedTask);
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
        if (_world.Dashboard is not { } dashboard)
        {
            return;
        }

        var shown = await dashboard.FleetAsync(Manager.Fleet.Current.InOrder.Length);
        foreach (var row in _table.States)
        {
            var server = shown.GetProperty(row.Server);
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
        var (dotnet, rest, cli) = (await CountedAsync(_world.Dotnet.DoAsync, deed, row.Call), await CountedAsync(_world.Rest.DoAsync, deed, row.Call), await CountedAsync(_world.Cli.DoAsync, deed, row.Call));
        Assert.Equal((row.Server, row.Call?.Error, row.Call?.Error, row.Call?.ExitCode ?? 0), (row.Server, dotnet.Error, rest.Error, cli.Code));
        if (row.Call is { } end)
        {
            Assert.All(new[] { dotnet, rest, cli }, told => Assert.Matches(end.Reason, told.Text));
        }
    }

    /// <summary>Each surface either tells the error or has its reason why it cannot come there.</summary>
    private void CheckSurfaces(ErrorRow row)
    {
        Assert.Empty(row.NotOn.Keys.Except(["dotnet", "rest", "cli", "python", "metrics", "dashboard"]));
        Assert.All(row.NotOn, static reason => Assert.NotEqual("", reason.Value));
        Assert.True(row.Metric is null == row.NotOn.ContainsKey("metrics"), $"{row.Error}: either a status of metrics, or the reason why there is none.");
        Assert.True(row.AtDashboard is null || !row.NotOn.ContainsKey("dashboard"), $"{row.Error}: it cannot come at the dashboard and does.");
        Assert.True(row.ExitCode == 0 == row.NotOn.ContainsKey("cli"), $"{row.Error}: either an exit code, or the reason why there is none.");
        Assert.True(row.Metric is null || _table.Statuses.Contains((row.Metric, row.Error)), $"{row.Error}: {row.Metric} is no status of it.");
    }

    private async Task CheckErrorAsync(ErrorRow row)
    {
        List<(string Name, Func<Deed, Task<DeedEnd>> Run, Script Script, string? Word, int Code)> ways =
        [
            ("dotnet", _world.Dotnet.DoAsync, row.Script, row.Error, 0), ("rest", _world.Rest.DoAsync, row.Script, row.Error, row.Status), ("cli", _world.Cli.DoAsync, row.Script, null, row.ExitCode),
        ];
        if (_world.Dashboard is { } dashboard)
        {
            ways.Add(("dashboard", dashboard.DoAsync, row.AtDashboard ?? row.Script, row.Error, 0));
        }

        foreach (var (name, run, script, word, code) in ways.Where(way => !row.NotOn.ContainsKey(way.Name)))
        {
            if (script.Before is { } before)
            {
                await run(before);
                if (before.Verb == "deploy")
                {
                    await ReachedAsync(before.Server, "Healthy");
                }
            }

            var restarts = row.Restarts ? Cell(script.Do.Server).Current.Restarts : 0;
            var end = await CountedAsync(run, script.Do, row.Metric is null ? null : new CallEnd(row.Error, row.Metric, script.Reason, row.ExitCode));
            Assert.Equal((row.Error, name, word, code), (row.Error, name, end.Error, end.Code));
            Assert.Matches(script.Reason, end.Text);
            if (row.Restarts)
            {
                // A call of the next way that comes before is refused, or waits: it is another error.
                await WhenAsync(script.Do.Server, now => now.Restarts > restarts && now.State == ServerState.Healthy, "Healthy again");
            }

            if (script.Finally is not null)
            {
                // Whoever deploys over one way may not undeploy over another; the dashboard's way is REST.
                var last = await (name == "dashboard" ? _world.Rest.DoAsync : run)(script.Finally);
                Assert.True(last is { Error: null, Code: 0 or (>= 200 and < 300) }, $"{script.Finally}: {last.Text}");
            }
        }
    }

    /// <summary>Does something, and looks at how metrics count it: a call that fails once, with one status; anything else with none.</summary>
    private async Task<DeedEnd> CountedAsync(Func<Deed, Task<DeedEnd>> run, Deed deed, CallEnd? failure)
    {
        if (deed.Verb != "call")
        {
            return await run(deed);
        }

        var before = await CountsAsync(deed.Server);
        var end = await run(deed);
        var rose = (await CountsAsync(deed.Server)).Where(status => status.Key != "ok" && status.Value != before.GetValueOrDefault(status.Key)).ToList();
        Assert.Equal((deed.ToString(), failure?.Status), (deed.ToString(), rose.Count == 0 ? null : string.Join(", ", rose.Select(static status => status.Key))));
        if (failure is not null)
        {
            Assert.Equal(before.GetValueOrDefault(failure.Status) + 1, rose.Single().Value);
            _failed.Add((deed.Server, failure.Error));
        }

        return end;
    }

    /// <summary>How many calls of tools of a server have ended so far, by status.</summary>
    private async Task<Dictionary<string, long>> CountsAsync(string server)
    {
        var start = $"mcp_requests_total{{server_id=\"{server}\",method=\"tools/call\",status=\"";
        return (await _world.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative))).Split('\n').Where(line => line.StartsWith(start, StringComparison.Ordinal)).ToDictionary(
            line => line[start.Length..line.IndexOf('"', start.Length)], static line => long.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>What the events of the calls so far say, in the stream and on the page: each error that metrics have counted.</summary>
    private async Task CheckCallEventsAsync(Stream stream)
    {
        var waiting = _failed.ToList();
        await Guard.WithinAsync(ReadAsync(), "the events of calls that fail: " + string.Join(", ", waiting));
        await (_world.Dashboard?.ToldAsync(_failed.Distinct()) ?? Task.CompletedTask);

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
