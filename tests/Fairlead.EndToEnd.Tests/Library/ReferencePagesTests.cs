using System.Text.RegularExpressions;
using Fairlead.Cli;

namespace Fairlead.EndToEnd.Tests.Library;

/// <summary>The reference pages of commands and errors say what the program does.</summary>
public sealed partial class ReferencePagesTests
{
    [Fact]
    public void Commands_WhenTheyChange_AreWrittenAgain() => Compare("docs/reference/cli.md", CliReferencePage.Write());

    [Fact]
    public async Task Errors_WhenTheyChange_AreWrittenAgain() => Compare("docs/reference/errors.md", await ErrorReferencePage.WriteAsync());

    [Fact]
    public void Examples_WhenParsed_AreRight()
    {
        Assert.True(CliReferencePage.Examples.Count > 20, $"only {CliReferencePage.Examples.Count} examples");

        // A hash is shortened by dots, as it would be in a text.
        Assert.All(CliReferencePage.Examples.Where(static example => !example.Contains("...", StringComparison.Ordinal)), static example =>
        {
            // As a shell would split it: a line such as "cat x | fairlead deploy -" counts from the program's name on.
            var typed = Word().Matches(example[example.IndexOf("fairlead", StringComparison.Ordinal)..]).Select(static word => word.Groups["text"].Value);
            var parsed = Program.Root().Parse([.. typed.Skip(1)]);
            Assert.True(parsed.Errors.Count == 0, $"{example}: {string.Join(' ', parsed.Errors.Select(static error => error.Message))}");
        });
    }

    private static void Compare(string path, string expected)
    {
        var file = RepositoryPaths.Source(path);
        if (Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(file, expected);
        }

        var actual = File.Exists(file) ? File.ReadAllText(file) : "";
        Assert.True(expected == actual, $"{path} is not what the program says. Run FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferencePages and commit the file.");
    }

    [GeneratedRegex("""'(?<text>[^']*)'|"(?<text>[^"]*)"|(?<text>\S+)""")]
    private static partial Regex Word();
}
