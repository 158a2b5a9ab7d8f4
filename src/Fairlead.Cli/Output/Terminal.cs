namespace Fairlead.Cli.Output;

/// <summary>The colours that states are shown in.</summary>
internal enum Colour
{
    /// <summary>Serving.</summary>
    Green = 32,

    /// <summary>On its way, or with a flaw.</summary>
    Yellow = 33,

    /// <summary>Not serving.</summary>
    Red = 31,

    /// <summary>Off by will.</summary>
    Grey = 90,

    /// <summary>What a person looks for.</summary>
    Bold = 1,
}

/// <summary>Everything that the program prints goes through here: whole lines to stdout and stderr, and on a terminal a block of live lines below them that is drawn anew in place.</summary>
/// <remarks>Any thread. A terminal or pipe that is gone is no error: the output is lost, the servers go on.</remarks>
internal sealed class Terminal
{
    private const int WidthWithoutTerminal = int.MaxValue;
    private const int HeightWithoutTerminal = 24;

    private static readonly string[] s_localeVariables = ["LC_ALL", "LC_CTYPE", "LANG"];

    private readonly Lock _gate = new();
    private readonly TextWriter _out;
    private readonly TextWriter _error;
    private readonly Func<(int Width, int Height)> _size;
    private string[] _live = [];

    /// <summary>Writes to these.</summary>
    /// <param name="output">stdout.</param>
    /// <param name="error">stderr.</param>
    /// <param name="isTerminal">Whether stdout is a terminal whose cursor can be moved.</param>
    /// <param name="hasColour">Whether colours are wanted there.</param>
    /// <param name="size">Columns and lines of the moment.</param>
    public Terminal(TextWriter output, TextWriter error, bool isTerminal, bool hasColour, Func<(int Width, int Height)> size)
    {
        _out = output;
        _error = error;
        IsTerminal = isTerminal;
        HasColour = hasColour;
        _size = size;
    }

    /// <summary>That of this process. Colours follow NO_COLOR and TERM=dumb.</summary>
    public static Terminal Current { get; } = ForProcess();

    /// <summary>Whether stdout is a terminal, so that lines are fitted to its width and can be live.</summary>
    public bool IsTerminal { get; }

    /// <summary>Whether <see cref="Paint"/> paints.</summary>
    public bool HasColour { get; }

    /// <summary>Whether characters beyond ASCII are shown, such as the blocks of a sparkline.</summary>
    public bool HasUnicode { get; init; }

    /// <summary>Columns; without a terminal no limit.</summary>
    public int Width => IsTerminal ? Math.Max(20, _size().Width) : WidthWithoutTerminal;

    /// <summary>Lines of the window; without a terminal a usual number.</summary>
    public int Height => Math.Max(2, IsTerminal ? _size().Height : HeightWithoutTerminal);

    /// <summary>Lines that can be live at once.</summary>
    public int LiveLinesMax => Math.Max(1, (IsTerminal ? _size().Height : HeightWithoutTerminal) - 4);

    /// <summary>The text in a colour, where there are colours.</summary>
    public string Paint(Colour colour, string text) => HasColour ? $"\x1b[{(int)colour}m{text}\x1b[0m" : text;

    /// <summary>One line, or several, to stdout.</summary>
    public void Line(string text) => Write(_out, text);

    /// <summary>One line, or several, to stderr.</summary>
    public void Error(string text) => Write(_error, text);

    /// <summary>Writes to stdout as it stands, control sequences included, apart from everything else that is written. Must hold nothing from outside that was not cleaned.</summary>
    public void Raw(string text)
    {
        lock (_gate)
        {
            Attempt(_out, text);
        }
    }

    /// <summary>Replaces the live block. Does nothing without a terminal.</summary>
    /// <param name="lines">Plain lines; those that are too wide are cut. Empty = no block.</param>
    public void Live(IReadOnlyList<string> lines)
    {
        if (!IsTerminal)
        {
            return;
        }

        lock (_gate)
        {
            var width = Width - 1;
            string[] next = [.. lines.Select(line => CellText.Cut(line, width))];
            if (!next.AsSpan().SequenceEqual(_live))
            {
                EraseLive_NeedsLock();
                _live = next;
                DrawLive_NeedsLock();
            }
        }
    }

    private static Terminal ForProcess()
    {
        var isTerminal = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not "dumb";
        var noColour = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };
        return new Terminal(Console.Out, Console.Error, isTerminal, isTerminal && !noColour, static () => (Console.WindowWidth, Console.WindowHeight)) { HasUnicode = isTerminal && HasUnicodeLocale() };
    }

    /// <summary>What the system says of its terminals: the first variable that is set counts (POSIX, Internationalization Variables).</summary>
    private static bool HasUnicodeLocale()
    {
        if (OperatingSystem.IsWindows())
        {
            return Console.OutputEncoding.CodePage == 65001;
        }

        var locale = s_localeVariables.Select(Environment.GetEnvironmentVariable).FirstOrDefault(static value => !string.IsNullOrEmpty(value)) ?? "";
        return locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("utf8", StringComparison.OrdinalIgnoreCase);
    }

    private void Write(TextWriter writer, string text)
    {
        lock (_gate)
        {
            EraseLive_NeedsLock();
            Attempt(writer, text + "\n");
            DrawLive_NeedsLock();
        }
    }

    private void EraseLive_NeedsLock()
    {
        if (_live.Length != 0)
        {
            // Up to the first line of the block, then clear to the end of the screen.
            Attempt(_out, $"\x1b[{_live.Length}A\r\x1b[J");
        }
    }

    private void DrawLive_NeedsLock()
    {
        if (_live.Length != 0)
        {
            Attempt(_out, string.Join('\n', _live) + "\n");
        }
    }

    private static void Attempt(TextWriter writer, string text)
    {
        try
        {
            writer.Write(text);
            writer.Flush();
        }
        catch (IOException)
        {
            // The terminal was closed (SIGHUP follows) or the reader of the pipe has gone.
            return;
        }
    }
}
