using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>A gateway whose fleet is changed: <c>calc</c> of the configuration, an in-process <c>extra</c> that can be deployed, and a state folder that outlives it.</summary>
internal sealed class LiveHost : IAsyncDisposable
{
    public const string Extra = """{"name":"extra","transport":"in-process","env":{"PLACE":"${LIVE_PLACE}"}}""";

    private readonly DirectoryInfo _state;
    private readonly bool _ownsState;

    private LiveHost(FrontHost host, DirectoryInfo state, bool ownsState)
    {
        Front = host;
        _state = state;
        _ownsState = ownsState;
    }

    public FrontHost Front { get; }

    public McpManager Manager => Front.Manager;

    /// <summary>What is kept over restarts.</summary>
    public string FleetFile => Path.Combine(_state.FullName, "fleet.json");

    /// <summary>Starts one.</summary>
    /// <param name="before">The one whose state folder it takes over; null = a fresh one.</param>
    public static async Task<LiveHost> StartAsync(LiveHost? before = null, Action<FairleadOptions>? change = null)
    {
        var state = before?._state ?? Directory.CreateTempSubdirectory("fairlead-live-");
        var options = new FairleadOptions
        {
            StateFolder = state.FullName,
            Servers = [new ServerConfig { Name = "calc" }],
            Variables = new Dictionary<string, string> { ["LIVE_PLACE"] = "a-place-of-its-own" },
            File = "/etc/some/fairlead.json",
        };
        change?.Invoke(options);
        var host = await FrontHost.StartAsync(options, static manager =>
        {
            manager.AddServer("extra", ScriptedRuns.Legacy());
            manager.AddTools("calc", new LambdaTool("say", static arguments => ToolOutput.Text(arguments)), new LambdaTool("add", static _ => ToolOutput.Text("3")));
        });
        return new LiveHost(host, state, before is null);
    }

    /// <summary>A request of an administrator.</summary>
    public Task<(HttpStatusCode Status, JsonElement Body, HttpResponseMessage Response)> SendAsync(HttpMethod method, string path, string? body = null) =>
        RestHost.SendAsync(Front, method, "/api/v1/servers" + path, body, FrontHost.AdminToken);

    /// <summary>A POST of an administrator that must succeed.</summary>
    public async Task<JsonElement> PostAsync(string path, string body = "{}")
    {
        var (status, answer, _) = await SendAsync(HttpMethod.Post, path, body);
        Assert.True((int)status is 200 or 201, $"{path}: {status} {answer}");
        return answer;
    }

    /// <summary>Waits until a server is in a state.</summary>
    public async Task ReachedAsync(string server, ServerState state)
    {
        while (true)
        {
            Assert.True(Manager.Fleet.TryGet(server, out var cell));
            var changed = cell.Changed;
            if (cell.Current.State == state)
            {
                return;
            }

            await Guard.WithinAsync(changed, $"{state} of {server}, which is {cell.Current.State}: {cell.Current.Reason}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Front.DisposeAsync();
        if (_ownsState)
        {
            _state.Delete(recursive: true);
        }
    }

    /// <summary>Ends the gateway and leaves its state folder.</summary>
    public ValueTask StopAsync() => Front.DisposeAsync();
}
