using System.Text.RegularExpressions;

namespace Fairlead.Tests.Tidy;

/// <summary>How long files are, where tests lie, and that each type says what it is for.</summary>
internal static partial class ShapeRules
{
    private const int LinesMax = 500;

    private static readonly string[] s_codeEndings = [".cs", ".sh", ".py", ".js", ".mjs", ".ts", ".lua", ".css", ".html"];

    public static IEnumerable<string> CheckLength(IEnumerable<SourceFile> files, AllowList allowed) =>
        from file in files
        where s_codeEndings.Contains(Path.GetExtension(file.Path)) && file.LineCount > LinesMax && !allowed.Contains(file.Path)
        select $"{file.Path}: {file.LineCount} lines, at most {LinesMax}. Split it by idea, or give a reason in {AllowList.Path}.";

    /// <summary>tests/X.Tests/A/B.cs belongs to src/X/A; end-to-end tests have no single folder to belong to.</summary>
    public static IEnumerable<string> CheckMirror(IEnumerable<SourceFile> files, AllowList allowed, Func<string, bool> exists)
    {
        foreach (var file in files.Where(file => file.IsCSharp))
        {
            var match = TestFile().Match(file.Path);
            if (!match.Success || match.Groups["project"].Value == "Fairlead.EndToEnd")
            {
                continue;
            }

            var source = $"src/{match.Groups["project"].Value}{match.Groups["folder"].Value}";
            var folder = Path.GetDirectoryName(file.Path)!.Replace('\\', '/');
            if (!exists(source) && !allowed.Contains(folder))
            {
                yield return $"{file.Path}: there is no folder {source} that these tests could mirror. Move the file, or give a reason for {folder} in {AllowList.Path}.";
            }
        }
    }

    /// <summary>The compiler asks public members for a docstring; this asks every other type of the product for one too.</summary>
    public static IEnumerable<string> CheckDocstrings(IEnumerable<SourceFile> files)
    {
        foreach (var file in files.Where(file => file.IsCSharp && file.Path.StartsWith("src/", StringComparison.Ordinal)))
        {
            foreach (Match match in TypeDeclaration().Matches(file.Code))
            {
                // Nested private types live with the type they serve.
                if (!match.Value.Contains("private ", StringComparison.Ordinal) && !match.Value.Contains("file ", StringComparison.Ordinal) && !HasDocstring(file, match.Index))
                {
                    yield return $"{file.At(match.Index)}: {match.Groups["name"].Value} has no docstring. Say what a caller cannot see.";
                }
            }
        }
    }

    private static bool HasDocstring(SourceFile file, int offset)
    {
        var lines = file.Text[..offset].Split('\n');
        for (var i = lines.Length - 2; i >= 0; i--)
        {
            var line = lines[i].Trim();
            if (line.StartsWith("///", StringComparison.Ordinal))
            {
                return true;
            }

            var betweenDocstringAndType = line.StartsWith('[') || line.EndsWith(']') || line.StartsWith("//", StringComparison.Ordinal) || line.StartsWith('#');
            if (!betweenDocstringAndType)
            {
                return false;
            }
        }

        return false;
    }

    [GeneratedRegex(@"^tests/(?<project>[\w.]+)\.Tests(?<folder>(?:/[^/]+)*)/[^/]+\.cs$")]
    private static partial Regex TestFile();

    [GeneratedRegex(@"^[ \t]*(?:(?:public|internal|protected|private|file|static|sealed|abstract|readonly|ref|partial|unsafe)\s+)*(?:class|struct|interface|enum|record(?:\s+(?:class|struct))?|delegate\s+[\w<>?\[\],.]+)\s+(?<name>[A-Z]\w*)", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();
}
