using Fairlead.Cli.Output;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>What is printed: widths, hostile text, live lines.</summary>
public sealed class TerminalTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("\x1b]0;title\x07 red \x1b[31m", "^[]0;title^G red ^[[31m")]
    [InlineData("a\u202Eb\u200Bc", "a\uFFFDb\uFFFDc")]
    [InlineData("two\nlines\tstay", "two\nlines\tstay")]
    public void Clean_WhenTextWouldSteerTheTerminal_ShowsItInstead(string text, string clean) => Assert.Equal(clean, CellText.Clean(text));

    [Theory]
    [InlineData("abc", 3)]
    [InlineData("日本語", 6)]
    [InlineData("e\u0301", 1)]
    [InlineData("🚢", 2)]
    public void Width_WhenCharactersAreNotAllOneColumn_CountsColumns(string text, int columns) => Assert.Equal(columns, CellText.Width(text));

    [Theory]
    [InlineData("abcdefghij", 10, "abcdefghij")]
    [InlineData("abcdefghij", 9, "abcdef...")]
    [InlineData("日本語日本語", 8, "日本...")]
    public void Cut_WhenTooWide_EndsWithDots(string text, int columns, string cut) => Assert.Equal(cut, CellText.Cut(text, columns));

    [Fact]
    public void Table_WhenTheTerminalIsNarrow_CutsTheLastColumnAlone()
    {
        var table = new TextTable("SERVER", "TOOL", "DESCRIPTION");
        table.Add("everything", "get-resource-reference", "Returns a resource reference that can be used by MCP clients, and more words than fit");
        var lines = table.Lines(80).ToArray();
        Assert.All(lines, static line => Assert.InRange(line.Length, 1, 79));
        Assert.StartsWith("everything  get-resource-reference  Returns a resource", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("...", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("more words than fit", table.Lines(int.MaxValue).Last(), StringComparison.Ordinal);
    }

    [Fact]
    public void Live_WhenALineIsPrinted_KeepsTheBlockBelowIt()
    {
        var (terminal, output) = Make(isTerminal: true);
        terminal.Live(["one", "two"]);
        terminal.Line("done");
        terminal.Live([]);
        Assert.Equal("one\ntwo\n\x1b[2A\r\x1b[Jdone\none\ntwo\n\x1b[2A\r\x1b[J", output.ToString());
    }

    [Fact]
    public void Live_WhenThereIsNoTerminal_PrintsNothing()
    {
        var (terminal, output) = Make(isTerminal: false);
        terminal.Live(["one"]);
        terminal.Line(terminal.Paint(Colour.Red, "done"));
        Assert.Equal("done\n", output.ToString());
    }

    private static (Terminal Terminal, StringWriter Output) Make(bool isTerminal)
    {
        var output = new StringWriter { NewLine = "\n" };
        return (new Terminal(output, TextWriter.Null, isTerminal, isTerminal, static () => (80, 24)), output);
    }
}
