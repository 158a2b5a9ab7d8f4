using System.Text.RegularExpressions;

namespace Fairlead.Tests.Tidy;

/// <summary>Every relative link of a Markdown file leads to a file or folder, and every #anchor to a heading.</summary>
internal static partial class LinkRules
{
    public static IEnumerable<string> Check(IReadOnlyList<SourceFile> files, Func<string, bool> exists)
    {
        var pages = files.Where(file => file.Path.EndsWith(".md", StringComparison.Ordinal)).ToDictionary(file => file.Path, StringComparer.Ordinal);
        foreach (var page in pages.Values)
        {
            foreach (Match match in Link().Matches(WithoutCode(page.Text)))
            {
                var target = match.Groups["target"].Value;
                if (HasScheme().IsMatch(target))
                {
                    continue;
                }

                var parts = target.Split('#', 2);
                var path = parts[0].Length == 0 ? page.Path : Resolve(page.Path, parts[0]);
                if (!exists(path))
                {
                    yield return $"{page.At(match.Index)}: the link '{target}' leads to '{path}', which does not exist.";
                }
                else if (parts.Length == 2 && pages.TryGetValue(path, out var other) && !Anchors(other.Text).Contains(parts[1]))
                {
                    yield return $"{page.At(match.Index)}: '{path}' has no heading for '#{parts[1]}'.";
                }
            }
        }
    }

    private static string Resolve(string from, string to)
    {
        var folder = Path.GetDirectoryName(from) ?? "";
        return Path.GetRelativePath("/", Path.GetFullPath(Path.Combine("/", folder, to.StartsWith('/') ? to[1..] : to))).Replace('\\', '/');
    }

    /// <summary>Anchors as the usual hosts make them: lower case, spaces to dashes, other punctuation dropped.</summary>
    private static HashSet<string> Anchors(string text) =>
        [.. Heading().Matches(WithoutCode(text)).Select(match => NotInAnchor().Replace(match.Groups["title"].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'))];

    /// <summary>Blanks fenced blocks and code spans, where brackets are not links. Offsets stay.</summary>
    private static string WithoutCode(string text) => Fence().Replace(text, match => Blank(match.Value));

    private static string Blank(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
        {
            span[i] = source[i] == '\n' ? '\n' : ' ';
        }
    });

    [GeneratedRegex(@"\]\((?<target>[^()\s]+)(?:\s+""[^""]*"")?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^[a-z][a-z0-9+.-]*:", RegexOptions.IgnoreCase)]
    private static partial Regex HasScheme();

    [GeneratedRegex(@"^#{1,6}\s+(?<title>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"^```.*?^```|`[^`\n]+`", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
