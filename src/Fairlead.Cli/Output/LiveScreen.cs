using System.Runtime.InteropServices;

namespace Fairlead.Cli.Output;

/// <summary>A view that fills the window and is drawn anew in place. It stands on the terminal's second screen, so that what was printed before comes back at the end, with the last view below it.</summary>
/// <remarks>Owns the screen from the constructor to <see cref="Dispose"/>, which must be reached at every end of the process. Any thread. Nothing else may be printed meanwhile.</remarks>
internal sealed class LiveScreen : IDisposable
{
    private const string Enter = "\x1b[?1049h\x1b[?25l";
    private const string Leave = "\x1b[?25h\x1b[?1049l";
    private const string Home = "\x1b[H";
    private const string ClearLine = "\x1b[K";
    private const string ClearBelow = "\x1b[J";

    private readonly Lock _gate = new();
    private readonly Terminal _terminal;
    private readonly PosixSignalRegistration? _resized;
    private IReadOnlyList<string> _lines = [];
    private string _shown = "";
    private bool _isOver;

    /// <summary>Takes the screen.</summary>
    /// <param name="terminal">Must be a terminal.</param>
    public LiveScreen(Terminal terminal)
    {
        _terminal = terminal;
        terminal.Raw(Enter);

        // There is no such signal on Windows; the next view fits there.
        _resized = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Fit());
    }

    /// <summary>Shows lines instead of those before. What is too wide is cut; where there are more than fit, the last line says how many.</summary>
    /// <param name="lines">Clean lines, colours allowed.</param>
    public void Show(IReadOnlyList<string> lines)
    {
        lock (_gate)
        {
            _lines = lines;
            Draw_NeedsLock();
        }
    }

    /// <summary>Draws the view anew when the window has another size.</summary>
    public void Fit()
    {
        lock (_gate)
        {
            Draw_NeedsLock();
        }
    }

    /// <summary>Gives the screen back, the cursor with it, and prints the last view to stay.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return;
            }

            _isOver = true;
            _terminal.Raw(Leave);
            foreach (var line in Fitting_NeedsLock())
            {
                _terminal.Line(line);
            }
        }

        _resized?.Dispose();
    }

    private void Draw_NeedsLock()
    {
        var frame = Home + string.Join('\n', Fitting_NeedsLock().Select(static line => line + ClearLine)) + ClearBelow;
        if (!_isOver && frame != _shown)
        {
            _shown = frame;
            _terminal.Raw(frame);
        }
    }

    private List<string> Fitting_NeedsLock()
    {
        // One column less: a character in the last one lets some terminals begin the next line.
        var (width, height) = (_terminal.Width - 1, _terminal.Height);
        List<string> fitting = [.. _lines.Take(_lines.Count <= height ? height : height - 1).Select(line => CellText.CutPainted(line, width))];
        if (fitting.Count < _lines.Count)
        {
            fitting.Add(CellText.Cut($"... and {_lines.Count - fitting.Count} more; a higher window shows them", width));
        }

        return fitting;
    }
}
