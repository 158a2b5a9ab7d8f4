using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.AspNetCore.Admin;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.TestKit;
using Fairlead.Tests.Processes;
using Fairlead.Tests.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Reloads of a configuration file while calls are in flight (product A8).</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private const int Servers = 3;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-reload-");
    private readonly ITestOutputHelper _output;
    private FrontHost _host = null!;
    private ConfigurationReload _reload = null!;

    public ReloadTests(ITestOutputHelper output) => _output = output;

    private string File => Path.Combine(_folder.FullName, "fairlead.json");

    public async Task InitializeAsync()
    {
        Write(Fleet(round: 0));
        var first = Load();
        Assert.Equal("", string.Join('\n', first.Errors));
        _host = await FrontHost.StartAsync(
            first.Options,
            static manager =>
            {
                for (var i = 0; i < Servers; i++)
                {
                    manager.AddServer($"s{i}", ScriptedRuns.Legacy());
                }

                manager.AddServer("guest", ScriptedRuns.Legacy());
                manager.AddServer("mine", ScriptedRuns.Legacy());
            },
            services: (services, manager) => services.AddSingleton(_ => new ConfigurationReload(manager, first, Load, TimeProvider.System, NullLogger.Instance)));
        _reload = _host.Services.GetRequiredService<ConfigurationReload>();
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Reload_WhenServersDiffer_EachIsAddedRemovedChangedOrLeftAlone()
    {
        var before = _host.Manager.Fleet.Current.InOrder.ToDictionary(static cell => cell.Name, static cell => cell.Current.Shared);
        var fleet = Fleet(0);
        var servers = fleet["servers"]!.AsObject();
        servers.Remove("s2");
        servers["s1"]!["env"] = new JsonObject { ["ROUND"] = "other" };
        servers["guest"] = InProcess();
        fleet["port"] = 4242;
        Write(fleet);

        var (status, body, _) = await PostReloadAsync();

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("""{"added":["guest"],"removed":["s2"],"changed":["s1"],"unchanged":["s0"],"failed":[],"needRestart":["port"]}""", body.GetProperty("differences").GetRawText());
        Assert.Equal(["s0", "s1", "guest"], _host.Manager.Fleet.Current.InOrder.Select(static cell => cell.Name));
        Assert.Same(before["s0"], Cell("s0").Current.Shared);
        Assert.NotSame(before["s1"], Cell("s1").Current.Shared);
        Assert.Equal("other", Cell("s1").Current.Config.Environment["ROUND"]);
        await Guard.WithinAsync(before["s2"]!.Lost, "the end of the removed server");
    }

    [Fact]
    public async Task Reload_WhenTheFileIsBad_NothingChangesAndTheStatusSaysWhy()
    {
        var before = _host.Manager.Fleet.Current.InOrder.Select(static cell => cell.Current.Config).ToArray();
        await System.IO.File.WriteAllTextAsync(File, """{"servers":{"s0":{"transport":"in-process","timeoutMs":1},"x":{"comand":"sh"}}}""");

        var answer = await PostReloadAsync();

        RestHost.AssertProblem(answer, HttpStatusCode.BadRequest, "InvalidConfiguration");
        Assert.All(["servers.s0.timeoutMs", "servers.x.comand", File], part => Assert.Contains(part, answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal));
        Assert.Equal(before, _host.Manager.Fleet.Current.InOrder.Select(static cell => cell.Current.Config));
        var (_, status, _) = await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/configuration/status", token: FrontHost.AdminToken);
        Assert.False(status.GetProperty("valid").GetBoolean());
        Assert.Equal("api", status.GetProperty("cause").GetString());
        Assert.Contains(status.GetProperty("errors").EnumerateArray(), static error => error.GetProperty("key").GetString() == "servers.s0.timeoutMs");
    }

    [Fact]
    public async Task Reload_WhenTheApiAndTheFilesWatchFindTheSameErrors_TheyAreLoggedOnce()
    {
        var log = new EventRecorder();
        var reload = new ConfigurationReload(_host.Manager, Load(), Load, TimeProvider.System, log);
        int Refusals() => log.Events.Count(static one => one.Id == EventIds.ConfigurationRefused);
        await System.IO.File.WriteAllTextAsync(File, """{"servers":{"x":{"comand":"sh"}}}""");

        Assert.False((await reload.ReloadAsync("api", CancellationToken.None)).Valid);
        Assert.False((await reload.ReloadAsync("file", CancellationToken.None)).Valid);
        Assert.Equal(1, Refusals());

        // Other errors are news, and so are the same ones after a load that was good.
        await System.IO.File.WriteAllTextAsync(File, """{"servers":{"y":{"comand":"sh"}}}""");
        await reload.ReloadAsync("file", CancellationToken.None);
        Assert.Equal(2, Refusals());
        Write(Fleet(round: 0));
        Assert.True((await reload.ReloadAsync("file", CancellationToken.None)).Valid);
        await System.IO.File.WriteAllTextAsync(File, """{"servers":{"y":{"comand":"sh"}}}""");
        await reload.ReloadAsync("file", CancellationToken.None);
        Assert.Equal(3, Refusals());
    }

    [Fact]
    public async Task Reload_WhenAServerCannotStart_TheOneBeforeServesAndTheNextReloadTriesAgain()
    {
        var fleet = Fleet(0);
        fleet["servers"]!["s0"] = new JsonObject { ["url"] = "http://127.0.0.1:1/mcp" };
        Write(fleet);
        var status = await Guard.WithinAsync(_reload.ReloadAsync("file", CancellationToken.None), "the reload");
        Assert.Equal("s0", Assert.Single(status.Differences!.Failed).Id);
        Assert.Equal("hello", (await _host.Manager.CallAsync("s0", "hello")).Text);
        Assert.Equal("s0", Assert.Single((await _reload.ReloadAsync("file", CancellationToken.None)).Differences!.Failed).Id);

        Write(Fleet(0));
        Assert.Equal(Servers, (await _reload.ReloadAsync("file", CancellationToken.None)).Differences!.Unchanged.Count);
    }

    [Fact]
    public async Task Reload_WhenServersWereDeployedOtherwiseOrChangedByHand_ThatStays()
    {
        await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers", """{"name":"mine","transport":"in-process"}""", FrontHost.AdminToken);
        await _host.Manager.DisableServerAsync("s0");
        await _host.Manager.ShutdownServerAsync("s1");
        var fleet = Fleet(7);
        fleet["servers"]!["mine"] = InProcess();
        Write(fleet);

        var differences = (await Guard.WithinAsync(_reload.ReloadAsync("file", CancellationToken.None), "the reload")).Differences!;

        Assert.Contains("fairlead undeploy mine", Assert.Single(differences.Failed).Reason, StringComparison.Ordinal);
        Assert.Equal(["s0", "s1", "s2"], differences.Changed);
        Assert.Equal((ServerState.Disabled, ServerState.Stopped, ServerState.Healthy), (Cell("s0").Current.State, Cell("s1").Current.State, Cell("s2").Current.State));
        Assert.Equal(ServerOwner.Api, Cell("mine").Current.Config.Owner);
        Assert.Equal("7", Cell("s1").Current.Config.Environment["ROUND"]);
    }

    [Fact]
    public async Task Reload_WhenCallsAreInFlight_NoneFailsAndTheViewsConverge()
    {
        var rounds = Environment.GetEnvironmentVariable("FAIRLEAD_TEST_FULL") == "1" ? 1_000 : 25;
        using var stop = new CancellationTokenSource();
        var session = await _host.InitializeAsync("/mcp");
        var calls = 0;
        Task[] callers =
        [
            .. Enumerable.Range(0, Servers).Select(i => LoopAsync(async () => Assert.Equal("hello", (await _host.Manager.CallAsync($"s{i}", "hello")).Text))),
            LoopAsync(async () =>
            {
                var (_, body, _) = await _host.ModernAsync("/mcp", "tools/call", """ "name":"s1__hello","arguments":{} """, "s1__hello");
                Assert.Contains("\"text\":\"hello\"", body, StringComparison.Ordinal);
            }),
            LoopAsync(async () =>
            {
                var (_, body, _) = await _host.PostAsync(
                    "/mcp", """{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"s2__hello","arguments":{}}}""", "Mcp-Session-Id: " + session);
                Assert.Contains("\"text\":\"hello\"", body, StringComparison.Ordinal);
            }),
        ];
        var since = TimeProvider.System.GetTimestamp();
        for (var round = 1; round <= rounds && !callers.Any(static caller => caller.IsCompleted); round++)
        {
            var fleet = Fleet(round);
            if (round % 5 == 4)
            {
                await System.IO.File.WriteAllTextAsync(File, "{ broken");
                Assert.False((await Guard.WithinAsync(_reload.ReloadAsync("file", CancellationToken.None), "a bad reload")).Valid);
            }

            if (round % 3 == 0)
            {
                fleet["servers"]!["guest"] = InProcess();
            }

            fleet["servers"]!["s0"]!["expose"] = new JsonObject { ["rename"] = new JsonObject { ["hello"] = $"hello-{round % 2}" } };
            Write(fleet);
            var status = await Guard.WithinAsync(_reload.ReloadAsync("file", CancellationToken.None), "a reload");
            Assert.True(status.Valid);
            Assert.Empty(status.Differences!.Failed);
        }

        var took = TimeProvider.System.GetElapsedTime(since);
        await stop.CancelAsync();
        await Guard.WithinAsync(Task.WhenAll(callers), "the callers");
        _output.WriteLine($"{rounds} reloads in {took.TotalSeconds:0.0} s, {calls} calls, none failed.");

        Write(Fleet(0));
        await Guard.WithinAsync(_reload.ReloadAsync("file", CancellationToken.None), "the last reload");
        var (_, list, _) = await _host.ModernAsync("/mcp", "tools/list", "");
        Assert.Equal(
            ["s0__hello", "s1__hello", "s2__hello"],
            JsonDocument.Parse(EventStream.LastMessage(list)).RootElement.GetProperty("result").GetProperty("tools").EnumerateArray().Select(static tool => tool.GetProperty("name").GetString()));

        Task LoopAsync(Func<Task> call) => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await Guard.WithinAsync(call(), "a call");
                Interlocked.Increment(ref calls);
            }
        });
    }

    private static JsonObject InProcess() => new() { ["transport"] = "in-process" };

    /// <summary>The configuration of a round: one of the servers changes with each.</summary>
    private static JsonObject Fleet(int round)
    {
        var servers = new JsonObject();
        for (var i = 0; i < Servers; i++)
        {
            servers[$"s{i}"] = InProcess();
            servers[$"s{i}"]!["env"] = new JsonObject { ["ROUND"] = round == 7 || round % Servers == i ? $"{round}" : "0" };
        }

        return new JsonObject { ["servers"] = servers };
    }

    private void Write(JsonObject fleet) => System.IO.File.WriteAllText(File, fleet.ToJsonString());

    private ConfigurationResult Load() => ConfigurationLoader.Load(File, new Dictionary<string, string>());

    private Routing.ServerCell Cell(string name) => _host.Manager.Fleet.TryGet(name, out var cell) ? cell : throw new ServerNotFound(name);

    private Task<(HttpStatusCode Status, JsonElement Body, HttpResponseMessage Response)> PostReloadAsync() =>
        RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/configuration/reload", "{}", FrontHost.AdminToken);
}
