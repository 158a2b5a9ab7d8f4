using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Fairlead.Diagnostics;
using Fairlead.Tests.Tidy;

namespace Fairlead.Tests.Diagnostics;

/// <summary>Whoever alerts on log events relies on their numbers: <c>docs/reference/log-events.md</c> lists all, and a number keeps its meaning.</summary>
public sealed partial class EventIdsTests
{
    private const string Page = "docs/reference/log-events.md";
    private const string Gone = "(no longer written)";

    private static readonly Dictionary<string, int> s_numbers = typeof(EventIds).GetFields().Where(static field => field.IsLiteral).ToDictionary(static field => field.Name, static field => (int)field.GetRawConstantValue()!, StringComparer.Ordinal);

    [Fact]
    public void Numbers_OfAllEvents_AreTheirOwn()
    {
        Assert.Empty(s_numbers.GroupBy(static one => one.Value).Where(static same => same.Count() > 1).Select(static same => string.Join(" and ", same.Select(static one => one.Key))));
        Assert.Empty(s_numbers.Keys.Except(Events().Select(static one => one.Name)).Select(static name => name + " is written nowhere"));
    }

    [Fact]
    public void Events_WhenTheyAreWritten_EachHasOneLevelAndOneMessage() => Assert.Empty(
        Events().GroupBy(static one => one.Name).Where(static same => same.Count() > 1).Select(static same => $"{same.Key}: {string.Join(" | ", same.Select(static one => one.Message))}"));

    [Fact]
    public void Sources_WhenTheyLog_UseEventIdsInAFormThatIsUnderstoodHere()
    {
        var attributes = Sources().Sum(static file => Attribute().Count(file.Code));
        Assert.Equal(attributes, Events().Count());
    }

    [Fact]
    public void ReferencePage_WhenAnEventChanges_IsWrittenAgain()
    {
        var file = Path.Combine(Repository.Root, Page);
        var known = File.Exists(file) ? Lines(File.ReadAllText(file)) : [];
        foreach (var one in Events())
        {
            var number = s_numbers[one.Name];
            Assert.True(
                !known.TryGetValue(number, out var old) || old.Name == one.Name,
                $"{one.Name} has the number {number}, which {Page} gives to {known.GetValueOrDefault(number).Name}. A number keeps its meaning: take one that was never used.");
        }

        var expected = Write(known);
        if (Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(file, expected);
        }

        Assert.True(File.Exists(file) && File.ReadAllText(file) == expected, $"{Page} is not what the sources say. Run FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferencePage and look at the difference: whoever alerts on these events sees it too.");
    }

    private static string Write(Dictionary<int, (string Name, string Level, string Message)> known)
    {
        var all = known.ToDictionary(static one => one.Key, static one => one.Value with { Level = "", Message = Gone });
        foreach (var one in Events())
        {
            all[s_numbers[one.Name]] = one;
        }

        var page = new StringBuilder("# Log events\n\nWritten from the sources by `FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferencePage`. Numbers and names do not change their meaning (docs/telemetry.md).\n\n| eventId | event | level | message |\n|---|---|---|---|\n");
        foreach (var (number, (name, level, message)) in all.OrderBy(static one => one.Key))
        {
            page.Append(CultureInfo.InvariantCulture, $"| {number} | {name} | {level} | {message.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }

        return page.ToString();
    }

    private static Dictionary<int, (string Name, string Level, string Message)> Lines(string page) => Line().Matches(page).ToDictionary(
        static match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture),
        static match => (match.Groups[2].Value, match.Groups[3].Value, match.Groups[4].Value.Replace("\\|", "|", StringComparison.Ordinal)));

    private static IEnumerable<SourceFile> Sources() => Repository.Files.Where(static file => file.IsCSharp && file.Path.StartsWith("src/", StringComparison.Ordinal));

    private static IEnumerable<(string Name, string Level, string Message)> Events() =>
        from file in Sources()
        from match in LoggerMessage().Matches(file.Text)
        let parts = Literal().Matches(match.Groups["text"].Value).Select(static literal => literal.Groups[1].Value.Replace("\\\"", "\"", StringComparison.Ordinal))
        select (match.Groups["name"].Value, match.Groups["level"].Success ? Word(match.Groups["level"].Value) : "varies", string.Concat(parts));

    private static string Word(string level) => level == "Information" ? "info" : level.ToLowerInvariant();

    [GeneratedRegex(@"\[LoggerMessage\(")]
    private static partial Regex Attribute();

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:EventId = )?(?:Diagnostics\.)?EventIds\.(?<name>\w+),\s*(?:(?:Level = )?LogLevel\.(?<level>\w+),\s*)?(?:Message = )?(?<text>(?:""(?:[^""\\]|\\.)*""|\s|\+)+)\)\]")]
    private static partial Regex LoggerMessage();

    [GeneratedRegex(@"""((?:[^""\\]|\\.)*)""")]
    private static partial Regex Literal();

    [GeneratedRegex(@"^\| (\d+) \| (\w+) \| ?(\w*) ?\| (.*) \|$", RegexOptions.Multiline)]
    private static partial Regex Line();
}
