using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Health;
using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead.Interop;

/// <summary>The methods of the manager under the names that other languages give them. Arguments are one JSON object, replies the JSON of the management API.</summary>
internal sealed class CommandTable
{
    private static readonly byte[] s_null = "null"u8.ToArray();

    private readonly McpManager _manager;
    private readonly Dictionary<string, Func<JsonElement, CancellationToken, Task<byte[]>>> _commands;

    /// <summary>The commands of a manager.</summary>
    public CommandTable(McpManager manager)
    {
        _manager = manager;
        _commands = new(StringComparer.Ordinal)
        {
            ["initialize"] = (_, token) => Silent(_manager.InitializeAsync(token)),
            ["launch_all"] = async (_, token) => Json(await _manager.LaunchAllAsync(token).ConfigureAwait(false)),
            ["deploy_server"] = async (given, token) => Json(await _manager.DeployServerAsync(Entry(given, null), token).ConfigureAwait(false)),
            ["undeploy_server"] = (given, token) => Silent(_manager.UndeployServerAsync(Id(given), token)),
            ["update_server"] = (given, token) => Silent(_manager.UpdateServerAsync(Id(given), Entry(given, Id(given)), token)),
            ["scale_server"] = (given, token) => Silent(_manager.ScaleServerAsync(Id(given), Number(given, "replicas"), token)),
            ["restart_server"] = (given, token) => Silent(_manager.RestartServerAsync(Id(given), token)),
            ["start_server"] = (given, token) => Silent(_manager.StartServerAsync(Id(given), token)),
            ["shutdown_server"] = (given, token) => Silent(_manager.ShutdownServerAsync(Id(given), token)),
            ["enable_server"] = (given, token) => Silent(_manager.EnableServerAsync(Id(given), token)),
            ["disable_server"] = (given, token) => Silent(_manager.DisableServerAsync(Id(given), token)),
            ["set_maintenance"] = (given, token) => Silent(_manager.SetMaintenanceAsync(Id(given), Flag(given, "on"), Find(given, "reason"), token)),
            ["enable_tool"] = (given, token) => Silent(_manager.EnableToolAsync(Id(given), Text(given, "tool"), token)),
            ["disable_tool"] = (given, token) => Silent(_manager.DisableToolAsync(Id(given), Text(given, "tool"), token)),
            ["get_server_health"] = HealthAsync,
            ["list_servers"] = async (_, token) => Json(await _manager.ListServersAsync(token).ConfigureAwait(false)),
            ["list_instances"] = async (given, token) => Json(await _manager.ListInstancesAsync(Id(given), token).ConfigureAwait(false)),
            ["list_tools"] = ListToolsAsync,
            ["get_metrics"] = async (given, token) => Json(await _manager.GetMetricsAsync(Find(given, "id"), token).ConfigureAwait(false)),
            ["add_tools"] = async (given, token) =>
            {
                var name = Text(given, "name");
                _manager.AddTools(name, ToolAssembly.Load(Text(given, "assembly")));
                return Json(await _manager.DeployServerAsync(new ServerConfig { Name = name }, token).ConfigureAwait(false));
            },
            ["shutdown"] = (given, _) => Silent(_manager.ShutdownAsync(Find(given, "graceMs") is null ? null : TimeSpan.FromMilliseconds(Number(given, "graceMs")))),
        };
    }

    /// <summary>Runs one.</summary>
    /// <returns>The reply's JSON.</returns>
    /// <exception cref="ArgumentException">There is none of this name, or its arguments are not right.</exception>
    public Task<byte[]> RunAsync(string name, byte[] arguments, CancellationToken cancellationToken)
    {
        if (!_commands.TryGetValue(name, out var command))
        {
            throw new ArgumentException($"There is no command '{name}'. There are: {string.Join(", ", _commands.Keys)}.");
        }

        using var document = JsonDocument.Parse(arguments);
        return command(document.RootElement.Clone(), cancellationToken);
    }

    private async Task<byte[]> HealthAsync(JsonElement given, CancellationToken cancellationToken)
    {
        var id = Id(given);
        var word = Find(given, "depth");
        if (word is null)
        {
            return Json(HealthView.Of(await _manager.GetServerHealthAsync(id, cancellationToken).ConfigureAwait(false), withChecks: true));
        }

        var depth = OptionWords.TryWord(typeof(HealthDepth), word, out var known)
            ? (HealthDepth)known
            : throw new ArgumentException($"depth = '{word}' is unknown; use {string.Join(", ", OptionWords.Words(typeof(HealthDepth)))}, or leave it out to have the server asked.");
        return Json(HealthView.Of(await _manager.GetServerHealthAsync(id, depth, cancellationToken).ConfigureAwait(false), withChecks: true));
    }

    /// <summary>All tools that a server shows, the pages of its list put together.</summary>
    private async Task<byte[]> ListToolsAsync(JsonElement given, CancellationToken cancellationToken)
    {
        var id = Id(given);
        var fleet = _manager.Fleet;
        if (!fleet.TryGet(id, out var cell) && !fleet.TryGet(ServerName.ToSlug(id), out cell))
        {
            throw ServerNotFound.For(id, fleet.Current.InOrder.Select(static cell => cell.Name));
        }

        if (cell.Current is { IsWorthWaiting: true, Catalog.IsUnknown: true })
        {
            // It has never been listed and is on its way: as for the first list of a client.
            var settled = cell.WaitAsync(cancellationToken).AsTask();
            await settled.WaitAsync(TimeSpan.FromMilliseconds(cell.Current.Config.TimeoutMs), TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }

        var tools = new JsonArray();
        for (byte[] cursor = []; ;)
        {
            if (!cell.Offered.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, cursor, out var page))
            {
                // The list has changed between two pages: begin again.
                tools.Clear();
                cursor = [];
                continue;
            }

            var read = JsonNode.Parse(page.Span)!.AsObject();
            foreach (var tool in read["tools"]?.AsArray() ?? [])
            {
                tools.Add(tool!.DeepClone());
            }

            if (read["nextCursor"] is not { } next)
            {
                return Encoding.UTF8.GetBytes(tools.ToJsonString(ApiJson.Options));
            }

            cursor = JsonText.Quote(next.GetValue<string>());
        }
    }

    private ServerConfig Entry(JsonElement given, string? name)
    {
        if (!given.TryGetProperty("config", out var config) || config.ValueKind != JsonValueKind.Object)
        {
            throw new ArgumentException("config is missing: one server in the words of the configuration, such as {\"name\":\"git\",\"command\":\"uvx\",\"args\":[\"mcp-server-git\"]}.");
        }

        var result = ConfigurationLoader.LoadServer(config.GetRawText(), name, _manager.Options);
        return result.Config is not null && result.Errors.Count == 0
            ? result.Config
            : throw new InvalidConfiguration($"The entry has {result.Errors.Count} {(result.Errors.Count == 1 ? "error" : "errors")}.\n{string.Join('\n', result.Errors)}");
    }

    private static async Task<byte[]> Silent(Task command)
    {
        await command.ConfigureAwait(false);
        return s_null;
    }

    private static byte[] Json<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, ApiJson.Options);

    private static string Id(JsonElement given) => Text(given, "id");

    private static string Text(JsonElement given, string name) => Find(given, name) ?? throw new ArgumentException($"{name} is missing.");

    private static string? Find(JsonElement given, string name) =>
        given.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.ToString() : null;

    private static int Number(JsonElement given, string name) => given.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
        ? number
        : throw new ArgumentException($"{name} is no whole number.");

    private static bool Flag(JsonElement given, string name) => given.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
        ? value.GetBoolean()
        : throw new ArgumentException($"{name} is neither true nor false.");
}
