using Fairlead.Configuration;

namespace Fairlead.Tests.Servers;

/// <summary>Configurations of the server that misbehaves in a stated way: a real child process.</summary>
internal static class MisbehaveServer
{
    private static readonly string s_program = Find();

    /// <summary>A server of this name in this mode.</summary>
    public static ServerConfig Config(string name, params string[] mode) => new()
    {
        Name = name,
        Command = s_program,
        Arguments = [.. mode],
        Environment = { ["DOTNET_TieredCompilation"] = "1" },
    };

    private static string Find()
    {
        // artifacts/bin/<project>/<configuration>
        var own = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return Path.Combine(own.Parent!.Parent!.FullName, "Misbehave", own.Name, OperatingSystem.IsWindows() ? "misbehave-server.exe" : "misbehave-server");
    }
}
