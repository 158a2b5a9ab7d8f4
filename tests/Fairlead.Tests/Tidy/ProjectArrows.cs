using System.Xml.Linq;

namespace Fairlead.Tests.Tidy;

/// <summary>Which project may see which, and what it may bring along (docs/architecture.md, Projects).</summary>
internal static class ProjectArrows
{
    private static readonly Dictionary<string, string[]> s_allowed = new(StringComparer.Ordinal)
    {
        ["Fairlead.Wire"] = [],
        ["Fairlead.Abstractions"] = [],
        ["Fairlead"] = ["Fairlead.Wire", "Fairlead.Abstractions"],
        ["Fairlead.AspNetCore"] = ["Fairlead", "Fairlead.Wire", "Fairlead.Abstractions"],
        ["Fairlead.BuiltIn"] = ["Fairlead.Abstractions"],
        ["Fairlead.Measuring"] = ["Fairlead.Wire"],
        ["Fairlead.Etcd"] = ["Fairlead"],
        ["Fairlead.Interop"] = ["Fairlead", "Fairlead.BuiltIn"],
        ["Fairlead.Cli"] = ["Fairlead.AspNetCore", "Fairlead.BuiltIn", "Fairlead.Measuring", "Fairlead.Etcd", "Fairlead", "Fairlead.Wire", "Fairlead.Abstractions"],
    };

    /// <summary>Projects that stand on the base class library alone.</summary>
    private static readonly string[] s_bareProjects = ["Fairlead.Wire", "Fairlead.Abstractions"];

    public static IEnumerable<string> Check(IEnumerable<SourceFile> files)
    {
        foreach (var file in files.Where(file => file.Path.StartsWith("src/", StringComparison.Ordinal) && file.Path.EndsWith(".csproj", StringComparison.Ordinal)))
        {
            var name = Path.GetFileNameWithoutExtension(file.Path);
            var items = XDocument.Parse(file.Text).Descendants().ToLookup(element => element.Name.LocalName, element => (string?)element.Attribute("Include") ?? "");
            if (!s_allowed.TryGetValue(name, out var allowed))
            {
                yield return $"{file.Path}: the project is not in the table of arrows. Add it to docs/architecture.md and to {nameof(ProjectArrows)}.";
                continue;
            }

            foreach (var reference in items["ProjectReference"].Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/'))).Where(r => !allowed.Contains(r)))
            {
                yield return $"{file.Path}: {name} must not reference {reference}. It may reference: {(allowed.Length == 0 ? "nothing" : string.Join(", ", allowed))}.";
            }

            foreach (var problem in CheckPackages(file, name, [.. items["PackageReference"]], [.. items["FrameworkReference"]]))
            {
                yield return problem;
            }

            foreach (var import in items["Using"].Where(import => import.StartsWith("Fairlead", StringComparison.Ordinal)))
            {
                yield return $"{file.Path}: a project-wide using of {import} hides arrows between folders. Write it in the files that need it.";
            }
        }
    }

    private static IEnumerable<string> CheckPackages(SourceFile file, string name, string[] packages, string[] frameworks)
    {
        if (s_bareProjects.Contains(name))
        {
            foreach (var package in packages.Concat(frameworks))
            {
                yield return $"{file.Path}: {name} stands on the base class library alone and must not bring {package}.";
            }
        }

        if (name == "Fairlead")
        {
            foreach (var package in packages.Where(p => p.StartsWith("ModelContextProtocol", StringComparison.Ordinal)).Concat(frameworks))
            {
                yield return $"{file.Path}: the core has no web server and no MCP SDK, so it must not bring {package}. Put what needs it in Fairlead.AspNetCore or Fairlead.BuiltIn.";
            }
        }
    }
}
