using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.BuiltIn.Docker;

/// <summary>What a container or a program in one did.</summary>
/// <param name="Id">The container.</param>
/// <param name="State"><c>exited</c>, or <c>running</c> when it still ran at the end of the wait.</param>
/// <param name="ExitCode">Null while it runs, and when the engine had forgotten it already.</param>
/// <param name="Stdout">What it wrote to stdout so far.</param>
/// <param name="Stderr">What it wrote to stderr so far.</param>
/// <param name="Truncated">Whether it wrote more than is shown.</param>
internal sealed record DockerRun(string Id, string State, int? ExitCode, string Stdout, string Stderr, bool Truncated);

/// <summary>Tools that run programs in containers.</summary>
internal sealed class DockerRunTools(DockerEngine engine, TimeProvider time)
{
    /// <summary>How long a call waits for the end of what it started.</summary>
    public static readonly TimeSpan Wait = TimeSpan.FromSeconds(20);

    private static readonly string[] s_securityOptions = ["no-new-privileges"];

    // Between our clock and the engine's.
    private static readonly TimeSpan s_clockSkewMax = TimeSpan.FromMinutes(5);

    // What was written reaches us before the engine has written down how it ended.
    private static readonly TimeSpan s_exitCodeWait = TimeSpan.FromSeconds(5);

    /// <summary>Runs an image.</summary>
    [McpServerTool(Name = "docker_run", Title = "Run a container", ReadOnly = false, Destructive = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(DockerRun))]
    [Description("Runs an image in a new container that is removed at its end: as user 1000:1000, with a read-only root, an empty /tmp and no new privileges. Waits 20 s for its end; one that goes on is left running.")]
    public async Task<CallToolResult> RunAsync(
        [Description("The image; it must be there (image_pull).")] string image,
        [Description("The program and its arguments, one by one; never given to a shell. Default: the image's own.")] string[]? command = null,
        [Description("/host/path:/path or name:/path, with :ro to read only.")] string[]? volumes = null,
        [Description("Variables.")] Dictionary<string, string>? environment = null,
        [Description("Ports to publish: PORT, HOST:PORT or ADDRESS:HOST:PORT; without an address on 127.0.0.1.")] string[]? ports = null,
        CancellationToken cancellationToken = default)
    {
        var bindings = DockerRules.Ports(ports);
        var created = await engine.PostAsync(
            "containers/create",
            new
            {
                Image = DockerRules.Image(image),
                Cmd = command is { Length: > 0 } ? DockerRules.Command(command) : null,
                Env = DockerRules.Environment(environment),
                User = "1000:1000",
                AttachStdout = true,
                AttachStderr = true,
                ExposedPorts = bindings.Keys.ToDictionary(static key => key, static _ => new object()),
                Labels = new Dictionary<string, string> { ["fairlead"] = "docker_run" },
                HostConfig = new
                {
                    AutoRemove = true,
                    ReadonlyRootfs = true,
                    SecurityOpt = s_securityOptions,
                    Tmpfs = new Dictionary<string, string> { ["/tmp"] = "rw,nosuid,nodev,mode=1777,size=64m" },
                    Binds = DockerRules.Volumes(volumes),
                    PortBindings = bindings,
                },
            },
            cancellationToken).ConfigureAwait(false);
        var id = created.GetProperty("Id").GetString()!;
        var since = time.GetUtcNow() - s_clockSkewMax;
        var isStarted = false;
        try
        {
            // Before the start: a container that ends at once takes its output with it.
            using var attached = await engine.StreamAsync(HttpMethod.Post, $"containers/{id}/attach?stream=1&stdout=1&stderr=1", null, cancellationToken).ConfigureAwait(false);
            await engine.PostAsync($"containers/{id}/start", null, cancellationToken).ConfigureAwait(false);
            isStarted = true;
            return await FollowAsync(id, attached, cancellation => ExitCodeOfAsync(id, since, cancellation), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!isStarted)
            {
                await engine.DeleteAsync($"containers/{id}?force=true", CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Runs a program in a running container.</summary>
    [McpServerTool(Name = "container_exec", Title = "Run a program in a container", ReadOnly = false, Destructive = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(DockerRun))]
    [Description("Runs a program in a running container and waits up to 20 s for its end.")]
    public async Task<CallToolResult> ExecAsync(
        [Description("Id or name of the container.")] string id,
        [Description("The program and its arguments, one by one; never given to a shell.")] string[] command,
        CancellationToken cancellationToken = default)
    {
        if (command.Length == 0)
        {
            throw new McpException("command is empty; name a program.");
        }

        var created = await engine.PostAsync(
            $"containers/{DockerRules.Id(id)}/exec", new { Cmd = DockerRules.Command(command), AttachStdout = true, AttachStderr = true }, cancellationToken).ConfigureAwait(false);
        var exec = created.GetProperty("Id").GetString()!;
        using var body = new StringContent("{\"Detach\":false,\"Tty\":false}", System.Text.Encoding.UTF8, "application/json");
        using var attached = await engine.StreamAsync(HttpMethod.Post, $"exec/{exec}/start", body, cancellationToken).ConfigureAwait(false);
        return await FollowAsync(id, attached, async cancellation =>
        {
            try
            {
                var state = await engine.GetAsync($"exec/{exec}/json", cancellation).ConfigureAwait(false);
                return state.TryGetProperty("ExitCode", out var code) && code.ValueKind == JsonValueKind.Number ? code.GetInt32() : null;
            }
            catch (McpException exception) when (DockerEngine.IsUnknown(exception))
            {
                // What ran ended its container, which took the record with it.
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>From the engine's events, which remember a container that is removed. Its <c>wait</c> misses one that ends sooner than podman looks.</summary>
    private async Task<int?> ExitCodeOfAsync(string id, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var filters = Uri.EscapeDataString(JsonSerializer.Serialize(new { container = new[] { id } }));
        using var response = await engine.StreamAsync(HttpMethod.Get, $"events?since={since.ToUnixTimeSeconds()}&filters={filters}", null, cancellationToken).ConfigureAwait(false);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
        while (await lines.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            var happened = line.Length == 0 ? default : JsonElement.Parse(line);
            if (happened.ValueKind == JsonValueKind.Object && happened.TryGetProperty("Action", out var action) && action.GetString() is "die" or "died"
                && happened.GetProperty("Actor").GetProperty("Attributes") is var attributes
                && (attributes.TryGetProperty("exitCode", out var code) || attributes.TryGetProperty("containerExitCode", out code)))
            {
                return int.Parse(code.GetString()!, CultureInfo.InvariantCulture);
            }
        }

        return null;
    }

    /// <summary>Reads the output until it ends or the wait is over, then asks for the exit code.</summary>
    private async Task<CallToolResult> FollowAsync(string id, HttpResponseMessage attached, Func<CancellationToken, Task<int?>> exitCode, CancellationToken cancellationToken)
    {
        using var wait = new CancellationTokenSource(Wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(wait.Token, cancellationToken);
        var kept = new MemoryStream();
        var isTruncated = false;
        var hasEnded = false;
        try
        {
            var stream = await attached.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
            var buffer = new byte[16 * 1024];
            while (await stream.ReadAsync(buffer, either.Token).ConfigureAwait(false) is > 0 and var read)
            {
                var room = Math.Min(read, DockerOutput.BytesMax - (int)kept.Length);
                kept.Write(buffer, 0, room);
                isTruncated |= room < read;
            }

            hasEnded = true;
        }
        catch (OperationCanceledException) when (wait.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            hasEnded = false; // It goes on without us.
        }

        var output = DockerOutput.Read(kept.GetBuffer().AsSpan(0, (int)kept.Length), isTruncated, isTerminal: false);
        var code = hasEnded ? await AskAsync(exitCode, cancellationToken).ConfigureAwait(false) : null;
        var run = new DockerRun(id, hasEnded ? "exited" : "running", code, output.Stdout, output.Stderr, isTruncated);
        var head = hasEnded ? $"Exited with {code?.ToString(CultureInfo.InvariantCulture) ?? "an unknown code"}." : $"Still running after {Wait.TotalSeconds:0} s: {id}. See container_logs, container_stop.";
        return Answer.Of(run, $"{head}\n{output.Text()}".TrimEnd());
    }

    private async Task<int?> AskAsync(Func<CancellationToken, Task<int?>> exitCode, CancellationToken cancellationToken)
    {
        using var wait = new CancellationTokenSource(s_exitCodeWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(wait.Token, cancellationToken);
        try
        {
            return await exitCode(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (wait.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return null; // The engine forgets what ended.
        }
    }
}
