using System.Text.Json;

namespace Fairlead.Configuration;

/// <summary>A server with the path it was read from, which rules put before the keys they complain about.</summary>
internal sealed record ServerEntry(ServerConfig Config, string Place);

/// <summary>Reads the servers of a file in its own words and in those of other programs.</summary>
/// <param name="problems">Where errors and warnings go.</param>
/// <param name="expander">Puts variables into texts.</param>
/// <param name="foreign">True in the format of another program.</param>
/// <param name="folders">Where relative paths start.</param>
internal sealed class ServersReader(Problems problems, VariableExpander expander, bool foreign, ConfigFolders folders)
{
    private static readonly Dictionary<string, ServerTransport> s_transportWords = new(StringComparer.OrdinalIgnoreCase)
    {
        ["stdio"] = ServerTransport.Stdio,
        ["local"] = ServerTransport.Stdio,
        ["http"] = ServerTransport.Http,
        ["streamable-http"] = ServerTransport.Http,
        ["streamableHttp"] = ServerTransport.Http,
        ["sse"] = ServerTransport.Sse,
        ["in-process"] = ServerTransport.InProcess,
    };

    private static readonly OptionKey s_transportKey = Key(nameof(ServerConfig.Transport));
    private static readonly OptionKey s_exposeKey = Key(nameof(ServerConfig.Expose));

    /// <summary>Reads an object (name to server) or a list (servers with a name).</summary>
    public IEnumerable<ServerEntry> Read(ConfigNode node)
    {
        problems.Places[node.Path] = node;
        switch (node.Kind)
        {
            case JsonValueKind.Object:
                return [.. node.Members.Select(member => ReadOne(member.Value, member.Name)).OfType<ServerEntry>()];
            case JsonValueKind.Array:
                return [.. node.Items.Select(item => ReadOne(item, null)).OfType<ServerEntry>()];
            default:
                problems.ErrorAt(node, node.Show(), "The servers must be an object or a list.", "Write it like { \"git\": { \"command\": \"...\" } }.");
                return [];
        }
    }

    /// <summary>Reads one server.</summary>
    /// <param name="node">The entry.</param>
    /// <param name="name">The key it stands under; null = it holds its name itself.</param>
    public ServerEntry? ReadOne(ConfigNode node, string? name)
    {
        if (node.Kind != JsonValueKind.Object)
        {
            problems.ErrorAt(node, node.Show(), "A server must be an object.", "Write at least { \"command\": \"...\" } or { \"url\": \"...\" }.");
            return null;
        }

        var server = new ServerConfig { Name = name ?? "" };
        var scope = new ReadScope(problems, expander, foreign, server);
        OptionsReader.Read(server, node, node.Path, "", scope, member => ReadSpecial(server, member, node, scope, isNamed: name is not null));
        InferTransportOfUnreadUrl(server, node);
        ResolvePaths(server);
        ReadEnvironmentFile(server, node, scope);
        return new ServerEntry(server, node.Path);
    }

    /// <summary>Keys that mean something else than the table says, or that only other programs write.</summary>
    private static bool ReadSpecial(ServerConfig server, ConfigMember member, ConfigNode node, ReadScope scope, bool isNamed)
    {
        ConfigNode value = member.Value;
        switch (member.Name)
        {
            case "type" when value.Kind == JsonValueKind.String:
                return ReadType(server, value, node.Path, scope);
            case "transport" when value.Kind == JsonValueKind.String && s_transportWords.TryGetValue(value.Text, out ServerTransport transport):
                server.Transport = transport;
                scope.Problems.Places[ConfigNode.PathOf(node.Path, "transport")] = value;
                return true;
            case "name" when isNamed && !scope.Foreign:
                scope.Problems.ErrorAt(value, null, "The name of this server is its key.", "Remove name, or write title for the name that people read.");
                return true;
            case "name" when isNamed && value.Kind == JsonValueKind.String:
                server.Title = value.Text;
                return true;
            case "enabled" when scope.Foreign && value.Kind is JsonValueKind.True or JsonValueKind.False:
                server.Disabled = value.Kind == JsonValueKind.False;
                return true;
            case "includeTools" or "excludeTools" or "disabledTools" when scope.Foreign:
                OptionKey key = OptionsShape.Keys(typeof(ExposeOptions)).First(key => key.Attribute.Aliases.Contains(member.Name));
                string relative = ConfigNode.PathOf(s_exposeKey.Name, key.Name);
                OptionsReader.ReadKey(server.Expose, key, value, ConfigNode.PathOf(node.Path, relative), relative, scope);
                return true;
            default:
                return false;
        }
    }

    private static bool ReadType(ServerConfig server, ConfigNode value, string place, ReadScope scope)
    {
        if (s_transportWords.TryGetValue(value.Text, out ServerTransport transport))
        {
            server.Transport ??= transport;
            scope.Problems.Places.TryAdd(ConfigNode.PathOf(place, s_transportKey.Name), value);
            return true;
        }

        if (OptionWords.TryWord(typeof(ServerType), value.Text, out _) || value.Text.Contains("${", StringComparison.Ordinal))
        {
            return false;
        }

        string[] words = [.. OptionWords.Words(typeof(ServerType)), .. s_transportWords.Keys.Except(["local", "streamableHttp"])];
        string? nearest = OptionWords.Nearest(value.Text, words);
        scope.Problems.ErrorAt(value, value.Show(), $"The type must be a kind of server ({string.Join(", ", OptionWords.Words(typeof(ServerType)))}) or a transport (stdio, http, streamable-http, sse).",
            nearest is null ? "Choose one of them; leave it out for a server of your own." : $"Did you mean {nearest}?");
        return true;
    }

    /// <summary>An address that waits for a variable is not read, so the transport follows from what was written.</summary>
    private static void InferTransportOfUnreadUrl(ServerConfig server, ConfigNode node)
    {
        ConfigNode? url = node["url"] ?? node["serverUrl"] ?? node["httpUrl"];
        if (server is { Url: null, Transport: null, Command: null } && url is { Kind: JsonValueKind.String })
        {
            server.Transport = url.Text.TrimEnd('/').EndsWith("/sse", StringComparison.OrdinalIgnoreCase) ? ServerTransport.Sse : ServerTransport.Http;
        }
    }

    private void ResolvePaths(ServerConfig server)
    {
        if (server.EffectiveTransport == ServerTransport.Stdio || server is { EffectiveTransport: ServerTransport.InProcess, Type: not ServerType.Custom })
        {
            server.WorkingDirectory = server.WorkingDirectory is { } folder ? Resolve(folder) : folders.Workspace;
        }

        if (server.EnvironmentFile is { } file)
        {
            server.EnvironmentFile = Resolve(file);
        }
    }

    private string Resolve(string path) => path.Contains("${", StringComparison.Ordinal) ? path : folders.Resolve(path);

    private void ReadEnvironmentFile(ServerConfig server, ConfigNode node, ReadScope scope)
    {
        if (server.EnvironmentFile is not { } path || path.Contains("${", StringComparison.Ordinal))
        {
            return;
        }

        ConfigNode place = node["envFile"]!;
        string? text = TextFile.Read(path, DotEnv.BytesMax, out string? failure);
        if (text is null)
        {
            scope.NotUnderstood(place, place.Show(), failure ?? $"The file {path} does not exist.", "Create it, mend the path, or remove envFile.");
            return;
        }

        foreach ((string name, string value) in DotEnv.Parse(text, (line, rule) => problems.WarningIn(path, line, rule, "Write NAME=value, or # before a comment.")))
        {
            if (server.Environment.TryAdd(name, value))
            {
                server.SecretPaths.Add(ConfigNode.PathOf("env", name));
                scope.AddSecret(value);
            }
        }
    }

    private static OptionKey Key(string property) => OptionsShape.Keys(typeof(ServerConfig)).Single(key => key.Property.Name == property);
}
