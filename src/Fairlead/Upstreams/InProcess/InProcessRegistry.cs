using System.Collections.Concurrent;
using Fairlead.Configuration;

namespace Fairlead.Upstreams.InProcess;

/// <summary>The servers that live in this process, by the name or type under which configurations find them. Any thread.</summary>
internal sealed class InProcessRegistry
{
    private readonly ConcurrentDictionary<string, IMcpServer> _servers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, IMcpServerFactory> _factories = new(StringComparer.Ordinal);

    /// <summary>Makes a server known; one of the same name is replaced for later starts.</summary>
    public void Add(string name, IMcpServer server) => _servers[name] = server;

    /// <summary>Makes a kind of server known; one of the same type is replaced for later starts.</summary>
    public void Add(IMcpServerFactory factory) => _factories[factory.Type] = factory;

    /// <summary>Whether there is a server, or a factory of one, for a configuration.</summary>
    public bool Knows(ServerConfig config) => Find(config) is not null || FindFactory(config) is not null;

    /// <summary>The one object that a configuration means: the server of its name, else the one registered under its type. Null when there is none.</summary>
    public IMcpServer? Find(ServerConfig config) =>
        config.EffectiveTransport != ServerTransport.InProcess ? null
        : _servers.TryGetValue(ServerName.ToSlug(config.Name), out var named) ? named
        : config.Type == ServerType.Custom ? null
        : _servers.GetValueOrDefault(OptionWords.Word(config.Type));

    /// <summary>What makes the server that a configuration means by its type. Null when there is none, or when <see cref="Find"/> has one.</summary>
    public IMcpServerFactory? FindFactory(ServerConfig config) =>
        config.EffectiveTransport == ServerTransport.InProcess && config.Type != ServerType.Custom && Find(config) is null
            ? _factories.GetValueOrDefault(OptionWords.Word(config.Type))
            : null;

    /// <summary>The tools of a server made of tools; else null.</summary>
    public ToolSet? FindTools(ServerConfig config) => (Find(config) as ToolSetServer)?.Tools;
}
