using Fairlead.Processes;

namespace Fairlead.Tests.Processes;

public sealed class WindowsCommandLineTests
{
    [Theory]
    [InlineData(@"C:\npx.CMD", true)]
    [InlineData(@"C:\run.bat", true)]
    [InlineData(@"C:\node.exe", false)]
    [InlineData(@"C:\cmd", false)]
    public void IsBatch_ByExtension_AnyCase(string path, bool expected) => Assert.Equal(expected, WindowsCommandLine.IsBatch(path));

    [Theory]
    [InlineData(new string[0], "/d /s /c \"C:\\npx.cmd\"")]
    [InlineData(new[] { "-y", "@scope/server", "C:\\data" }, "/d /s /c \"C:\\npx.cmd -y @scope/server C:\\data\"")]
    [InlineData(new[] { "two words" }, "/d /s /c \"C:\\npx.cmd \"two words\"\"")]
    [InlineData(new[] { "" }, "/d /s /c \"C:\\npx.cmd \"\"\"")]
    [InlineData(new[] { "a,b;c=d(e)" }, "/d /s /c \"C:\\npx.cmd \"a,b;c=d(e)\"\"")]
    [InlineData(new[] { "C:\\my dir\\" }, "/d /s /c \"C:\\npx.cmd \"C:\\my dir\\\\\"\"")]
    public void ForBatch_WithHarmlessArguments_QuotesWhatIsNotPlain(string[] arguments, string expected) =>
        Assert.Equal(expected, WindowsCommandLine.ForBatch(@"C:\npx.cmd", arguments));

    [Fact]
    public void ForBatch_WhenPathHasBlanks_QuotesIt() =>
        Assert.Equal("/d /s /c \"\"C:\\Program Files\\nodejs\\npx.cmd\" -y\"", WindowsCommandLine.ForBatch(@"C:\Program Files\nodejs\npx.cmd", ["-y"]));

    [Theory]
    [InlineData("%PATH%")]
    [InlineData("hi!")]
    [InlineData("a^b")]
    [InlineData("a&calc.exe")]
    [InlineData("a|b")]
    [InlineData("<in")]
    [InlineData(">out")]
    [InlineData("say \"hi\"")]
    [InlineData("two\nlines")]
    [InlineData("two\rlines")]
    [InlineData("nul\0")]
    public void ForBatch_WhenCmdWouldInterpret_RefusesAndSaysWhichArgument(string argument)
    {
        var refusal = Assert.Throws<ChildStartException>(() => WindowsCommandLine.ForBatch(@"C:\npx.cmd", ["-y", argument]));

        Assert.Contains("Argument 2 of 'C:\\npx.cmd'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("npx-cli.js", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<ChildStartException>(() => WindowsCommandLine.ForBatch(argument, []));
    }
}
