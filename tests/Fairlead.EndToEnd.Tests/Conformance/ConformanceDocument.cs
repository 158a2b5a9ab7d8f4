using System.Globalization;
using System.Text;

namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>
/// The table of results in <c>docs/conformance.md</c>. Each row belongs to one test; a run with <c>FAIRLEAD_UPDATE_DOCS=1</c> writes it, any other
/// run fails when the page says something else than was measured.
/// </summary>
internal static class ConformanceDocument
{
    private static readonly string s_path = RepositoryPaths.Source("docs/conformance.md");

    /// <summary>Compares or writes the row of a server run.</summary>
    public static void RecordServerRun(string road, ConformanceReport report)
    {
        var required = report.Required.ToList();
        var passed = required.Count(scenario => scenario.Passed);
        var checks = required.SelectMany(scenario => scenario.Checks)
            .Where(check => check.Status is "SUCCESS" or "FAILURE" or "WARNING" && !ConformanceComparison.MayDiffer(check.Id))
            .ToList();
        var good = checks.Count(check => check.Status == "SUCCESS");
        Record(string.Create(CultureInfo.InvariantCulture, $"| {report.Revision} | {road} | {passed} of {required.Count} | {good} of {checks.Count} |"));
    }

    /// <summary>Compares or writes the row of a client scenario.</summary>
    public static void RecordClientScenario(string revision, string scenario, bool passed) =>
        Record($"| {revision} | {scenario} | {(passed ? "passed" : "failed")} |");

    // The first two cells are the key of a row.
    private static void Record(string row)
    {
        var key = Key(row);
        var lines = File.ReadAllLines(s_path);
        var at = Array.FindIndex(lines, line => line.StartsWith('|') && Key(line) == key);
        if (at < 0)
        {
            Assert.Fail($"docs/conformance.md has no row that begins with '{key}'; add one: {row}");
        }

        if (Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_DOCS") == "1")
        {
            lines[at] = row;
            File.WriteAllText(s_path, string.Join('\n', lines) + "\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            return;
        }

        const string Fix = "Run the tests with FAIRLEAD_UPDATE_DOCS=1 to write it down.";
        Assert.True(lines[at] == row, $"docs/conformance.md says\n{lines[at]}\nbut measured was\n{row}\n{Fix}");
    }

    private static string Key(string row) => string.Join('|', row.Split('|').Take(3));
}
