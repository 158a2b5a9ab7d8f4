using Fairlead.BuiltIn;
using Fairlead.Configuration;

namespace Fairlead.Cli.Running;

/// <summary>What runs when there is no configuration: the built-in servers (product A3).</summary>
internal static class DefaultFleet
{
    /// <summary>What it is called where a file would be named.</summary>
    public const string Name = "the default fleet";

    /// <summary>That, with where a configuration was looked for.</summary>
    public static string Describe()
    {
        var places = ConfigurationPaths.Candidates(ConfigurationPaths.Current, CommonOptions.Environment(), Directory.GetCurrentDirectory(), CommonOptions.Home());
        return $"{Name}, as there is neither {string.Join(" nor ", places)}";
    }

    /// <summary>Adds the built-in servers. Their relative paths start at the current directory.</summary>
    public static void AddTo(FairleadOptions options)
    {
        foreach (var server in BuiltInServers.All)
        {
            options.Servers.Add(new ServerConfig
            {
                Name = server.Factory.Type,
                Type = OptionWords.TryWord(typeof(ServerType), server.Factory.Type, out var type)
                    ? (ServerType)type
                    : throw new InvalidOperationException($"There is no server type '{server.Factory.Type}'."),
                Port = server.Port,
                TimeoutMs = server.TimeoutMs,
                WorkingDirectory = Directory.GetCurrentDirectory(),
            });
        }
    }
}
