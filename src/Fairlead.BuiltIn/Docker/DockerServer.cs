using System.Text.Json;
using ModelContextProtocol;

namespace Fairlead.BuiltIn.Docker;

/// <summary>Makes Docker servers.</summary>
internal sealed class DockerServerFactory : IMcpServerFactory
{
    /// <summary>Address of the engine.</summary>
    public const string Host = "DOCKER_HOST";

    /// <summary>Folders below which Dockerfiles, build contexts and compose files may lie.</summary>
    public const string Roots = "DOCKER_ROOTS";

    /// <inheritdoc/>
    public string Type => "docker";

    /// <inheritdoc/>
    public IReadOnlyList<string> Variables { get; } = [Host, Roots, "XDG_RUNTIME_DIR"];

    /// <inheritdoc/>
    public IMcpServer Create(McpServerSettings settings) => new DockerServer(settings);
}

/// <summary>The Docker server: containers and images of an engine (Docker or podman) over its HTTP API. Owns the connections.</summary>
internal sealed class DockerServer : SdkServer, IAsyncDisposable
{
    private readonly DockerEngine _engine;

    /// <summary>Reads the variables.</summary>
    /// <exception cref="ArgumentException">One has a value that cannot be used.</exception>
    public DockerServer(McpServerSettings settings)
        : base("fairlead-docker", "Docker")
    {
        _engine = new DockerEngine(DockerAddress.From(settings));
        var roots = new FileRoots(DockerServerFactory.Roots, settings.Find(DockerServerFactory.Roots), settings.WorkingDirectory);
        Add(new DockerRunTools(_engine, settings.Time));
        Add(new DockerBuildTools(_engine, roots, settings));
        Add(new DockerContainerTools(_engine));
        Add(new DockerImageTools(_engine));
    }

    /// <inheritdoc/>
    public override async Task<BackendReport> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            var version = await _engine.GetAsync("version", cancellationToken).ConfigureAwait(false);
            var platform = version.TryGetProperty("Components", out var components) && components.ValueKind == JsonValueKind.Array && components.GetArrayLength() > 0
                && components[0].TryGetProperty("Name", out var name) && name.GetString() is { } text && text.Contains("Podman", StringComparison.Ordinal) ? "podman" : "Docker";
            return BackendReport.Ready($"{platform} {version.GetProperty("Version").GetString()} at {_engine.Address}");
        }
        catch (McpException exception)
        {
            return BackendReport.Unreachable(exception.Message);
        }
        catch (KeyNotFoundException)
        {
            return BackendReport.Unreachable($"what answers at {_engine.Address} is no Docker engine; correct {DockerServerFactory.Host}");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _engine.Dispose();
        return default;
    }
}
