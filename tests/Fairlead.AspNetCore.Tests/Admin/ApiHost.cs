using System.Text.Json;
using Fairlead.AspNetCore.Admin;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>A gateway in which every operation of the API has something to do: started from a configuration file, with faults allowed, and a server for each way in which calls end.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    /// <summary>Longest body.</summary>
    public const int BodyBytesMax = 4_096;

    private const string Configuration = """
        {
          "faultInjection": { "enabled": true },
          "limits": { "requestBodyBytesMax": 4096 },
          "servers": {
            "calc": { "transport": "in-process", "expose": { "hide": ["secret"] } },
            "waits": { "command": "nothing", "env": { "KEY": "${SOME_KEY}" } },
            "steps": { "transport": "in-process", "healthCheck": { "intervalMs": 100, "timeoutMs": 100, "unhealthyAfter": 100 } },
            "silent": { "transport": "in-process", "timeoutMs": 1000, "circuitBreaker": { "minimumCalls": 1 } },
            "refuses": { "transport": "in-process" },
            "seldom": { "transport": "in-process", "rateLimit": { "server": { "calls": 1, "perMs": 3600000 } } }
          }
        }
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-api-");

    private ApiHost()
    {
    }

    public FrontHost Front { get; private set; } = null!;

    public ApiDocument Document { get; private set; } = null!;

    /// <summary>The server that tells the progress of its call and then waits.</summary>
    public ScriptedRuns Steps { get; } = Scripted(static server => server.On("tools/call", static _ => null));

    public string File => Path.Combine(_folder.FullName, "fairlead.json");

    public static async Task<ApiHost> StartAsync()
    {
        var host = new ApiHost();
        await System.IO.File.WriteAllTextAsync(host.File, Configuration);
        ConfigurationResult Load() => ConfigurationLoader.Load(host.File, new Dictionary<string, string>());
        var first = Load();
        Assert.Equal("", string.Join('\n', first.Errors));
        first.Options.StateFolder = host._folder.FullName;
        host.Front = await FrontHost.StartAsync(
            first.Options,
            manager =>
            {
                manager.AddTools("calc", new LambdaTool("say", static arguments => ToolOutput.Text(arguments)), new LambdaTool("fail", static _ => ToolOutput.Error("it did not work")), new LambdaTool("path/like", static arguments => ToolOutput.Text(arguments)), new LambdaTool("secret", static _ => ToolOutput.Text("never shown")));
                manager.AddServer("extra", ScriptedRuns.Legacy());
                manager.AddServer("other", ScriptedRuns.Legacy());
                manager.AddServer("keyed", ScriptedRuns.Legacy());
                manager.AddServer("steps", host.Steps);
                manager.AddServer("silent", Scripted(static server => server.On("tools/call", static _ => null)));
                manager.AddServer("refuses", Scripted(static server => server.On("tools/call", """ "error":{"code":-32001,"message":"not today"} """)));
                manager.AddServer("seldom", ScriptedRuns.Legacy());
            },
            services: (services, manager) => services.AddSingleton(_ => new ConfigurationReload(manager, first, Load, TimeProvider.System, NullLogger.Instance)));
        host.Document = new ApiDocument(JsonDocument.Parse(await host.Front.Http.GetStringAsync("/api/v1/openapi.json")).RootElement);
        return host;
    }

    /// <summary>Values and a body that an operation takes.</summary>
    public static (string[] Values, string? Body) Good(ApiOperation operation, string server)
    {
        string[] values = [.. operation.Named("path").Select(name => name switch { "id" => $"id={server}", "tool" => "tool=hello", _ => "faultId=f99" })];
        return (values, operation.Body is null ? null : operation.Id switch
        {
            "deployServer" => """{"name":"another","transport":"in-process"}""",
            "updateServer" => """{"transport":"in-process","timeoutMs":1234}""",
            "scaleServer" => """{"replicas":1}""",
            "setMaintenance" => """{"on":false}""",
            "injectFault" => """{"kind":"error"}""",
            "validateConfiguration" => """{"text":"{}"}""",
            "exchangeDashboardCode" => """{"code":"guess"}""",
            "startRollout" or "abortRollout" or "callTool" => "{ }",
            _ => throw new ArgumentException($"There is no good body for {operation.Id} here yet."),
        });
    }

    public async ValueTask DisposeAsync()
    {
        await Front.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static ScriptedRuns Scripted(Action<ScriptedServer> more) => ScriptedRuns.Legacy(more);
}
