using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Fairlead.Tests.Tidy;

/// <summary>Figures in the docs, held against <c>bench/claims.json</c> and the results of record in <c>bench/results</c> (bench/README.md, Claims).</summary>
internal static partial class ClaimRules
{
    /// <summary>The list of claims.</summary>
    public const string Path = "bench/claims.json";

    /// <summary>The page on which no figure stands without a claim.</summary>
    public const string Page = "docs/performance.md";

    public static IEnumerable<string> Check(IEnumerable<SourceFile> all)
    {
        var files = all.ToDictionary(static file => file.Path, static file => file.Text, StringComparer.Ordinal);
        using var claims = JsonDocument.Parse(files[Path]);
        return [.. CheckBlocks(claims.RootElement, files), .. CheckTexts(claims.RootElement, files), .. CheckTests(claims.RootElement, files), .. FindUnclaimed(claims.RootElement, files)];
    }

    /// <summary>What stands between the marks of a block; null when there are none.</summary>
    public static string? BlockOf(string page, string block)
    {
        var begin = $"<!-- {block}: written by bench/run.sh record -->\n";
        var start = page.IndexOf(begin, StringComparison.Ordinal);
        var end = start < 0 ? -1 : page.IndexOf($"<!-- end of {block} -->", start, StringComparison.Ordinal);
        return end < 0 ? null : page[(start + begin.Length)..end];
    }

    /// <summary>Tells one content of a block from another.</summary>
    public static string DigestOf(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)))[..16];

    private static IEnumerable<string> CheckBlocks(JsonElement claims, Dictionary<string, string> files)
    {
        var blocks = claims.GetProperty("blocks").EnumerateArray().ToList();
        foreach (var claim in blocks)
        {
            var (file, block) = (Text(claim, "file"), Text(claim, "block"));
            if (!files.TryGetValue(file, out var page) || BlockOf(page, block) is not { } content)
            {
                yield return $"{Path}: {file} has no block '{block}'.";
            }
            else if (Result(claim, files, out var problem) is { } result)
            {
                var table = string.Concat(result.GetProperty("table").EnumerateArray().Select(static line => line.GetString() + "\n"));
                if (table != content)
                {
                    yield return $"{file}: the block '{block}' is not what {Text(claim, "result")} says. bench/run.sh record writes it.";
                }
            }
            else if (problem is not null || DigestOf(content) != Text(claim, "digest"))
            {
                yield return problem ?? $"{file}: the block '{block}' was changed without a run (its digest is {DigestOf(content)}).";
            }
        }

        foreach (var (path, text) in files.Where(static file => file.Key.EndsWith(".md", StringComparison.Ordinal)))
        {
            foreach (var block in BlockMark().Matches(text).Select(static match => match.Groups["block"].Value).Where(block => !blocks.Exists(claim => Text(claim, "file") == path && Text(claim, "block") == block)))
            {
                yield return $"{path}: the block '{block}' is in no claim of {Path}.";
            }
        }

        foreach (var problem in blocks.SelectMany(claim => CheckCommand(claim, files)))
        {
            yield return problem;
        }
    }

    private static IEnumerable<string> CheckTexts(JsonElement claims, Dictionary<string, string> files)
    {
        foreach (var claim in claims.GetProperty("texts").EnumerateArray())
        {
            var (file, text) = (Text(claim, "file"), Text(claim, "text"));
            if (!files.TryGetValue(file, out var page) || !page.Contains(text, StringComparison.Ordinal))
            {
                yield return $"{Path}: {file} does not say '{text}'.";
                continue;
            }

            // A bound, or how something is measured: nobody measures it.
            if (claim.TryGetProperty("given", out _))
            {
                continue;
            }

            foreach (var problem in CheckCommand(claim, files))
            {
                yield return problem;
            }

            if (Result(claim, files, out var wrong) is { } result)
            {
                foreach (var value in claim.GetProperty("values").EnumerateObject().Where(value => !Agrees(result, value.Name, value.Value.GetString()!) || !text.Contains(value.Name, StringComparison.Ordinal)))
                {
                    yield return $"{file}: '{value.Name}' is not what {Text(claim, "result")} says at {value.Value}.";
                }
            }
            else if (wrong is not null)
            {
                yield return wrong;
            }
        }
    }

    private static IEnumerable<string> CheckTests(JsonElement claims, Dictionary<string, string> files) => claims.GetProperty("tests").EnumerateArray().SelectMany(claim =>
        new[] { Text(claim, "file"), Text(claim, "writtenBy") }.Where(path => !files.ContainsKey(path)).Select(static path => $"{Path}: {path} does not exist.").Concat(CheckCommand(claim, files)));

    /// <summary>Lines of the page with a figure that no text claims, outside of blocks and of code.</summary>
    private static IEnumerable<string> FindUnclaimed(JsonElement claims, Dictionary<string, string> files)
    {
        var page = files[Page];
        var texts = claims.GetProperty("texts").EnumerateArray().Where(static claim => Text(claim, "file") == Page).Select(static claim => Text(claim, "text")).ToList();
        var covered = Aside().Matches(page).Select(static match => (match.Index, End: match.Index + match.Length))
            .Concat(texts.Select(text => (Index: page.IndexOf(text, StringComparison.Ordinal), text.Length)).Where(static place => place.Index >= 0).Select(static place => (place.Index, End: place.Index + place.Length)))
            .ToList();
        return Figure().Matches(page).Where(figure => !covered.Exists(place => figure.Index >= place.Index && figure.Index + figure.Length <= place.End))
            .Select(figure => $"{new SourceFile(Page, page).At(figure.Index)}: the figure '{figure.Value.Trim()}' is in no claim of {Path}.");
    }

    private static IEnumerable<string> CheckCommand(JsonElement claim, Dictionary<string, string> files)
    {
        var command = Text(claim, "command");
        var words = command.Split(' ').SkipWhile(static word => word.Contains('=', StringComparison.Ordinal)).ToArray();
        var exists = words switch
        {
            ["bench/run.sh", var mode, ..] => files.TryGetValue("bench/run.sh", out var script) && Regex.IsMatch(script, $@"^\s*(\w+ \| )*{Regex.Escape(mode)}( \| \w+)*\)", RegexOptions.Multiline),
            ["./test", ..] when Array.IndexOf(words, "--filter") is >= 0 and var at && at + 1 < words.Length =>
                files.Any(file => file.Key.StartsWith("tests/", StringComparison.Ordinal) && file.Key.Contains(words[at + 1].Split('~')[^1], StringComparison.Ordinal)),
            _ => false,
        };
        if (!exists)
        {
            yield return $"{Path}: there is no command '{command}'.";
        }
    }

    /// <summary>The result of record of a claim; null when it has none, which is only right for one that says when it was recorded.</summary>
    private static JsonElement? Result(JsonElement claim, Dictionary<string, string> files, out string? problem)
    {
        problem = null;
        if (!claim.TryGetProperty("result", out var path))
        {
            var isDated = claim.TryGetProperty("recorded", out var date) && DateOnly.TryParseExact(date.GetString(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
            problem = isDated ? null : $"{Path}: a claim of {Text(claim, "file")} has neither a result nor the day on which it was recorded.";
            return null;
        }

        if (!files.TryGetValue(path.GetString()!, out var text))
        {
            problem = $"{Path}: {path} does not exist.";
            return null;
        }

        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    /// <summary>Whether the number at a path, such as <c>figures.rows[2].ratio</c> or <c>budgets['wire.scan']</c>, is what was written, to as many places as were written.</summary>
    private static bool Agrees(JsonElement result, string written, string path)
    {
        var at = result;
        foreach (Match step in PathStep().Matches(path))
        {
            var isIndex = int.TryParse(step.Groups["index"].Value, CultureInfo.InvariantCulture, out var index);
            if (isIndex ? at.ValueKind != JsonValueKind.Array || index >= at.GetArrayLength() : at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(step.Groups["name"].Value, out _))
            {
                return false;
            }

            at = isIndex ? at[index] : at.GetProperty(step.Groups["name"].Value);
        }

        var point = written.IndexOf('.', StringComparison.Ordinal);
        var places = point < 0 ? 0 : written.Length - point - 1;
        return at.ValueKind == JsonValueKind.Number && at.GetDouble().ToString("F" + places, CultureInfo.InvariantCulture) == written;
    }

    private static string Text(JsonElement claim, string name) => claim.TryGetProperty(name, out var value) ? value.GetString()! : "";

    [GeneratedRegex(@"<!-- (?<block>[^:\n]*): written by bench/run\.sh record -->")]
    private static partial Regex BlockMark();

    /// <summary>Blocks, code and headings.</summary>
    [GeneratedRegex(@"<!-- (?<block>[^:\n]*): written by bench/run\.sh record -->.*?<!-- end of \k<block> -->|^```.*?^```|^#.*?$|`[^`\n]*`", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Aside();

    /// <summary>A number with a unit, a number with a point, and any number in a table.</summary>
    [GeneratedRegex(@"(?<![\w.])\d[\d ]*(\.\d+)?\s?(ms|us|s|%|B|KB|MB|MiB|GB|GHz|minutes|calls|times)\b|(?<![\w.])\d[\d ]*(\.\d+)?\s?%|(?<![\w.])\d+\.\d+(?!\w|\.\d)|(?<=^\|.*)(?<![\w.-])\d[\d ]*(?!\w|\.\d)", RegexOptions.Multiline)]
    private static partial Regex Figure();

    /// <summary>A place of an array, a name, or a name with signs in it, in brackets and quotes.</summary>
    [GeneratedRegex(@"\[(?<index>\d+)\]|\['(?<name>[^']+)'\]|(?<name>[A-Za-z0-9_]+)")]
    private static partial Regex PathStep();
}
