using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Fairlead.AspNetCore.Tests.Admin;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore.Tests;

/// <summary>A fleet that is registered with the services of an application lives and ends with the application's host.</summary>
public sealed class FairleadServicesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fairlead-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task AddFairlead_WhenOptionsAreGivenInCode_StartsWithTheHostAndLeavesNoProcess()
    {
        await using var app = Build(static services => services.AddFairlead(static options => options.Servers.Add(Echo.Server("echo"))));
        var manager = app.Services.GetRequiredService<McpManager>();
        Assert.Empty(await manager.ListServersAsync());

        await app.StartAsync();
        var result = await Guard.WithinAsync(manager.ExecuteToolAsync("echo", "echo", new { message = "hello" }), "the answer of echo");
        Assert.Equal("hello", result.Text);
        var process = (await manager.ListServersAsync()).Single().ProcessId!.Value;
        Assert.NotNull(ProcessTable.Find(process));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri("/api/v1/servers/echo", UriKind.Relative))).StatusCode);

        await Guard.WithinAsync(app.StopAsync(), "the host to stop");
        Assert.Null(ProcessTable.Find(process));
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.ListServersAsync());
    }

    [Fact]
    public async Task AddFairlead_WhenACallRunsAtTheStop_TheCallEndsFirst()
    {
        var tool = new HeldTool();
        await using var app = Build(services => services.AddFairlead(static options => options.Limits.DrainGrace = TimeSpan.FromMinutes(10)).AddTool("own", tool));
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        var call = http.PostAsync(new Uri("/api/v1/servers/own/tools/held/call", UriKind.Relative), Json("{}"));
        await Guard.WithinAsync(tool.Begun, "the call to begin");

        var manager = app.Services.GetRequiredService<McpManager>();
        var refusing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        manager.Fleet.ShutdownBegun += () => refusing.TrySetResult();
        var stop = app.StopAsync();
        await Guard.WithinAsync(refusing.Task, "calls to be refused");
        await Assert.ThrowsAsync<RuntimeShutdown>(() => manager.ExecuteToolAsync("own", "held").AsTask());
        Assert.False(stop.IsCompleted);
        tool.End();

        var answer = await Guard.WithinAsync(call, "the answer to the call that ran");
        Assert.Contains("held", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await Guard.WithinAsync(stop, "the host to stop");
    }

    [Fact]
    public async Task AddFairlead_WhenTheHostCannotListen_StartsNoServer()
    {
        using var taken = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        await using var app = Build(
            static services => services.AddFairlead(static options => options.Servers.Add(Echo.Server("echo"))), $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}");

        await Assert.ThrowsAsync<IOException>(() => app.StartAsync());
        var server = (await app.Services.GetRequiredService<McpManager>().ListServersAsync()).Single();
        Assert.Null(server.ProcessId);
        await Guard.WithinAsync(app.DisposeAsync().AsTask(), "the fleet to end without ever having started");
    }

    [Fact]
    public async Task AddFairlead_WhenAFileIsGiven_ServesItAndLoadsItAgain()
    {
        var file = Path.Combine(_folder, "fairlead.json");
        await File.WriteAllTextAsync(file, """{"servers":{}}""");
        await using var app = Build(
            services => services.AddFairlead(file, static options => options.FirstListWaitMs = 0, adminToken: "secret").AddTool("own", new LambdaTool("hello", static _ => ToolOutput.Text("world"))));
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "secret");
        Assert.Equal(["own"], await NamesAsync(app));

        await File.WriteAllTextAsync(file, new JsonObject { ["servers"] = new JsonObject { ["echo"] = new JsonObject { ["command"] = "dotnet", ["args"] = new JsonArray([.. Echo.Server("echo").Arguments.Select(static one => (JsonNode)one)]) } } }.ToJsonString());
        var answer = await http.PostAsync(new Uri("/api/v1/configuration/reload", UriKind.Relative), null);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());

        // The tool's server stands in no file, and stays.
        Assert.Equal(["echo", "own"], (await NamesAsync(app)).Order());
        await Guard.WithinAsync(app.StopAsync(), "the host to stop");
    }

    [Fact]
    public void AddFairlead_WhenTheFileIsWrong_NamesEveryErrorWithItsPlace()
    {
        var file = Path.Combine(_folder, "wrong.json");
        File.WriteAllText(file, "{\n\"sseGraceMs\": -1,\n\"servers\": {\"a\": {\"comand\": \"x\"}}}");

        var exception = Assert.Throws<InvalidConfiguration>(() => WebApplication.CreateSlimBuilder().Services.AddFairlead(file));

        Assert.Contains($"{file}:2:", exception.Message, StringComparison.Ordinal);
        Assert.Contains("comand", exception.Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<InvalidConfiguration>(() => WebApplication.CreateSlimBuilder().Services.AddFairlead(Path.Combine(_folder, "none.json"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AddFairlead_WhenCalledTwice_IsRefused()
    {
        var services = WebApplication.CreateSlimBuilder().Services;
        services.AddFairlead();

        Assert.Throws<InvalidOperationException>(() => services.AddFairlead());
    }

    [Fact]
    public async Task AddTool_WhenAToolNeedsServicesOfTheApplication_GetsThem()
    {
        await using var app = Build(static services =>
        {
            services.AddSingleton(new Greeting("good morning"));
            services.AddFairlead().AddTool<GreetTool>("own").Configure(static (_, manager) => manager.OnSampling = static (_, _) => Task.FromResult<object>(new { }));
        });
        await app.StartAsync();
        var manager = app.Services.GetRequiredService<McpManager>();

        Assert.Equal("good morning", (await Guard.WithinAsync(manager.ExecuteToolAsync("own", "greet"), "the answer of greet")).Text);
        Assert.NotNull(manager.OnSampling);
        await Guard.WithinAsync(app.StopAsync(), "the host to stop");
    }

    private static async Task<IEnumerable<string>> NamesAsync(WebApplication app) =>
        (await app.Services.GetRequiredService<McpManager>().ListServersAsync()).Select(static server => server.Id);

    private static WebApplication Build(Action<IServiceCollection> add, string url = "http://127.0.0.1:0")
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url);
        add(builder.Services);
        var app = builder.Build();
        app.MapFairlead();
        return app;
    }

    private static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");

    private sealed record Greeting(string Text);

    private sealed class GreetTool(Greeting greeting) : ITool
    {
        public string Name => "greet";

        public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = """{"name":"greet","inputSchema":{"type":"object"}}"""u8.ToArray();

        public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken) => new(ToolOutput.Text(greeting.Text));
    }

    /// <summary>Answers when the test says so.</summary>
    private sealed class HeldTool : ITool
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Name => "held";

        public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = """{"name":"held","inputSchema":{"type":"object"}}"""u8.ToArray();

        public Task Begun => _begun.Task;

        public void End() => _end.SetResult();

        public async ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
        {
            _begun.SetResult();
            await _end.Task.WaitAsync(cancellationToken);
            return ToolOutput.Text("held to the end");
        }
    }
}
