using Fairlead.Configuration;

namespace Fairlead.Health;

/// <summary>A file or folder that exists speaks for a server.</summary>
internal static class FileCheck
{
    /// <summary>Looks once. Blocks where the file system does.</summary>
    /// <param name="config">With a path; a relative one starts where the server starts.</param>
    public static HealthFinding Look(ServerConfig config)
    {
        var path = Path.GetFullPath(config.HealthCheck.Path!, Path.GetFullPath(config.WorkingDirectory ?? Environment.CurrentDirectory));
        return Path.Exists(path) ? HealthFinding.Good : HealthFinding.Bad($"{path} does not exist, or may not be seen (healthCheck.path)");
    }
}
