using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Fairlead.AspNetCore.Dashboard;

/// <summary>The files of the dashboard (<c>ui</c>), embedded into this assembly. Read when somebody first opens the dashboard: whoever never does pays nothing for it.</summary>
internal sealed class DashboardFiles
{
    private const string Prefix = "dashboard/";
    private const string Mark = "{{assets}}";

    private DashboardFiles(string version, DashboardFile page, IReadOnlyDictionary<string, DashboardFile> assets) => (Version, Page, Assets) = (version, page, assets);

    /// <summary>A digest of all of them. It stands in the path of the assets, so that they may be kept for ever.</summary>
    public string Version { get; }

    /// <summary>The page, which names the assets of this version.</summary>
    public DashboardFile Page { get; }

    /// <summary>What the page loads, by path.</summary>
    public IReadOnlyDictionary<string, DashboardFile> Assets { get; }

    /// <summary>Reads them all.</summary>
    public static DashboardFiles Load()
    {
        var assembly = typeof(DashboardFiles).Assembly;
        var files = assembly.GetManifestResourceNames().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .ToDictionary(static name => name[Prefix.Length..].Replace('\\', '/'), name => Read(assembly, name), StringComparer.Ordinal);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, file) in files)
        {
            digest.AppendData(Encoding.UTF8.GetBytes($"{path}\0{file.Bytes.Length}\0"));
            digest.AppendData(file.Bytes);
        }

        var version = Convert.ToHexStringLower(digest.GetHashAndReset())[..16];
        files.Remove("index.html", out var page);
        var text = Encoding.UTF8.GetString(page!.Bytes).Replace(Mark, "assets/" + version, StringComparison.Ordinal);
        return new DashboardFiles(version, new DashboardFile(Encoding.UTF8.GetBytes(text), page.ContentType), files);
    }

    private static DashboardFile Read(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new DashboardFile(bytes, TypeOf(name));
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new InvalidOperationException($"{name}: the dashboard has no media type for '{other}'."),
    };
}
