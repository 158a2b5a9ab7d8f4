using Fairlead.Configuration;

namespace Fairlead.Servers;

/// <summary>Servers that are known to ask their clients (decision 8.5): whoever can be asked has an instance of its own from the first call on, not only after the first question.</summary>
internal static class AskingServers
{
    private static readonly string[] s_packages = ["@modelcontextprotocol/server-everything"];

    /// <summary>Whether a configuration starts one of them, by npx or from a folder of packages.</summary>
    public static bool Includes(ServerConfig config) => config.Arguments.Any(static argument =>
        s_packages.Any(package => argument.Replace('\\', '/').Contains(package, StringComparison.Ordinal)));
}
