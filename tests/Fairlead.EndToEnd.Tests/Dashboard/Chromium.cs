namespace Fairlead.EndToEnd.Tests.Dashboard;

/// <summary>The browser that eng/install-chromium.sh has found or installed.</summary>
internal static class Chromium
{
    private static readonly string s_folder = RepositoryPaths.Source("artifacts/chromium");

    /// <summary>Why there is none; null when it is there.</summary>
    public static string? Missing { get; } = File.Exists(System.IO.Path.Combine(s_folder, "path")) ? null
        : File.Exists(System.IO.Path.Combine(s_folder, "missing")) ? File.ReadAllText(System.IO.Path.Combine(s_folder, "missing")).Trim()
        : "nobody has looked for it; run eng/install-chromium.sh";

    /// <summary>Its program.</summary>
    public static string Path => File.ReadAllText(System.IO.Path.Combine(s_folder, "path")).Trim();
}

/// <summary>Tests in a real browser; where there is none, they say so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ChromiumTheoryAttribute : TheoryAttribute
{
    public ChromiumTheoryAttribute() => Skip = Chromium.Missing is { } missing ? "No Chromium: " + missing : null;
}

/// <summary>A test in a real browser; where there is none, it says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ChromiumFactAttribute : FactAttribute
{
    public ChromiumFactAttribute() => Skip = Chromium.Missing is { } missing ? "No Chromium: " + missing : null;
}
