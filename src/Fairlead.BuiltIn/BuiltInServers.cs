using Fairlead.BuiltIn.Docker;
using Fairlead.BuiltIn.Git;
using Fairlead.BuiltIn.Prometheus;

namespace Fairlead.BuiltIn;

/// <summary>A server that comes with Fairlead.</summary>
/// <param name="Factory">Makes it.</param>
/// <param name="Port">The port of its own in the default fleet.</param>
/// <param name="TimeoutMs">How long a call may be silent in the default fleet, in milliseconds: some tools take minutes.</param>
public sealed record BuiltInServer(IMcpServerFactory Factory, int Port, int TimeoutMs);

/// <summary>The servers that come with Fairlead.</summary>
public static class BuiltInServers
{
    /// <summary>All of them, in the order of their ports; without any configuration this is the fleet.</summary>
    public static IReadOnlyList<BuiltInServer> All { get; } =
    [
        new(new DockerServerFactory(), 8001, 600_000),
        new(new GitServerFactory(), 8003, 600_000),
        new(new PrometheusServerFactory(), 8010, 60_000),
    ];

    /// <summary>Makes all of them known, so that a configuration with their type and without command and url means them.</summary>
    public static void AddBuiltInServers(this IMcpServerRegistry registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        foreach (var server in All)
        {
            registry.AddServerType(server.Factory);
        }
    }
}
