using System.ComponentModel;
using System.Formats.Tar;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.BuiltIn.Docker;

/// <summary>What a build or compose printed.</summary>
internal sealed record DockerText(string Output, bool Truncated);

/// <summary>Tools that read files of this machine: builds and compose. The files lie below the allowed roots.</summary>
internal sealed class DockerBuildTools(DockerEngine engine, FileRoots roots, McpServerSettings settings)
{
    private const long ContextBytesMax = 1024L * 1024 * 1024;
    private const int OutputBytesMax = 256 * 1024;

    /// <summary>How long a build may take.</summary>
    public static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan s_composeLimit = TimeSpan.FromMinutes(10);

    private readonly ProgramRun _docker = new("docker", "docker compose", settings);

    /// <summary>Builds an image.</summary>
    [McpServerTool(Name = "docker_build", Title = "Build an image", ReadOnly = false, Destructive = false, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(DockerText))]
    [Description("Builds an image from a Dockerfile and the files around it; at most 30 minutes.")]
    public async Task<CallToolResult> BuildAsync(
        [Description("The Dockerfile, below the build context.")] string dockerfile_path,
        [Description("The name that the image gets.")] string image_tag,
        [Description("The folder that is sent to the engine, below the allowed roots.")] string build_context = ".",
        CancellationToken cancellationToken = default)
    {
        var tag = DockerRules.Image(image_tag);
        var context = roots.Resolve(build_context);
        var file = roots.Resolve(Path.IsPathRooted(dockerfile_path) || File.Exists(Path.Combine(roots.Folders[0], dockerfile_path)) ? dockerfile_path : Path.Combine(context, dockerfile_path));
        if (!Directory.Exists(context) || !File.Exists(file))
        {
            throw new McpException($"There is no {(Directory.Exists(context) ? $"file '{dockerfile_path}'" : $"folder '{build_context}'")} below {string.Join(" or ", roots.Folders)}.");
        }

        var inside = Path.GetRelativePath(context, file).Replace('\\', '/');
        if (inside.StartsWith("../", StringComparison.Ordinal))
        {
            throw new McpException($"'{dockerfile_path}' lies outside of the build context '{build_context}'; choose a context that holds it.");
        }

        using var limit = new CancellationTokenSource(BuildLimit, settings.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var content = new TarContent(context, FilesOf(context));
        using var response = await engine.StreamAsync(
            HttpMethod.Post, $"build?dockerfile={Uri.EscapeDataString(inside)}&t={Uri.EscapeDataString(tag)}&rm=1&forcerm=1", content, either.Token).ConfigureAwait(false);
        var (bytes, isTruncated) = await DockerEngine.ReadAsync(await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false), DockerEngine.AnswerBytesMax, either.Token).ConfigureAwait(false);
        DockerImageTools.ThrowIfFailed(bytes, "build " + tag);
        var output = new StringBuilder();
        foreach (var line in DockerImageTools.Lines(bytes))
        {
            output.Append(line.TryGetProperty("stream", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : "");
        }

        var isLong = output.Length > OutputBytesMax;
        return Answer.Of(new DockerText(isLong ? output.ToString(output.Length - OutputBytesMax, OutputBytesMax) : output.ToString(), isTruncated || isLong), $"{tag} built.\n{(isLong ? "" : output)}".TrimEnd());
    }

    /// <summary>Steers compose.</summary>
    [McpServerTool(Name = "docker_compose", Title = "Compose", ReadOnly = false, Destructive = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(DockerText))]
    [Description("Starts (up), ends (down), builds, lists (ps), pulls, or shows the output (logs) of the services of a compose file. Needs the program docker with its compose plugin.")]
    public async Task<CallToolResult> ComposeAsync(
        [Description("up, down, build, logs, ps or pull.")] string action,
        [Description("The compose file, below the allowed roots.")] string compose_file = "docker-compose.yml",
        [Description("Only these services; not for down.")] string[]? services = null,
        CancellationToken cancellationToken = default)
    {
        string[] options = action switch
        {
            "up" => ["up", "--detach", "--quiet-pull"],
            "logs" => ["logs", "--no-color", "--tail=200"],
            "ps" => ["ps", "--all"],
            "down" when services is { Length: > 0 } => throw new McpException("down ends all services; leave services out, or use container_stop for one."),
            "down" or "build" or "pull" => [action],
            _ => throw new McpException($"action '{action}' is unknown; use up, down, build, logs, ps or pull."),
        };
        var file = roots.Resolve(compose_file);
        if (!File.Exists(file))
        {
            throw new McpException($"There is no compose file '{compose_file}' below {string.Join(" or ", roots.Folders)}.");
        }

        var result = await _docker.RunAsync(
            Path.GetDirectoryName(file)!, ["compose", "--ansi=never", "--file", file, .. options, .. (services ?? []).Select(DockerRules.Id)],
            [new("DOCKER_HOST", engine.Address.ToString())], OutputBytesMax, mayCut: false, action == "build" ? BuildLimit : s_composeLimit, cancellationToken).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw new McpException($"docker compose {action} failed with code {result.ExitCode}: {(result.Error.Length == 0 ? result.Output.Trim() : result.Error)}");
        }

        var text = string.Join('\n', new[] { result.Output.TrimEnd(), result.Error }.Where(static part => part.Length != 0));
        return Answer.Of(new DockerText(text, result.IsTruncated), text.Length == 0 ? $"{action}: done." : text);
    }

    /// <summary>The files of a context with their names inside; what <c>.dockerignore</c> names stays out. Links are taken as links.</summary>
    private static List<(string Path, string Name)> FilesOf(string context)
    {
        var ignore = DockerIgnore.Read(Path.Combine(context, ".dockerignore"));
        var files = new List<(string, string)>();
        long bytes = 0;
        foreach (var entry in new DirectoryInfo(context).EnumerateFileSystemInfos("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false }))
        {
            var name = Path.GetRelativePath(context, entry.FullName).Replace('\\', '/');
            if (ignore.Holds(name))
            {
                continue;
            }

            bytes += entry is FileInfo { LinkTarget: null } file ? file.Length : 0;
            if (bytes > ContextBytesMax || files.Count >= 200_000)
            {
                throw new McpException($"The build context is larger than {ContextBytesMax} bytes or 200000 files; choose a smaller folder, or name what is not needed in .dockerignore.");
            }

            files.Add((entry.FullName, name));
        }

        return files;
    }

    /// <summary>Writes the context as a tar while it is sent, so that it never lies in memory.</summary>
    private sealed class TarContent : HttpContent
    {
        private readonly string _context;
        private readonly List<(string Path, string Name)> _files;

        public TarContent(string context, List<(string Path, string Name)> files)
        {
            _context = context;
            _files = files;
            Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var writer = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true);
            await using (writer.ConfigureAwait(false))
            {
                foreach (var (path, name) in _files)
                {
                    if (!Path.Exists(path) && new FileInfo(path).LinkTarget is null)
                    {
                        throw new IOException($"'{path}' went away while {_context} was read.");
                    }

                    await writer.WriteEntryAsync(path, name).ConfigureAwait(false);
                }
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
