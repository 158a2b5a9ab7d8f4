using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>The built-in servers through the program: the default fleet, configurations that name a type, one server alone on stdio.</summary>
public sealed class BuiltInTests
{
    private const string NoEngine = "unix:///nonexistent/docker.sock";

    // The discard port: nobody listens there.
    private const string NoPrometheus = "http://127.0.0.1:9";

    private static Dictionary<string, string> Nothing(string folder) => new(StringComparer.Ordinal)
    {
        ["XDG_CONFIG_HOME"] = "/nonexistent", ["FAIRLEAD_CONFIG"] = "", ["FAIRLEAD_STATE"] = "", ["DOCKER_HOST"] = NoEngine, ["PROMETHEUS_URL"] = NoPrometheus, ["GIT_ROOTS"] = folder,
    };

    private static JsonNode? Event(string line, string name) => line.StartsWith('{') && JsonNode.Parse(line) is { } node && (string?)node["event"] == name ? node : null;

    [Fact]
    public async Task Up_WhenThereIsNoConfiguration_RunsTheDefaultFleetAndSaysWhatEachLacks()
    {
        using var folder = new TempFolder();
        await using var up = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "up", "--port", "0", "--state", folder.At("state"), "--json"], Nothing(folder.FullName));
        var summary = Event(await up.LineAsync(static line => Event(line, "summary") is not null, "the summary"), "summary")!;
        Assert.Equal(["git"], summary["launched"]!.AsArray().Select(static id => (string?)id));
        var failed = summary["failed"]!.AsArray().ToDictionary(static server => (string)server!["id"]!, static server => (State: (string)server!["state"]!, Reason: (string)server["reason"]!));
        Assert.Equal(["docker", "prometheus"], failed.Keys.Order());
        Assert.All(failed.Values, static server => Assert.Equal("Unhealthy", server.State));
        Assert.Contains(NoEngine, failed["docker"].Reason, StringComparison.Ordinal);
        Assert.Contains(NoPrometheus, failed["prometheus"].Reason, StringComparison.Ordinal);

        var ps = (await CliRun.OfAsync("ps", "--state", folder.At("state"))).Ended(0);
        Assert.Contains("there is no such socket", ps.Output, StringComparison.Ordinal);
        var call = (await CliRun.OfAsync("call", "docker", "docker_ps", "--state", folder.At("state"))).Ended(1);
        Assert.Contains("there is no such socket", call.Output, StringComparison.Ordinal);
        Assert.Equal(0, await up.StopAsync());
    }

    [Fact]
    public async Task Up_WhenPrometheusAppearsLater_ItsServerBecomesHealthyByItself()
    {
        using var folder = new TempFolder();
        using var reserved = new TcpListener(IPAddress.Loopback, 0);
        reserved.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)reserved.LocalEndpoint).Port}";
        reserved.Stop();
        var file = folder.Write("c.json", """{"servers":{"watch":{"type":"prometheus","env":{"PROMETHEUS_URL":"ADDRESS"}}}}""".Replace("ADDRESS", address, StringComparison.Ordinal));
        await using var up = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "up", "--config", file, "--port", "0", "--state", folder.At("state"), "--json"], Nothing(folder.FullName));
        await up.LineAsync(static line => (string?)Event(line, "server")?["state"] == "Unhealthy", "the server being Unhealthy");

        using var late = new HttpListener();
        late.Prefixes.Add(address + "/");
        late.Start();
        var request = await Guard.WithinAsync(late.GetContextAsync(), "the next look");
        Assert.Equal("/api/v1/status/buildinfo", request.Request.Url!.AbsolutePath);
        Assert.Null(request.Request.Headers["Authorization"]);
        request.Response.Close("""{"status":"success","data":{"version":"9.9"}}"""u8.ToArray(), willBlock: false);
        var again = await Guard.WithinAsync(late.GetContextAsync(), "the look before the start");
        again.Response.Close("""{"status":"success","data":{"version":"9.9"}}"""u8.ToArray(), willBlock: false);
        var healthy = await up.LineAsync(static line => (string?)Event(line, "server")?["state"] == "Healthy", "the server being Healthy");
        Assert.Equal(8, (int)Event(healthy, "server")!["tools"]!);
    }

    [Fact]
    public async Task Up_WhenAKeyIsRefused_TheServerIsAuthRequiredAndTheKeyStaysSecret()
    {
        using var folder = new TempFolder();
        using var door = new TcpListener(IPAddress.Loopback, 0);
        door.Start();
        var port = ((IPEndPoint)door.LocalEndpoint).Port;
        door.Stop();
        using var guarded = new HttpListener();
        guarded.Prefixes.Add($"http://127.0.0.1:{port}/");
        guarded.Start();
        folder.Write(".env", "PROMETHEUS_API_KEY=planted-key-4711\n");
        var file = folder.Write("c.json", """{"servers":{"watch":{"type":"prometheus","env":{"PROMETHEUS_URL":"http://127.0.0.1:PORT"}}}}""".Replace("PORT", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        await using var up = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "up", "--config", file, "--port", "0", "--state", folder.At("state"), "--json"], Nothing(folder.FullName));
        var request = await Guard.WithinAsync(guarded.GetContextAsync(), "the look");
        Assert.Equal("Bearer planted-key-4711", request.Request.Headers["Authorization"]);
        request.Response.StatusCode = 401;
        request.Response.Close();
        var refused = await up.LineAsync(static line => (string?)Event(line, "server")?["state"] == "AuthRequired", "the server being AuthRequired");
        Assert.Contains("PROMETHEUS_API_KEY", refused, StringComparison.Ordinal);
        Assert.DoesNotContain("planted-key-4711", up.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("git", 16, "git: connected to git version")]
    [InlineData("docker", 17, "docker: no engine answers")]
    [InlineData("prometheus", 8, "prometheus: no Prometheus answers")]
    public async Task Server_WhenItRunsAlone_SpeaksNothingButTheProtocolOnStdout(string name, int tools, string line)
    {
        using var folder = new TempFolder();
        var info = new ProcessStartInfo("dotnet", [RepositoryPaths.Cli, "server", name]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.FullName };
        foreach (var (key, value) in Nothing(folder.FullName))
        {
            info.Environment[key] = value;
        }

        using var process = Process.Start(info)!;
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""" + "\n");
        await process.StandardInput.FlushAsync();
        var hello = JsonNode.Parse((await Guard.WithinAsync(process.StandardOutput.ReadLineAsync(), "the answer to initialize"))!)!;
        Assert.Equal("fairlead-" + name, (string?)hello["result"]!["serverInfo"]!["name"]);
        await process.StandardInput.WriteAsync("""
            {"jsonrpc":"2.0","method":"notifications/initialized"}
            {"jsonrpc":"2.0","id":2,"method":"tools/list"}

            """);
        await process.StandardInput.FlushAsync();
        var list = JsonNode.Parse((await Guard.WithinAsync(process.StandardOutput.ReadLineAsync(), "the tools"))!)!;
        Assert.Equal(tools, list["result"]!["tools"]!.AsArray().Count);

        process.StandardInput.Close();
        Assert.Equal("", await Guard.WithinAsync(process.StandardOutput.ReadToEndAsync(), "the end of stdout"));
        await Guard.WithinAsync(process.WaitForExitAsync(), "the end of the process");
        Assert.Equal(0, process.ExitCode);
        Assert.Contains(line, await error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_WhenTheNameIsUnknown_EndsWith8AndNamesTheNearest()
    {
        var run = (await CliRun.OfAsync("server", "dokcer")).Ended(8);
        Assert.Contains("Did you mean docker?", run.Output, StringComparison.Ordinal);
        Assert.Contains("git, prometheus", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_WhenAVariableIsWrong_EndsWith3AndNamesIt() =>
        Assert.Contains("DOCKER_HOST", (await CliRun.OfAsync(new Dictionary<string, string> { ["DOCKER_HOST"] = "ssh://x" }, "server", "docker")).Ended(3).Output, StringComparison.Ordinal);

    [Fact]
    public async Task Server_WithoutAName_ListsThem() =>
        Assert.Contains("git  (reads GIT_ROOTS", (await CliRun.OfAsync("server")).Ended(0).Output, StringComparison.Ordinal);

    [Fact]
    public async Task Validate_WhenThereIsNoConfiguration_ChecksTheDefaultFleet() =>
        Assert.Contains("the default fleet: good, 3 servers", (await CliRun.OfAsync("config", "validate")).Ended(0).Output, StringComparison.Ordinal);
}
