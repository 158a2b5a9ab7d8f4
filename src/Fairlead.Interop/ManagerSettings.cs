using System.Text.Json;
using Fairlead.BuiltIn;
using Fairlead.Configuration;
using Microsoft.Extensions.Logging;

namespace Fairlead.Interop;

/// <summary>What a caller outside .NET says about the manager that it wants, as JSON.</summary>
internal sealed record ManagerSettings
{
    /// <summary>The configuration itself, an object in the words of the configuration file. Undefined or null = it is in a file.</summary>
    public JsonElement Options { get; init; }

    /// <summary>The file. Null, without <see cref="Options"/>: looked for in the usual places; when there is none, the built-in servers are the fleet.</summary>
    public string? Config { get; init; }

    /// <summary>The caller's environment variables. .NET reads those of the process once, at its start; the caller may have changed them since.</summary>
    public Dictionary<string, string>? Variables { get; init; }

    /// <summary>The lowest level of log entries that the caller wants.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Warning;

    /// <summary>Reads the JSON.</summary>
    /// <exception cref="JsonException">It is not of this form.</exception>
    public static ManagerSettings Read(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<ManagerSettings>(json, ApiJson.Options) ?? new ManagerSettings();

    /// <summary>Loads the configuration and makes the manager, with all built-in servers known.</summary>
    /// <exception cref="InvalidConfiguration">The configuration has errors; all are named.</exception>
    public McpManager CreateManager(ILoggerFactory loggers)
    {
        var variables = TakeOverVariables();
        var loaded = Load(variables);
        if (!loaded.IsValid)
        {
            throw new InvalidConfiguration($"The configuration has {loaded.Errors.Count} {(loaded.Errors.Count == 1 ? "error" : "errors")}.\n{string.Join('\n', loaded.Errors)}");
        }

        var manager = new McpManager(loaded.Options, loggers, TimeProvider.System, loaded.Redactor);
        manager.AddBuiltInServers();
        return manager;
    }

    private ConfigurationResult Load(Dictionary<string, string> variables)
    {
        if (Options.ValueKind == JsonValueKind.Object)
        {
            return ConfigurationLoader.LoadText(Options.GetRawText(), variables);
        }

        var folder = Directory.GetCurrentDirectory();
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var path = ConfigurationPaths.Find(Config, variables, folder, home);
        var loaded = ConfigurationLoader.Load(path, variables);
        if (path is null)
        {
            foreach (var server in BuiltInServers.All)
            {
                loaded.Options.Servers.Add(DefaultServer(server, folder));
            }
        }

        return loaded;
    }

    /// <summary>A built-in server as it is without any configuration; relative paths of its tools start at the current directory.</summary>
    private static ServerConfig DefaultServer(BuiltInServer server, string folder) => new()
    {
        Name = server.Factory.Type,
        Type = OptionWords.TryWord(typeof(ServerType), server.Factory.Type, out var type)
            ? (ServerType)type
            : throw new InvalidOperationException($"There is no server type '{server.Factory.Type}'."),
        Port = server.Port,
        TimeoutMs = server.TimeoutMs,
        WorkingDirectory = folder,
    };

    private Dictionary<string, string> TakeOverVariables()
    {
        foreach (var (name, value) in Variables ?? [])
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            if (Variables is not null && !Variables.ContainsKey((string)entry.Key))
            {
                Environment.SetEnvironmentVariable((string)entry.Key, null);
            }
        }

        return Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .ToDictionary(static entry => (string)entry.Key, static entry => (string)entry.Value!, StringComparer.Ordinal);
    }
}
