namespace Fairlead.Tests.Tidy;

/// <summary>The text files of the repository that these tests run in, read once.</summary>
internal static class Repository
{
    private static readonly string[] s_skippedFolders = ["artifacts", "node_modules", "bin", "obj", "TestResults", "BenchmarkDotNet.Artifacts", "__pycache__"];
    private static readonly string[] s_textEndings =
        [".cs", ".csproj", ".props", ".targets", ".slnx", ".md", ".sh", ".py", ".js", ".mjs", ".ts", ".lua", ".json", ".yml", ".yaml", ".txt", ".html", ".css", ".editorconfig"];

    /// <summary>The folder that holds Fairlead.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>All text files, in path order; folders that builds and tools write are left out.</summary>
    public static IReadOnlyList<SourceFile> Files { get; } = [.. Walk(new DirectoryInfo(Root)).OrderBy(file => file.Path, StringComparer.Ordinal)];

    /// <summary>The exceptions that somebody gave a reason for.</summary>
    public static AllowList Allowed { get; } = new(File.ReadAllText(Path.Combine(Root, AllowList.Path)));

    /// <summary>Whether a file or folder exists at a path relative to the root.</summary>
    public static bool Exists(string path) => Path.Exists(Path.Combine(Root, path));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Fairlead.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No folder above '{AppContext.BaseDirectory}' holds Fairlead.slnx; run the tests from a clone.");
    }

    private static IEnumerable<SourceFile> Walk(DirectoryInfo folder)
    {
        foreach (var file in folder.EnumerateFiles())
        {
            if (s_textEndings.Contains(file.Extension) || IsScript(file))
            {
                yield return new SourceFile(Path.GetRelativePath(Root, file.FullName).Replace('\\', '/'), File.ReadAllText(file.FullName));
            }
        }

        foreach (var inner in folder.EnumerateDirectories())
        {
            if (!s_skippedFolders.Contains(inner.Name) && (!inner.Name.StartsWith('.') || inner.Name is ".ci" or ".github") && inner.LinkTarget is null)
            {
                foreach (var file in Walk(inner))
                {
                    yield return file;
                }
            }
        }
    }

    private static bool IsScript(FileInfo file)
    {
        if (file.Extension.Length > 0 || file.Length is 0 or > 100_000)
        {
            return false;
        }

        using var reader = file.OpenText();
        return reader.Read() == '#' && reader.Read() == '!';
    }
}
