using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.BuiltIn.Docker;

/// <summary>A container in a list.</summary>
internal sealed record DockerContainer(string Id, string Name, string Image, string State, string Status, IReadOnlyList<string> Ports);

/// <summary>Containers.</summary>
internal sealed record DockerContainers(IReadOnlyList<DockerContainer> Containers);

/// <summary>What the engine answered.</summary>
/// <param name="Data">As the Docker Engine API documents it.</param>
internal sealed record DockerData([property: Description("As the Docker Engine API documents it.")] JsonElement Data);

/// <summary>Something was done.</summary>
internal sealed record DockerDone(string Id, string Done);

/// <summary>Tools for containers that exist.</summary>
internal sealed class DockerContainerTools(DockerEngine engine)
{
    private const string IdText = "Id or name of the container.";
    private const string Hidden = "REDACTED";

    private static readonly string[] s_secretWords = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL"];

    /// <summary>Lists containers.</summary>
    [McpServerTool(Name = "docker_ps", Title = "Containers", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerContainers))]
    [Description("Lists the running containers, or all.")]
    public Task<CallToolResult> PsAsync([Description("Stopped ones, too.")] bool all = false, CancellationToken cancellationToken = default) => ListContainersAsync(all, cancellationToken);

    /// <summary>The same under another name.</summary>
    [McpServerTool(Name = "list_containers", Title = "Containers", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerContainers))]
    [Description("Lists the running containers, or all. The same as docker_ps.")]
    public async Task<CallToolResult> ListContainersAsync([Description("Stopped ones, too.")] bool all = false, CancellationToken cancellationToken = default)
    {
        var list = await engine.GetAsync($"containers/json?all={(all ? "true" : "false")}", cancellationToken).ConfigureAwait(false);
        DockerContainer[] containers = [.. list.EnumerateArray().Select(static row => new DockerContainer(
            row.GetProperty("Id").GetString()!,
            row.GetProperty("Names").EnumerateArray().Select(static name => name.GetString()!.TrimStart('/')).FirstOrDefault() ?? "",
            row.GetProperty("Image").GetString()!, row.GetProperty("State").GetString()!, row.GetProperty("Status").GetString()!,
            row.TryGetProperty("Ports", out var ports) && ports.ValueKind == JsonValueKind.Array ? [.. ports.EnumerateArray().Select(PortOf)] : []))];
        return Answer.Of(new DockerContainers(containers), containers.Length == 0
            ? all ? "There is no container." : "No container runs."
            : string.Join('\n', containers.Select(static row => $"{row.Id[..12]}  {row.Name}  {row.Image}  {row.Status}  {string.Join(", ", row.Ports)}".TrimEnd())));
    }

    /// <summary>All about a container.</summary>
    [McpServerTool(Name = "inspect", Title = "All about a container", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerData))]
    [Description("Shows all that the engine knows of a container. Values of variables whose names are those of secrets are hidden.")]
    public async Task<CallToolResult> InspectAsync([Description(IdText)] string id, CancellationToken cancellationToken = default)
    {
        var container = JsonObject.Create(await engine.GetAsync($"containers/{DockerRules.Id(id)}/json", cancellationToken).ConfigureAwait(false))!;
        if (container["Config"]?["Env"] is JsonArray environment)
        {
            for (var i = 0; i < environment.Count; i++)
            {
                var pair = environment[i]!.GetValue<string>().Split('=', 2);
                if (s_secretWords.Any(word => pair[0].Contains(word, StringComparison.OrdinalIgnoreCase)))
                {
                    environment[i] = $"{pair[0]}={Hidden}";
                }
            }
        }

        return Answer.Of(new DockerData(JsonSerializer.SerializeToElement(container)));
    }

    /// <summary>Logs.</summary>
    [McpServerTool(Name = "container_logs", Title = "Output of a container", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerOutput))]
    [Description("Shows the last lines that a container wrote.")]
    public async Task<CallToolResult> LogsAsync(
        [Description(IdText)] string id,
        [Description("How many lines, 1 to 10000.")] int tail = 100,
        [Description("With the time before each line.")] bool timestamps = false,
        CancellationToken cancellationToken = default)
    {
        if (tail is < 1 or > 10_000)
        {
            throw new McpException($"tail is {tail}; it must be from 1 to 10000.");
        }

        var container = await engine.GetAsync($"containers/{DockerRules.Id(id)}/json", cancellationToken).ConfigureAwait(false);
        var isTerminal = container.GetProperty("Config").TryGetProperty("Tty", out var tty) && tty.ValueKind == JsonValueKind.True;
        using var response = await engine.StreamAsync(
            HttpMethod.Get, $"containers/{id}/logs?stdout=1&stderr=1&follow=0&tail={tail.ToString(CultureInfo.InvariantCulture)}&timestamps={(timestamps ? "1" : "0")}", null, cancellationToken).ConfigureAwait(false);
        var (bytes, isTruncated) = await DockerEngine.ReadAsync(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), DockerOutput.BytesMax, cancellationToken).ConfigureAwait(false);
        var output = DockerOutput.Read(bytes, isTruncated, isTerminal);
        return Answer.Of(output, output.Text() is { Length: > 0 } text ? text : "(nothing)");
    }

    /// <summary>Starts.</summary>
    [McpServerTool(Name = "container_start", Title = "Start a container", ReadOnly = false, Destructive = false, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerDone))]
    [Description("Starts a container that is stopped.")]
    public Task<CallToolResult> StartAsync([Description(IdText)] string id, CancellationToken cancellationToken = default) => DoAsync(id, "start", "started", cancellationToken);

    /// <summary>Stops.</summary>
    [McpServerTool(Name = "container_stop", Title = "Stop a container", ReadOnly = false, Destructive = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerDone))]
    [Description("Stops a container: asks it to end, and ends it after 10 s.")]
    public Task<CallToolResult> StopAsync([Description(IdText)] string id, CancellationToken cancellationToken = default) => DoAsync(id, "stop?t=10", "stopped", cancellationToken);

    /// <summary>Restarts.</summary>
    [McpServerTool(Name = "container_restart", Title = "Restart a container", ReadOnly = false, Destructive = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerDone))]
    [Description("Stops a container and starts it again.")]
    public Task<CallToolResult> RestartAsync([Description(IdText)] string id, CancellationToken cancellationToken = default) => DoAsync(id, "restart?t=10", "restarted", cancellationToken);

    /// <summary>Removes.</summary>
    [McpServerTool(Name = "container_remove", Title = "Remove a container", ReadOnly = false, Destructive = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerDone))]
    [Description("Removes a container; one that runs only with force.")]
    public async Task<CallToolResult> RemoveAsync([Description(IdText)] string id, [Description("Also when it runs.")] bool force = false, CancellationToken cancellationToken = default)
    {
        await engine.DeleteAsync($"containers/{DockerRules.Id(id)}?force={(force ? "true" : "false")}", cancellationToken).ConfigureAwait(false);
        return Answer.Of(new DockerDone(id, "removed"), $"{id} removed.");
    }

    /// <summary>Statistics.</summary>
    [McpServerTool(Name = "container_stats", Title = "What a container uses", ReadOnly = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerData))]
    [Description("Shows processor, memory, network and disk of a running container at one moment.")]
    public async Task<CallToolResult> StatsAsync([Description(IdText)] string id, CancellationToken cancellationToken = default) =>
        Answer.Of(new DockerData(await engine.GetAsync($"containers/{DockerRules.Id(id)}/stats?stream=false", cancellationToken).ConfigureAwait(false)));

    private async Task<CallToolResult> DoAsync(string id, string verb, string done, CancellationToken cancellationToken)
    {
        await engine.PostAsync($"containers/{DockerRules.Id(id)}/{verb}", null, cancellationToken).ConfigureAwait(false);
        return Answer.Of(new DockerDone(id, done), $"{id} {done}.");
    }

    private static string PortOf(JsonElement port)
    {
        var inner = $"{port.GetProperty("PrivatePort").GetInt32()}/{port.GetProperty("Type").GetString()}";
        return port.TryGetProperty("PublicPort", out var outer) && outer.GetInt32() != 0 ? $"{(port.TryGetProperty("IP", out var ip) ? ip.GetString() : "")}:{outer.GetInt32()}->{inner}" : inner;
    }
}
