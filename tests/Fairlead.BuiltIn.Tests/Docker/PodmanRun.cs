using System.Diagnostics;
using System.Formats.Tar;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.BuiltIn.Tests.Docker;

/// <summary>A real podman with its Docker API on a socket and one image, <c>busybox:latest</c>. Keeps everything in a folder of its own.</summary>
public sealed class PodmanRun : IAsyncLifetime, IDisposable
{
    private static readonly string[] s_programs = ["sh", "echo", "cat", "sleep", "id", "ls", "touch", "env"];

    private readonly TempFolder _folder = new();
    private BackgroundProgram? _program;

    /// <summary>As <c>DOCKER_HOST</c> has it.</summary>
    public string Host => "unix://" + _folder.At("podman.sock");

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        if (new EngineFactAttribute().Skip is not null)
        {
            return;
        }

        _folder.Write("home/.config/containers/policy.json", """{"default":[{"type":"insecureAcceptAnything"}]}""");
        _folder.Write("home/.config/containers/registries.conf", "unqualified-search-registries = []\n");

        // No iptables and no rights to raise limits are asked for: a pair of interfaces that goes with its container, and limits below those of any machine.
        _folder.Write("net/87-podman.conflist", """
            {"cniVersion":"0.4.0","name":"podman","plugins":[{"type":"ptp","ipMasq":false,
              "ipam":{"type":"host-local","ranges":[[{"subnet":"10.231.77.0/24"}]],"dataDir":"IPAM"}}]}
            """.Replace("IPAM", _folder.At("ipam"), StringComparison.Ordinal));
        var variables = new Dictionary<string, string>
        {
            ["HOME"] = _folder.At("home"), ["TMPDIR"] = _folder.At("tmp"), ["CONTAINERS_CONF"] = _folder.At("containers.conf"), ["CONTAINERS_STORAGE_CONF"] = _folder.At("storage.conf"),
            ["CONTAINERS_REGISTRIES_CONF"] = _folder.At("home/.config/containers/registries.conf"),
            ["LD_LIBRARY_PATH"] = Directory.GetDirectories(Engines.At("usr/lib"), "*-linux-gnu").Single(),
        };

        // At the end of a container conmon runs podman once more, to clean up.
        var conmonVariables = string.Join(", ", variables.Append(new("PATH", Environment.GetEnvironmentVariable("PATH")!)).Select(static pair => $"\"{pair.Key}={pair.Value}\""));
        _folder.Write("containers.conf", $"""
            [containers]
            default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            events_logfile_path = "{_folder.At("events.log")}"
            conmon_env_vars = [{conmonVariables}]
            conmon_path = ["{Engines.At("usr/bin/conmon")}"]
            runtime = "runc"
            [engine.runtimes]
            runc = ["{Engines.At("usr/sbin/runc")}"]
            [network]
            network_backend = "cni"
            cni_plugin_dirs = ["{Engines.At("usr/lib/cni")}"]
            network_config_dir = "{_folder.At("net")}"
            """);
        _folder.Write("storage.conf", $"""
            [storage]
            driver = "vfs"
            graphroot = "{_folder.At("root")}"
            runroot = "{_folder.At("run")}"
            """);
        Directory.CreateDirectory(_folder.At("tmp"));
        _program = await BackgroundProgram.StartAsync(
            Engines.At("usr/bin/podman"), ["--log-level=info", "--tmpdir", _folder.At("tmp"), "system", "service", "--time=0", Host], variables, "API service listening on");
        await ImportAsync();
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_program is not null)
        {
            // What a test left running would outlive the engine.
            using var http = Connect();
            using var list = JsonDocument.Parse(await Guard.WithinAsync(http.GetStringAsync("v1.41/containers/json?all=true"), "the list of containers"));
            foreach (var container in list.RootElement.EnumerateArray())
            {
                using var removed = await Guard.WithinAsync(http.DeleteAsync($"v1.41/containers/{container.GetProperty("Id").GetString()}?force=true"), "the removal of a container");
            }

            await _program.DisposeAsync();
            EndMonitors();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    /// <summary>Podman keeps the monitor of each program that was run in a container for five minutes more.</summary>
    private void EndMonitors()
    {
        foreach (var process in Process.GetProcessesByName("conmon"))
        {
            using (process)
            {
                if (File.Exists($"/proc/{process.Id}/cmdline") && File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(_folder.FullName, StringComparison.Ordinal))
                {
                    process.Kill();
                }
            }
        }
    }

    private HttpClient Connect() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_folder.At("podman.sock")), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    }) { BaseAddress = new Uri("http://podman/") };

    /// <summary>No image can be pulled on every machine: a tar with busybox becomes one.</summary>
    private async Task ImportAsync()
    {
        var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            await writer.WriteEntryAsync(Engines.At("bin/busybox"), "bin/busybox");
            foreach (var program in s_programs)
            {
                await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/" + program) { LinkName = "busybox" });
            }

            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, "tmp/") { Mode = (UnixFileMode)0b111_111_111 });
        }

        tar.Position = 0;
        using var http = Connect();
        using var content = new StreamContent(tar) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-tar") } };
        using var answer = await Guard.WithinAsync(http.PostAsync("v1.41/images/create?fromSrc=-&repo=busybox&tag=latest", content), "the import of the image");
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
