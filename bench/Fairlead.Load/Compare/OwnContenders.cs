using System.Globalization;
using Fairlead.Configuration;
using Fairlead.Load.Servers;
using Fairlead.Measuring;

namespace Fairlead.Load.Compare;

/// <summary>Starts what comes with this repository: the references, the gateway, the byte forwarder, and calls in this process.</summary>
internal static class OwnContenders
{
    /// <summary>The bare web server with the answer of the scenario.</summary>
    public static async Task<Contender> BareAsync(Scenario scenario, Workplace workplace)
    {
        var bare = await StartBareAsync(scenario, workplace).ConfigureAwait(false);
        return Contender.OverHttp(
            "bare", "the bare web server", [Target(scenario, new Uri(bare.Url, "/mcp"), LoadEra.Modern) with { ChecksId = false }], () => ([bare.Id], []), () => bare.DisposeAsync().AsTask());
    }

    /// <summary>The HTTP echo server without anything before it.</summary>
    public static async Task<Contender> DirectAsync(Scenario scenario, Workplace workplace)
    {
        var echo = await StartEchoAsync(scenario, workplace, "dual").ConfigureAwait(false);
        return Contender.OverHttp("direct", "the HTTP echo server itself", [Target(scenario, new Uri(echo.Url, "/mcp"), EraOf(scenario.ClientEra))], () => ([echo.Id], []), () => echo.DisposeAsync().AsTask());
    }

    /// <summary>Fairlead before the servers of the scenario.</summary>
    public static async Task<Contender> GatewayAsync(Scenario scenario, Workplace workplace, string name = "gateway")
    {
        var echo = scenario.Upstream == "http" ? await StartEchoAsync(scenario, workplace, scenario.ServerEra).ConfigureAwait(false) : null;
        var mark = workplace.Mark.Split('=');
        object replicas = new { count = scenario.Replicas };
        object entry = echo is null
            ? new { command = workplace.Echo, args = new[] { "--era", scenario.ServerEra }, env = new Dictionary<string, string> { [mark[0]] = mark[1] }, replicas }
            : new { url = new Uri(echo.Url, "/mcp"), replicas };
        var servers = Enumerable.Range(1, scenario.Servers).ToDictionary(Workplace.ServerName, _ => entry);
        var gateway = await workplace.StartGatewayAsync(new { servers }).ConfigureAwait(false);
        return Contender.OverHttp(
            name,
            "fairlead up",
            [.. Enumerable.Range(1, scenario.Servers).Select(number => Target(scenario, new Uri(gateway.Url, Workplace.EndpointOf(number)), EraOf(scenario.ClientEra)))],
            () => ([gateway.Id], echo is null ? ProcessFigures.WithEnvironment(workplace.Mark) : [echo.Id]),
            async () =>
            {
                await gateway.DisposeAsync().ConfigureAwait(false);
                if (echo is not null)
                {
                    await echo.DisposeAsync().ConfigureAwait(false);
                }
            });
    }

    /// <summary>The byte forwarder before a server of its own: the HTTP echo server where the gateway has one too, else the bare web server.</summary>
    public static async Task<Contender> ForwarderAsync(Scenario scenario, Workplace workplace)
    {
        var isEcho = scenario.Upstream == "http";
        var bare = await (isEcho ? StartEchoAsync(scenario, workplace, scenario.ServerEra) : StartBareAsync(scenario, workplace)).ConfigureAwait(false);
        var forwarder = await ServerProcess.StartAsync(workplace.Self, "forward", "--to", bare.Url.ToString()).ConfigureAwait(false);
        return Contender.OverHttp(
            "forwarder",
            isEcho ? "Kestrel to SocketsHttpHandler, before the HTTP echo server" : "Kestrel to SocketsHttpHandler, before the bare web server",
            [Target(scenario, new Uri(forwarder.Url, "/mcp"), isEcho ? EraOf(scenario.ClientEra) : LoadEra.Modern) with { ChecksId = isEcho }],
            () => ([forwarder.Id], [bare.Id]),
            async () =>
            {
                await forwarder.DisposeAsync().ConfigureAwait(false);
                await bare.DisposeAsync().ConfigureAwait(false);
            });
    }

    /// <summary>The bare web server, for what needs one behind it.</summary>
    public static Task<ServerProcess> StartBareAsync(Scenario scenario, Workplace workplace) =>
        ServerProcess.StartAsync(workplace.Self, "bare", "--payload", Text(scenario.Payload), "--method", scenario.Method, "--answers", scenario.Answers, "--tools", Text(scenario.Tools));

    /// <summary>The call of a scenario at an endpoint.</summary>
    public static LoadTarget Target(Scenario scenario, Uri endpoint, LoadEra era, string tool = "echo") =>
        new(endpoint, era, scenario.Method == "list" ? null : tool, EchoText.Arguments(scenario.Payload));

    /// <summary>The era of a scenario's word.</summary>
    public static LoadEra EraOf(string word) => word == "legacy" ? LoadEra.Legacy : LoadEra.Modern;

    /// <summary>The tool object called without anything between; the reference for calls in this process.</summary>
    public static Contender Tool(Scenario scenario)
    {
        var (tool, context) = (new EchoTool(scenario.Payload), new ToolCallContext("echo", "echo"));
        return Contender.InThisProcess("tool", "the tool object itself", () => new ToolCaller<ToolOutput>(() => tool.InvokeAsync(tool.Arguments, context, CancellationToken.None)), static () => Task.CompletedTask);
    }

    /// <summary>The same tool through McpManager.ExecuteToolAsync.</summary>
    public static async Task<Contender> ManagerAsync(Scenario scenario)
    {
        var tool = new EchoTool(scenario.Payload);
        var manager = new McpManager(new FairleadOptions { Servers = [new ServerConfig { Name = "echo" }] });
        manager.AddTools("echo", tool);
        await manager.InitializeAsync().ConfigureAwait(false);
        await manager.LaunchAllAsync().ConfigureAwait(false);
        return Contender.InThisProcess(
            "manager", "McpManager.ExecuteToolAsync", () => new ToolCaller<ToolResult>(() => manager.ExecuteToolAsync("echo", "echo", tool.Arguments)),
            async () =>
            {
                await manager.ShutdownAsync(TimeSpan.Zero).ConfigureAwait(false);
                await manager.DisposeAsync().ConfigureAwait(false);
            });
    }

    private static Task<ServerProcess> StartEchoAsync(Scenario scenario, Workplace workplace, string era) =>
        ServerProcess.StartAsync(workplace.Self, "echo-http", "--era", era, "--answers", scenario.Answers, "--tools", Text(scenario.Tools));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
