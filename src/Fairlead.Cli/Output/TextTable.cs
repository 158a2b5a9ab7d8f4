namespace Fairlead.Cli.Output;

/// <summary>A table without borders. Columns are as wide as their widest text; the last one gets what the terminal has left, and is cut there.</summary>
internal sealed class TextTable(params string[] headers)
{
    private const int Gap = 2;
    private const int LastColumnMin = 16;

    private readonly List<string[]> _rows = [];

    /// <summary>Columns of numbers, which end below each other; not the last one.</summary>
    public IReadOnlyCollection<int> NumberColumns { get; init; } = [];

    /// <summary>Adds a row; texts may come from servers and are cleaned here.</summary>
    public void Add(params string[] cells) => _rows.Add([.. cells.Select(CellText.OneLine)]);

    /// <summary>The lines, header first, without blanks at their ends.</summary>
    /// <param name="width">Columns of the terminal; <see cref="int.MaxValue"/> = nothing is cut.</param>
    /// <param name="paint">Colours a cell that has been padded: row (cells as given), column, text. Null = no colours.</param>
    public IEnumerable<string> Lines(int width, Func<string[], int, string, string>? paint = null)
    {
        var last = headers.Length - 1;
        var widths = new int[headers.Length];
        for (var column = 0; column < last; column++)
        {
            widths[column] = _rows.Select(row => CellText.Width(row[column])).Append(headers[column].Length).Max();
        }

        var left = width == int.MaxValue ? int.MaxValue : width - 1 - widths.Sum() - (Gap * last);
        yield return Compose(headers, widths, left, null);
        foreach (var row in _rows)
        {
            yield return Compose(row, widths, left, paint);
        }
    }

    private string Compose(string[] row, int[] widths, int left, Func<string[], int, string, string>? paint)
    {
        var last = row.Length - 1;
        var cells = row.Select((text, column) =>
        {
            // Less than this says nothing any more: the line may wrap then.
            var shown = column == last ? CellText.Cut(text, Math.Max(left, LastColumnMin))
                : NumberColumns.Contains(column) ? text.PadLeft(widths[column] + text.Length - CellText.Width(text)) : CellText.Pad(text, widths[column]);
            return paint is null ? shown : paint(row, column, shown);
        });
        return string.Join(new string(' ', Gap), cells).TrimEnd();
    }
}
