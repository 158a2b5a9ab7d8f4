using Fairlead.Cli;
using Fairlead.Cli.Commands;
using Fairlead.Cli.Output;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Completion of words in shells.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("fairlead co", "completion config connect")]
    [InlineData("./fairlead   import --on-conflict ", "keep rename replace")]
    [InlineData("fairlead connect cu", "cursor")]
    [InlineData("fairlead config v", "validate")]
    [InlineData("fairlead completion p", "powershell")]
    [InlineData("fairlead", "")]
    public void Suggestions_WhenALineHasBegun_AreWhatFits(string line, string expected) => Assert.Equal(expected, string.Join(' ', CompletionCommand.Suggestions(Program.Root(), line, line.Length)));

    [Fact]
    public void Suggestions_WhenTheCursorStandsInside_LookAtWhatIsBeforeIt() =>
        Assert.Equal(["connect"], CompletionCommand.Suggestions(Program.Root(), "fairlead conn cursor --yes", "fairlead conn".Length));

    [Fact]
    public async Task Suggestions_WhenAServerIsMeant_AreThoseOfTheConfiguration()
    {
        using var folder = new TempFolder();
        var file = folder.Write("c.json", """{"servers":{"alpha":{"command":"true"},"beta":{"command":"true"}}}""");
        await using var run = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "completion", "suggest", "fairlead logs b"], new Dictionary<string, string> { ["FAIRLEAD_CONFIG"] = file });
        await run.LineAsync(static line => line == "beta", "the server that fits");
        await TestKit.Guard.WithinAsync(run.Exit, "the end");
        Assert.Equal("beta", run.Output.Trim());
    }

    [Fact]
    public async Task Bash_WhenTheScriptIsSourced_CompletesByAskingTheProgram()
    {
        using var folder = new TempFolder();
        var script = folder.Write("completion.bash", CompletionScripts.For("bash"));
        var test = folder.Write("test.bash", $$"""
            source {{script}}
            fairlead() { dotnet {{RepositoryPaths.Cli}} "$@"; }
            COMP_LINE='fairlead connect cl' COMP_POINT=19 COMP_WORDS=(fairlead connect cl) COMP_CWORD=2
            _fairlead
            echo "found: ${COMPREPLY[*]}"
            """);
        await using var bash = ChildProcess.Start("bash", [test]);
        await bash.LineAsync(static line => line == "found: claude-code claude-desktop", "the words");
    }

    [Fact]
    public async Task Script_WhenAShellIsNamed_IsPrintedAndAnotherIsRefused()
    {
        foreach (var shell in CompletionScripts.Shells)
        {
            Assert.Contains("completion suggest", CompletionScripts.For(shell), StringComparison.Ordinal);
        }

        Assert.Contains("Register-ArgumentCompleter", (await CliRun.OfAsync("completion", "powershell")).Ended(0).Output, StringComparison.Ordinal);
        (await CliRun.OfAsync("completion", "tcsh")).Ended(2);
    }
}
