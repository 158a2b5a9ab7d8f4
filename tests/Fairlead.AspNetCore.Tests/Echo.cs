using Fairlead.Configuration;

namespace Fairlead.AspNetCore.Tests;

/// <summary>The echo server of the measurements as a configured child.</summary>
internal static class Echo
{
    /// <summary>Options with one or more echo servers; they speak both eras unless told otherwise.</summary>
    public static FairleadOptions Options(params string[] names) => new() { Servers = [.. names.Select(name => Server(name))] };

    /// <summary>One echo server.</summary>
    public static ServerConfig Server(string name, string era = "dual")
    {
        var config = new ServerConfig { Name = name, Command = "dotnet" };
        config.Arguments.Add(Library("Echo", "echo-server.dll"));
        config.Arguments.Add("--era");
        config.Arguments.Add(era);
        return config;
    }

    /// <summary>The misbehaving server in one of its modes.</summary>
    public static ServerConfig Misbehaving(string name, params string[] arguments)
    {
        var config = new ServerConfig { Name = name, Command = "dotnet" };
        config.Arguments.Add(Library("Misbehave", "misbehave-server.dll"));
        foreach (var argument in arguments)
        {
            config.Arguments.Add(argument);
        }

        return config;
    }

    private static string Library(string project, string file)
    {
        // Output folders are artifacts/bin/<project>/<configuration>.
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var path = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../..", project, configuration, file));
        return File.Exists(path) ? path : throw new FileNotFoundException($"'{path}' is not there; build {project} in the configuration '{configuration}'.");
    }
}
