namespace Fairlead.BuiltIn.Tests;

/// <summary>The real programs that eng/install-engines.sh unpacks.</summary>
internal static class Engines
{
    private static readonly string s_folder = Path.Combine(Root(), "artifacts", "engines");

    /// <summary>Why there are none; null when they are there.</summary>
    public static string? Missing { get; } = File.Exists(Path.Combine(s_folder, ".complete")) ? null
        : File.Exists(Path.Combine(s_folder, "missing")) ? File.ReadAllText(Path.Combine(s_folder, "missing")).Trim()
        : "podman and Prometheus are not unpacked; run eng/install-engines.sh";

    /// <summary>A path in what was unpacked.</summary>
    public static string At(string path) => Path.Combine(s_folder, "unpacked", path);

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Fairlead.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("Run the tests from a clone: no folder above holds Fairlead.slnx.");
    }
}

/// <summary>A test with a real Prometheus; where there is none, it says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PrometheusFactAttribute : FactAttribute
{
    public PrometheusFactAttribute() => Skip = Engines.Missing is { } missing ? "No Prometheus: " + missing : null;
}

/// <summary>A test with a real engine; where none can run, it says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class EngineFactAttribute : FactAttribute
{
    public EngineFactAttribute() => Skip = Engines.Missing is { } missing ? "No container engine: " + missing
        : Environment.UserName != "root" ? "No container engine: podman is run by root alone here, because users need uidmap and subuids" : null;
}
