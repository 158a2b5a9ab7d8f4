using System.Collections.Concurrent;
using Fairlead.Configuration;

namespace Fairlead.Upstreams.InProcess;

/// <summary>The servers that live in this process, by the name under which configurations find them. Any thread.</summary>
internal sealed class InProcessRegistry
{
    private readonly ConcurrentDictionary<string, IMcpServer> _servers = new(StringComparer.Ordinal);

    /// <summary>Makes a server known; one of the same name is replaced for later starts.</summary>
    public void Add(string name, IMcpServer server) => _servers[name] = server;

    /// <summary>The server that a configuration means: the one of its name, else the built-in one of its type. Null when there is none.</summary>
    public IMcpServer? Find(ServerConfig config) =>
        config.EffectiveTransport != ServerTransport.InProcess ? null
        : _servers.TryGetValue(ServerName.ToSlug(config.Name), out var named) ? named
        : config.Type == ServerType.Custom ? null
        : _servers.GetValueOrDefault(OptionWords.Word(config.Type));

    /// <summary>The tools of a server made of tools; else null.</summary>
    public ToolSet? FindTools(ServerConfig config) => (Find(config) as ToolSetServer)?.Tools;
}
