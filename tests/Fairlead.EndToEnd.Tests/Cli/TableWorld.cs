using Fairlead.AspNetCore;
using Fairlead.Configuration;
using Fairlead.EndToEnd.Tests.Hostile;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>The fleet of the table in this process, behind a real Kestrel, with the three ways to it. Nothing is deployed yet.</summary>
internal sealed class TableWorld : IAsyncDisposable
{
    private const string Token = "0123456789abcdef";

    private readonly TempFolder _folder = new();
    private readonly Dictionary<string, string> _variables = [];
    private readonly RefusingServer _refusing;
    private readonly WebApplication _app;

    private TableWorld(StateTable table, RefusingServer refusing)
    {
        _refusing = refusing;
        foreach (System.Collections.DictionaryEntry pair in Environment.GetEnvironmentVariables())
        {
            _variables[(string)pair.Key] = (string?)pair.Value ?? "";
        }

        _variables["TABLE_SERVER"] = RepositoryPaths.Source("bindings/python/tests/scripted_server.py");
        _variables["TABLE_REFUSING"] = refusing.Url;
        _variables["TABLE_FOLDER"] = _folder.FullName;
        _folder.Write("admin.token", Token);
        var options = Load("fairlead.json", table.Configuration, out var redactor);
        options.StateFolder = _folder.FullName;
        Manager = new McpManager(options, redactor: redactor);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddFairlead(Manager, Token);
        _app = builder.Build();
        _app.MapFairlead();
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        Dotnet = new DotnetWay(Manager, entry => Load("entry.json", $$"""{"servers":[{{entry.GetRawText()}}]}""", out _).Servers.Single());
        Rest = new RestWay(Http, Token);
    }

    public McpManager Manager { get; }

    public HttpClient Http { get; }

    public DotnetWay Dotnet { get; }

    public RestWay Rest { get; }

    public CliWay Cli { get; private set; } = null!;

    /// <summary>Null where there is no browser.</summary>
    public DashboardWay? Dashboard { get; private set; }

    public static async Task<TableWorld> StartAsync(StateTable table)
    {
        var world = new TableWorld(table, await RefusingServer.StartAsync());
        await world._app.StartAsync();
        world.Http.BaseAddress = new Uri(world._app.Urls.Single());
        world.Dashboard = DashboardWay.Open(world._app.Urls.Single(), world._folder.At("admin.token"), world.Rest.DoAsync);
        world.Cli = new CliWay(world._folder, world._app.Urls.Single());
        return world;
    }

    public async ValueTask DisposeAsync()
    {
        if (Dashboard is not null)
        {
            await Dashboard.DisposeAsync();
        }

        Http.Dispose();
        await Manager.DisposeAsync();
        await _app.DisposeAsync();
        await _refusing.DisposeAsync();
        _folder.Dispose();
    }

    private FairleadOptions Load(string file, string text, out Security.SecretRedactor redactor)
    {
        var loaded = ConfigurationLoader.Load(_folder.Write(file, text), _variables);
        Assert.Equal("", string.Join('\n', loaded.Errors));
        redactor = loaded.Redactor;
        return loaded.Options;
    }
}
