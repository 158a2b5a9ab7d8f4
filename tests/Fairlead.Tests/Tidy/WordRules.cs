using System.Text.RegularExpressions;

namespace Fairlead.Tests.Tidy;

/// <summary>Words that do not stand in this repository (CONTRIBUTING.md, Words). Rules about code look at code alone, the others at every text file.</summary>
internal static partial class WordRules
{
    /// <summary>The one type that may be called a manager: the public API carries that name in every language.</summary>
    private const string TheManager = "McpManager";

    public static IEnumerable<string> Check(IEnumerable<SourceFile> files) =>
        files.SelectMany(file => CheckText(file).Concat(file.IsCSharp ? CheckCode(file) : []));

    private static IEnumerable<string> CheckText(SourceFile file)
    {
        foreach (Match match in UnfinishedWork().Matches(file.Text))
        {
            yield return $"{file.At(match.Index)}: '{match.Value}'. Do it, or file an issue and write a full sentence.";
        }

        foreach (Match match in MachinePath().Matches(file.Text))
        {
            yield return $"{file.At(match.Index)}: '{match.Value}' is a path of one machine. Use a path relative to the repository or a temporary folder.";
        }

        foreach (Match match in RegistryHost().Matches(file.Text))
        {
            yield return $"{file.At(match.Index)}: '{match.Value}'. Which registry is used is the business of the machine's own configuration.";
        }
    }

    private static IEnumerable<string> CheckCode(SourceFile file)
    {
        foreach (Match match in TypeName().Matches(file.Code))
        {
            var name = match.Groups["name"].Value;
            if (EmptySuffix().IsMatch(name) && name != TheManager)
            {
                yield return $"{file.At(match.Index)}: the type name {name} ends in a word that says nothing. Say what it owns.";
            }
        }

        foreach (Match match in NotImplemented().Matches(file.Code))
        {
            yield return $"{file.At(match.Index)}: '{match.Value}'. Leave out what is not there yet.";
        }

        foreach (Match match in Sleep().Matches(file.Code))
        {
            yield return $"{file.At(match.Index)}: '{match.Value}'. Wait for an event, not for time.";
        }

        foreach (Match match in EmptyCatch().Matches(file.Code))
        {
            // A narrow catch may hold a comment that says why there is nothing to do; a catch of everything may not be empty at all.
            var explained = file.Text.AsSpan(match.Index, match.Length).Contains("//", StringComparison.Ordinal);
            if (!explained || match.Groups["type"].Value is "" or "Exception" or "System.Exception")
            {
                yield return $"{file.At(match.Index)}: an exception is swallowed. Catch the exact type and say in the block why nothing is to be done.";
            }
        }

        foreach (Match match in Pragma().Matches(file.Code))
        {
            var line = file.LineAt(match.Index);
            if (line.IndexOf("//") is not (>= 0 and var comment) || line[(comment + 2)..].Trim().Length < 10)
            {
                yield return $"{file.At(match.Index)}: a warning is switched off without a reason on the same line.";
            }
        }

        foreach (Match match in SkippedTest().Matches(file.Code))
        {
            yield return $"{file.At(match.Index)}: a skipped test. Mend it or remove it.";
        }
    }

    [GeneratedRegex(@"\b(?:TO" + "DO|FIX" + "ME|HA" + @"CK)\b")]
    private static partial Regex UnfinishedWork();

    [GeneratedRegex(@"(?<![\w.:/*~-])/(?:work|root|vagrant)/\w+")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"registry\.npm" + @"js\.org|api\.nu" + @"get\.org|deb\.deb" + @"ian\.org|pyp" + @"i\.org|proxy\.gol" + @"ang\.org", RegexOptions.IgnoreCase)]
    private static partial Regex RegistryHost();

    [GeneratedRegex(@"\b(?:class|struct|record|interface|enum)\s+(?<name>[A-Z]\w*)")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"(?:Helpers?|Util|Utils|Utility|Utilities|Common|Impl|V\d|Manager)$")]
    private static partial Regex EmptySuffix();

    [GeneratedRegex(@"\bNotImplementedException\b")]
    private static partial Regex NotImplemented();

    [GeneratedRegex(@"\bThread\.Sleep\b")]
    private static partial Regex Sleep();

    [GeneratedRegex(@"\bcatch\s*(?:\(\s*(?<type>[\w.]+)[^()]*\)\s*)?\{\s*\}")]
    private static partial Regex EmptyCatch();

    [GeneratedRegex(@"^[ \t]*#pragma\s+warning\s+disable", RegexOptions.Multiline)]
    private static partial Regex Pragma();

    [GeneratedRegex(@"\[(?:Fact|Theory|InlineData|MemberData|ClassData)\b[^\]]*\bSkip\s*=")]
    private static partial Regex SkippedTest();
}
