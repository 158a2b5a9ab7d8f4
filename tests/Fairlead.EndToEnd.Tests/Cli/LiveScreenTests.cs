using Fairlead.Cli.Output;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Views that fill the window.</summary>
public sealed class LiveScreenTests : IDisposable
{
    private readonly StringWriter _output = new() { NewLine = "\n" };
    private (int Width, int Height) _size = (20, 3);

    private Terminal Terminal => new(_output, TextWriter.Null, isTerminal: true, hasColour: true, () => _size);

    public void Dispose() => _output.Dispose();

    [Fact]
    public void Show_WhenMoreLinesThanFit_SaysHowManyAndGivesEverythingBackAtTheEnd()
    {
        using (var screen = new LiveScreen(Terminal))
        {
            screen.Show(["one", "a line that is much too wide for this", "three", "four"]);
        }

        const string Frame = "one\x1b[K\na line that is m...\x1b[K\n... and 2 more;...\x1b[K\x1b[J";
        Assert.Equal("\x1b[?1049h\x1b[?25l\x1b[H" + Frame + "\x1b[?25h\x1b[?1049l" + "one\na line that is m...\n... and 2 more;...\n", _output.ToString());
    }

    [Fact]
    public void Fit_WhenTheWindowHasAnotherSize_DrawsAnewAndElseDoesNot()
    {
        using var screen = new LiveScreen(Terminal);
        screen.Show(["one", "two", "three", "four"]);
        var before = _output.ToString().Length;
        screen.Fit();
        screen.Show(["one", "two", "three", "four"]);
        Assert.Equal(before, _output.ToString().Length);

        _size = (20, 4);
        screen.Fit();
        Assert.Equal("\x1b[Hone\x1b[K\ntwo\x1b[K\nthree\x1b[K\nfour\x1b[K\x1b[J", _output.ToString()[before..]);
    }

    [Fact]
    public void Dispose_WhenItIsOver_NothingIsDrawnAnyMore()
    {
        var screen = new LiveScreen(Terminal);
        screen.Dispose();
        var after = _output.ToString();
        screen.Show(["late"]);
        screen.Dispose();
        Assert.Equal(after, _output.ToString());
    }

    [Theory]
    [InlineData("\x1b[32mHealthy\x1b[0m  abc", 12, "\x1b[32mHealthy\x1b[0m  abc")]
    [InlineData("\x1b[32mHealthy\x1b[0m  abcdef", 12, "\x1b[32mHealthy\x1b[0m...\x1b[0m")]
    [InlineData("ab \x1b[31mCrashLoop\x1b[0m", 8, "ab \x1b[31mCr...\x1b[0m")]
    [InlineData("plain and long", 8, "plain...")]
    public void CutPainted_WhenALineHasColours_CountsWhatIsSeen(string line, int columns, string cut) => Assert.Equal(cut, CellText.CutPainted(line, columns));
}
