using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests;

/// <summary>A real <c>fairlead up</c> on a free port, with a configuration and a state folder of its own, which go when it goes.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private ChildProcess _process;

    private GatewayProcess(ChildProcess process, DirectoryInfo folder, Uri url)
    {
        _process = process;
        _folder = folder;
        Url = url;
    }

    /// <summary>Root of the listener, such as <c>http://127.0.0.1:40123/</c>.</summary>
    public Uri Url { get; }

    /// <summary>The aggregate endpoint.</summary>
    public Uri Aggregate => new(Url, "mcp");

    /// <summary>The state folder, where the admin token is.</summary>
    public string StateFolder => Path.Combine(_folder.FullName, "state");

    /// <summary>Id of the process; another one after <see cref="KillAndStartAgainAsync"/>.</summary>
    public int Id => _process.Id;

    /// <summary>The configuration file.</summary>
    public string ConfigurationFile => Path.Combine(_folder.FullName, "fairlead.json");

    /// <summary>Everything the process printed so far.</summary>
    public string Output => _process.Output;

    /// <summary>The identity endpoint of a server.</summary>
    public Uri Identity(string server) => new(Url, $"mcp/{server}");

    /// <summary>A stdio server in the configuration.</summary>
    public static JsonObject Stdio(string command, params string[] arguments) => new()
    {
        ["command"] = command,
        ["args"] = new JsonArray([.. arguments.Select(argument => JsonValue.Create(argument))]),
    };

    /// <summary>A Streamable HTTP server in the configuration.</summary>
    public static JsonObject Http(string url) => new() { ["url"] = url };

    /// <summary>Starts the gateway with one server.</summary>
    public static Task<GatewayProcess> StartAsync(string name, JsonObject server) =>
        StartAsync(new JsonObject { ["servers"] = new JsonObject { [name] = server } });

    /// <summary>Starts the gateway and waits until it listens.</summary>
    /// <param name="configuration">Written to the file that <c>--config</c> names.</param>
    /// <exception cref="InvalidOperationException">It ended instead; the message carries its output.</exception>
    public static async Task<GatewayProcess> StartAsync(JsonObject configuration)
    {
        var folder = Directory.CreateTempSubdirectory("fairlead-test-");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "fairlead.json"), configuration.ToJsonString());
        try
        {
            var (process, url) = await RunAsync(folder, port: 0);
            return new GatewayProcess(process, folder, url);
        }
        catch
        {
            folder.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Ends the gateway with SIGKILL and starts it again at the same address, with the same configuration and state.</summary>
    public async Task KillAndStartAgainAsync()
    {
        await _process.KillAsync();
        var killed = _process;
        (_process, _) = await RunAsync(_folder, Url.Port);
        await killed.DisposeAsync();
    }

    /// <summary>The first line that it prints, past or future, that satisfies the condition.</summary>
    public Task<string> LineAsync(Func<string, bool> wanted, string what) => _process.LineAsync(wanted, what);

    /// <summary>Stops the gateway as a service manager would.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> StopAsync() => _process.StopAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static async Task<(ChildProcess Process, Uri Url)> RunAsync(DirectoryInfo folder, int port)
    {
        var process = ChildProcess.Start(
            "dotnet",
            [
                RepositoryPaths.Cli, "up", "--config", Path.Combine(folder.FullName, "fairlead.json"), "--port", port.ToString(System.Globalization.CultureInfo.InvariantCulture),
                "--state", Path.Combine(folder.FullName, "state"), "--json",
            ]);
        try
        {
            var line = await process.LineAsync(text => EventOf(text) == "listening", "the event 'listening'");
            return (process, new Uri(JsonNode.Parse(line)!["url"]!.GetValue<string>()));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    private static string? EventOf(string line)
    {
        try
        {
            return line.StartsWith('{') ? (string?)JsonNode.Parse(line)?["event"] : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
