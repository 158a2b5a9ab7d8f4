using Fairlead.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Fairlead.AspNetCore;

/// <summary>What an application adds to its fleet beside the configuration. Used while services are registered.</summary>
public sealed class FairleadBuilder
{
    private readonly Dictionary<string, List<Func<IServiceProvider, ITool>>> _tools = new(StringComparer.Ordinal);
    private readonly List<Action<IServiceProvider, McpManager>> _preparations = [];

    internal FairleadBuilder(IServiceCollection services) => Services = services;

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a tool of the application's own. The server that it belongs to becomes part of the fleet if the configuration does not name it.</summary>
    /// <typeparam name="TTool">Made once, with the application's services.</typeparam>
    /// <param name="server">The name of the in-process server; its tools are listed in the order in which they are added.</param>
    public FairleadBuilder AddTool<TTool>(string server)
        where TTool : class, ITool => AddTool(server, static provider => ActivatorUtilities.GetServiceOrCreateInstance<TTool>(provider));

    /// <summary>As the other overload, with a tool that is there.</summary>
    public FairleadBuilder AddTool(string server, ITool tool)
    {
        ArgumentNullException.ThrowIfNull(tool);
        return AddTool(server, _ => tool);
    }

    /// <summary>Does something with the manager before any server is deployed, such as setting <see cref="McpManager.OnElicitation"/>. Run in the order in which they are added.</summary>
    public FairleadBuilder Configure(Action<IServiceProvider, McpManager> prepare)
    {
        ArgumentNullException.ThrowIfNull(prepare);
        _preparations.Add(prepare);
        return this;
    }

    /// <summary>Does everything that was asked for.</summary>
    internal void Prepare(IServiceProvider provider, McpManager manager)
    {
        foreach (var (server, tools) in _tools)
        {
            manager.AddTools(server, tools.Select(tool => tool(provider)));
        }

        foreach (var prepare in _preparations)
        {
            prepare(provider, manager);
        }
    }

    /// <summary>Names the servers of tools that the configuration does not name.</summary>
    internal void Complete(FairleadOptions options)
    {
        foreach (var server in _tools.Keys.Where(server => options.Servers.All(known => ServerName.ToSlug(known.Name) != ServerName.ToSlug(server))))
        {
            options.Servers.Add(new ServerConfig { Name = server });
        }
    }

    private FairleadBuilder AddTool(string server, Func<IServiceProvider, ITool> make)
    {
        ArgumentException.ThrowIfNullOrEmpty(server);
        if (!_tools.TryGetValue(server, out var tools))
        {
            _tools[server] = tools = [];
        }

        tools.Add(make);
        return this;
    }
}
