using System.Text.Json;
using Fairlead.BuiltIn.Docker;

namespace Fairlead.BuiltIn.Tests.Docker;

/// <summary>The Docker server with a real engine.</summary>
public sealed class DockerServerTests(PodmanRun podman) : IClassFixture<PodmanRun>, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Task<ToolClient> ConnectAsync() => ToolClient.ConnectAsync("docker", _folder.FullName, ("DOCKER_HOST", podman.Host));

    private static Task<ToolClient> WithoutEngineAsync(string folder = "/nonexistent") => ToolClient.ConnectAsync("docker", folder, ("DOCKER_HOST", "unix:///nonexistent/docker.sock"));

    private static async Task<string> StartSleeperAsync(ToolClient client)
    {
        // Its own /tmp is the mark that it runs; it waits for a file that the test makes through an exec.
        var run = client.CallAsync("docker_run", new { image = "busybox", command = new[] { "sh", "-c", "echo up; while [ ! -e /tmp/end ]; do sleep 0.1; done; echo down" }, environment = new Dictionary<string, string> { ["API_TOKEN"] = "planted" } });
        _ = run;
        while (true)
        {
            var rows = (await client.CallAsync("docker_ps")).Good().GetProperty("containers");
            if (rows.EnumerateArray().FirstOrDefault(static row => row.GetProperty("state").GetString() == "running") is { ValueKind: JsonValueKind.Object } row)
            {
                return row.GetProperty("id").GetString()!;
            }
        }
    }

    [EngineFact]
    public async Task Check_WhenTheEngineAnswers_NamesKindVersionAndAddress()
    {
        var report = await ToolClient.Make("docker", "/", TimeProvider.System, ("DOCKER_HOST", podman.Host)).CheckAsync(CancellationToken.None);
        Assert.Equal(BackendState.Ready, report.State);
        Assert.Contains("podman 4.", report.Text, StringComparison.Ordinal);
        Assert.Contains(podman.Host, report.Text, StringComparison.Ordinal);
    }

    [EngineFact]
    public async Task Run_WhenTheProgramEnds_GivesItsOutputAndExitCodeAndLeavesNothing()
    {
        await using var client = await ConnectAsync();
        var run = (await client.CallAsync("docker_run", new
        {
            image = "busybox",
            command = new[] { "sh", "-c", "id -u; id -g; echo $GREETING; echo oops >&2; touch /x || echo read-only; touch /tmp/y && echo writable; exit 3" },
            environment = new Dictionary<string, string> { ["GREETING"] = "hello; id" },
        })).Good();
        Assert.Equal("exited", run.GetProperty("state").GetString());
        Assert.Equal("1000\n1000\nhello; id\nread-only\nwritable\n", run.GetProperty("stdout").GetString());
        Assert.Contains("oops", run.GetProperty("stderr").GetString(), StringComparison.Ordinal);
        Assert.Equal(3, run.GetProperty("exitCode").GetInt32());
    }

    [EngineFact]
    public async Task Run_WhenAVolumeIsGiven_ItsFilesAreSeen()
    {
        _folder.Write("data/file.txt", "from the host\n");
        await using var client = await ConnectAsync();
        var run = (await client.CallAsync("docker_run", new { image = "busybox", command = new[] { "cat", "/data/file.txt" }, volumes = new[] { _folder.At("data") + ":/data:ro" } })).Good();
        Assert.Equal("from the host\n", run.GetProperty("stdout").GetString());
    }

    [EngineFact]
    public async Task Run_WhenTheOutputIsLong_IsCut()
    {
        await using var client = await ConnectAsync();
        var run = (await client.CallAsync("docker_run", new { image = "busybox", command = new[] { "sh", "-c", "i=0; while [ $i -lt 6000 ]; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; i=$((i+1)); done" } })).Good();
        Assert.True(run.GetProperty("truncated").GetBoolean());
        Assert.InRange(run.GetProperty("stdout").GetString()!.Length, 100_000, 262_144);
    }

    [EngineFact]
    public async Task Run_WhenTheImageIsUnknown_SaysWhatTheEngineSays()
    {
        await using var client = await ConnectAsync();
        Assert.Contains("The engine refuses", (await client.CallAsync("docker_run", new { image = "localhost/nothing:here" })).Bad(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(404, "no such exec session", true)]
    [InlineData(500, "retrieving exec session 23 from container d1: container d1 does not exist in database: no such container", true)]
    [InlineData(500, "the disk is full", false)]
    [InlineData(409, "no such container is running", false)]
    public void Engine_WhenWhatWasAskedForHasGone_SaysSo(int status, string message, bool isUnknown) =>
        Assert.Equal(isUnknown, DockerEngine.IsUnknown(new ModelContextProtocol.McpException("The engine refuses: " + message, new HttpRequestException(null, null, (System.Net.HttpStatusCode)status))));

    [EngineFact]
    public async Task Container_WhileItRuns_CanBeSeenEnteredAndEnded()
    {
        await using var client = await ConnectAsync();
        var id = await StartSleeperAsync(client);

        var listed = (await client.CallAsync("list_containers", new { all = true })).Good().GetProperty("containers").EnumerateArray().Select(static row => row.GetProperty("id").GetString());
        Assert.Contains(id, listed);
        var inspected = (await client.CallAsync("inspect", new { id })).Good().GetProperty("data");
        Assert.True(inspected.GetProperty("HostConfig").GetProperty("ReadonlyRootfs").GetBoolean());
        Assert.True(inspected.GetProperty("HostConfig").GetProperty("AutoRemove").GetBoolean());
        Assert.Contains("no-new-privileges", inspected.GetProperty("HostConfig").GetProperty("SecurityOpt").GetRawText(), StringComparison.Ordinal);
        Assert.Contains("API_TOKEN=REDACTED", inspected.GetProperty("Config").GetProperty("Env").EnumerateArray().Select(static pair => pair.GetString()));

        var exec = (await client.CallAsync("container_exec", new { id, command = new[] { "sh", "-c", "echo inside; exit 4" } })).Good();
        Assert.Equal(("inside\n", 4), (exec.GetProperty("stdout").GetString(), exec.GetProperty("exitCode").GetInt32()));
        Assert.Equal("up\n", (await client.CallAsync("container_logs", new { id, tail = 5 })).Good().GetProperty("stdout").GetString());
        Assert.True((await client.CallAsync("container_stats", new { id })).Good().GetProperty("data").TryGetProperty("memory_stats", out _));
        Assert.Contains("running", (await client.CallAsync("container_remove", new { id })).Bad(), StringComparison.OrdinalIgnoreCase);

        (await client.CallAsync("container_exec", new { id, command = new[] { "touch", "/tmp/end" } })).Good();
        Assert.Contains("events", (await client.CallAsync("system_events")).Good().EnumerateObject().Select(static member => member.Name));
    }

    [EngineFact]
    public async Task Container_WhenItIsRemovedByForce_IsGone()
    {
        await using var client = await ConnectAsync();
        var id = await StartSleeperAsync(client);
        (await client.CallAsync("container_remove", new { id, force = true })).Good();
        Assert.Contains("no such container", (await client.CallAsync("inspect", new { id })).Bad(), StringComparison.OrdinalIgnoreCase);
    }

    [EngineFact]
    public async Task Build_WhenTheContextIsBelowTheRoot_MakesAnImageWithoutWhatIsIgnored()
    {
        _folder.Write("app/Dockerfile", "FROM busybox:latest\nCOPY . /app\n");
        _folder.Write("app/kept.txt", "kept\n");
        _folder.Write("app/secret/key.pem", "no\n");
        _folder.Write("app/.dockerignore", "# not these\nsecret\n**/*.log\n");
        _folder.Write("app/deep/x.log", "no\n");
        await using var client = await ConnectAsync();
        (await client.CallAsync("docker_build", new { dockerfile_path = "Dockerfile", image_tag = "localhost/built:1", build_context = "app" })).Good();
        Assert.Contains("localhost/built:1", (await client.CallAsync("image_list")).Text, StringComparison.Ordinal);
        var run = (await client.CallAsync("docker_run", new { image = "localhost/built:1", command = new[] { "sh", "-c", "cat /app/kept.txt; ls /app/secret /app/deep/x.log" } })).Good();
        Assert.Equal("kept\n", run.GetProperty("stdout").GetString());
        Assert.Contains("No such file", run.GetProperty("stderr").GetString(), StringComparison.Ordinal);
        Assert.Contains("outside of what", (await client.CallAsync("docker_build", new { dockerfile_path = "/etc/passwd", image_tag = "x", build_context = "/etc" })).Bad(), StringComparison.Ordinal);
    }

    [EngineFact]
    public async Task System_WhenAsked_TellsOfItself()
    {
        await using var client = await ConnectAsync();
        Assert.Equal("linux", (await client.CallAsync("system_info")).Good().GetProperty("data").GetProperty("OSType").GetString());
    }

    [Theory]
    [InlineData("docker_run", """{"image":"a b"}""", "no name of an image")]
    [InlineData("docker_run", """{"image":"-v"}""", "no name of an image")]
    [InlineData("docker_run", """{"image":"x","volumes":["/home/../etc:/x"]}""", "'..'")]
    [InlineData("docker_run", """{"image":"x","volumes":["/etc:/x"]}""", "is refused")]
    [InlineData("docker_run", """{"image":"x","volumes":["//etc/ssl:/x"]}""", "is refused")]
    [InlineData("docker_run", """{"image":"x","volumes":["/boot/grub:/x"]}""", "is refused")]
    [InlineData("docker_run", """{"image":"x","volumes":["/sys:/x"]}""", "is refused")]
    [InlineData("docker_run", """{"image":"x","volumes":["/dev/sda:/x"]}""", "is refused")]
    [InlineData("docker_run", """{"image":"x","volumes":["/proc:/x"]}""", "is refused")]
    [InlineData("docker_run", """{"image":"x","volumes":["/:/x"]}""", "is refused")]
    [InlineData("docker_run", """{"image":"x","volumes":["/var/run/docker.sock:/x"]}""", "is refused")]
    [InlineData("docker_run", """{"image":"x","volumes":["relative/path:/x"]}""", "must be /host/path")]
    [InlineData("docker_run", """{"image":"x","volumes":["/a:/b:exec"]}""", "must be /host/path")]
    [InlineData("docker_run", """{"image":"x","environment":{"lower":"1"}}""", "^[A-Z_][A-Z0-9_]*$")]
    [InlineData("docker_run", """{"image":"x","ports":["0:80"]}""", "1 to 65535")]
    [InlineData("docker_run", """{"image":"x","ports":["65536"]}""", "1 to 65535")]
    [InlineData("docker_run", """{"image":"x","ports":["http"]}""", "1 to 65535")]
    [InlineData("inspect", """{"id":"../images"}""", "no id or name")]
    [InlineData("container_logs", """{"id":"a","tail":0}""", "1 to 10000")]
    [InlineData("container_exec", """{"id":"a","command":[]}""", "name a program")]
    [InlineData("docker_compose", """{"action":"exec"}""", "up, down, build, logs, ps or pull")]
    [InlineData("docker_compose", """{"action":"up","compose_file":"../../etc/passwd"}""", "outside of what")]
    [InlineData("docker_compose", """{"action":"down","services":["web"]}""", "leave services out")]
    [InlineData("docker_compose", """{"action":"ps"}""", "no compose file")]
    [InlineData("system_events", """{"since":"yesterday"}""", "no time")]
    public async Task Tool_WhenItsInputIsBad_SaysWhatWouldBeRightWithoutAskingTheEngine(string tool, string arguments, string expected)
    {
        await using var client = await WithoutEngineAsync();
        Assert.Contains(expected, (await client.CallAsync(tool, JsonElement.Parse(arguments))).Bad(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Volume_WhenALinkLeadsToAClosedFolder_IsRefused()
    {
        File.CreateSymbolicLink(_folder.At("harmless"), "/etc");
        await using var client = await WithoutEngineAsync();
        Assert.Contains("is refused", (await client.CallAsync("docker_run", new { image = "x", volumes = new[] { _folder.At("harmless") + ":/x" } })).Bad(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_WhenThereIsNoEngine_SaysSoInsteadOfAnEmptyList()
    {
        await using var client = await WithoutEngineAsync();
        Assert.Contains("no engine answers", (await client.CallAsync("docker_ps")).Bad(), StringComparison.Ordinal);
        var report = await ToolClient.Make("docker", "/", TimeProvider.System, ("DOCKER_HOST", "unix:///nonexistent/docker.sock")).CheckAsync(CancellationToken.None);
        Assert.Equal(BackendState.Unreachable, report.State);
        Assert.Contains("DOCKER_HOST", report.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ssh://host")]
    [InlineData("unix://")]
    [InlineData("docker")]
    public void Create_WhenTheAddressIsNone_NamesTheVariable(string host) =>
        Assert.Contains("DOCKER_HOST", Assert.Throws<ArgumentException>(() => ToolClient.Make("docker", "/", TimeProvider.System, ("DOCKER_HOST", host))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Tools_WhenListed_AreThoseOfTheContractWithTheirHints()
    {
        await using var client = await WithoutEngineAsync();
        var tools = await client.ToolsAsync();
        Assert.Equal(
            ["container_logs", "container_stats", "docker_ps", "image_list", "inspect", "list_containers", "system_events", "system_info"],
            tools.Where(static tool => tool.Annotations?.ReadOnlyHint == true).Select(static tool => tool.Name).Order());
        Assert.Equal(
            ["container_exec", "container_remove", "container_restart", "container_stop", "docker_compose", "docker_run"],
            tools.Where(static tool => tool.Annotations is { ReadOnlyHint: false, DestructiveHint: true }).Select(static tool => tool.Name).Order());
        Assert.All(tools, static tool => Assert.NotNull(tool.OutputSchema));
        Assert.Equal(17, tools.Count);
    }
}
