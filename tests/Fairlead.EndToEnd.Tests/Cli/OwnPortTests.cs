using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Fairlead.AspNetCore.Mcp;
using Fairlead.Cli.Running;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Security;
using Fairlead.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Servers with listeners of their own (product A3, decision 13), in the gateway as <c>fairlead up</c> runs it.</summary>
public sealed class OwnPortTests : IAsyncLifetime, IDisposable
{
    private const string List = """{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private GatewayHost? _host;

    public Task InitializeAsync() => Task.CompletedTask;

    public void Dispose() => _http.Dispose();

    public async Task DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.StopAsync();
            await _host.DisposeAsync();
        }
    }

    [Fact]
    public async Task OwnPort_ServesItsServerAloneUnderItsOwnNames()
    {
        var port = LoopbackListener.FreePort();
        await StartAsync(Echo("one", port), Echo("two", null));
        var own = new Uri($"http://127.0.0.1:{port}");

        var tools = await ListAsync(new Uri(own, "/mcp"));
        Assert.Contains("\"name\":\"echo\"", tools, StringComparison.Ordinal);
        Assert.DoesNotContain("one__echo", tools, StringComparison.Ordinal);
        Assert.Contains("\"name\":\"two__echo\"", await ListAsync(new Uri(new Uri(_host!.Url), "/mcp")), StringComparison.Ordinal);

        var health = JsonDocument.Parse(await _http.GetStringAsync(new Uri(own, "/health"))).RootElement.GetProperty("servers");
        Assert.Equal(["one"], health.EnumerateObject().Select(static server => server.Name));
        foreach (var path in new[] { "/mcp/two", "/api/v1/servers", "/ready", "/nothing" })
        {
            using var response = await _http.GetAsync(new Uri(own, path));
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            Assert.Contains("one", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task OwnPort_ChecksTheHostWithItsPort()
    {
        var port = LoopbackListener.FreePort();
        await StartAsync(Echo("one", port));
        foreach (var host in new[] { "evil.example", $"evil.example:{port}", $"127.0.0.1:{new Uri(_host!.Url).Port}" })
        {
            using var request = Request(new Uri($"http://127.0.0.1:{port}/mcp"));
            request.Headers.Host = host;
            using var response = await Guard.WithinAsync(_http.SendAsync(request), "a refusal");
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        }

        using var good = Request(new Uri($"http://127.0.0.1:{port}/mcp"));
        good.Headers.Host = $"localhost:{port}";
        using var answer = await Guard.WithinAsync(_http.SendAsync(good), "the list");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task OwnPort_WhenItIsTaken_IsAWarningOnItsServerAndTriedAgain()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;
        await StartAsync(Echo("one", port));
        Assert.Contains("\"echo\"", await ListAsync(new Uri(new Uri(_host!.Url), "/mcp/one")), StringComparison.Ordinal);
        var server = Assert.Single(await _host.Manager.ListServersAsync());
        Assert.Equal(port, server.Port);
        Assert.Contains($"its own port {port} cannot be used", server.PortProblem, StringComparison.Ordinal);

        holder.Stop();
        Assert.Contains("\"echo\"", await WhenServedAsync(port), StringComparison.Ordinal);
        Assert.Null(Assert.Single(await _host.Manager.ListServersAsync()).PortProblem);
    }

    [Fact]
    public async Task OwnPort_WhenServersComeChangeAndGo_Follows()
    {
        await StartAsync(Echo("one", null));
        var (first, second) = (LoopbackListener.FreePort(), LoopbackListener.FreePort());
        await _host!.Manager.DeployServerAsync(Echo("late", first));
        Assert.Contains("\"echo\"", await WhenServedAsync(first), StringComparison.Ordinal);

        await _host.Manager.UpdateServerAsync("late", Echo("late", second));
        Assert.Contains("\"echo\"", await WhenServedAsync(second), StringComparison.Ordinal);
        await WhenRefusedAsync(first);

        await _host.Manager.UndeployServerAsync("late");
        await WhenRefusedAsync(second);
    }

    [Fact]
    public async Task OwnPorts_WhenNoServerHasOne_LookOnlyAfterAChangeOfTheFleet()
    {
        var (fleet, time) = (new Fleet(), new FakeTimeProvider());
        await using var ports = new OwnPorts(fleet, "127.0.0.1", static _ => null, time, NullLogger.Instance);
        ports.Start(new PortTable());
        var looked = ports.Looked;

        var armed = time.WhenTimerArmedAsync(OwnPorts.Interval);
        fleet.Publish(new FleetSnapshot(1, [], FleetSnapshot.Empty.ByName));
        await Guard.WithinAsync(armed, "the look after the change to be armed");
        time.Advance(OwnPorts.Interval);
        await Guard.WithinAsync(looked, "the look after the change");
        Assert.Equal(0, time.ArmedTimers);
    }

    private static ServerConfig Echo(string name, int? port) =>
        new() { Name = name, Command = "dotnet", Arguments = [RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll"), "--era", "dual"], Port = port };

    private static HttpRequestMessage Request(Uri url)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(List, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", "tools/list");
        return request;
    }

    private async Task StartAsync(params ServerConfig[] servers)
    {
        var options = new FairleadOptions { Port = 0, Servers = [.. servers] };
        _host = GatewayHost.Build(options, new SecretRedactor(), "token", NullLoggerFactory.Instance);
        Assert.Null(await _host.StartAsync(CancellationToken.None));
        await Guard.WithinAsync(_host.Manager.LaunchAllAsync(), "all servers to start");
    }

    private async Task<string> ListAsync(Uri url)
    {
        using var request = Request(url);
        using var response = await Guard.WithinAsync(_http.SendAsync(request), $"the tools at {url}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>The tools at an own port once the gateway has opened it: it looks at the fleet in its own time, and until then nobody answers there.</summary>
    private Task<string> WhenServedAsync(int port) => Guard.WithinAsync(
        WhenAsync(async () => await ListAsync(new Uri($"http://127.0.0.1:{port}/mcp"))), $"the own port {port} to be served");

    private Task WhenRefusedAsync(int port) => Guard.WithinAsync(
        WhenAsync(async () =>
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, port);
                return null;
            }
            catch (SocketException)
            {
                return "refused";
            }
        }),
        $"the own port {port} to be closed");

    /// <summary>Tries after each look of the gateway until there is an outcome.</summary>
    private async Task<string> WhenAsync(Func<Task<string?>> attempt)
    {
        while (true)
        {
            var looked = _host!.Ports.Looked;
            try
            {
                if (await attempt() is { } outcome)
                {
                    return outcome;
                }
            }
            catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConnectionError)
            {
                // Not open yet.
            }

            await looked;
        }
    }
}
