using System.Globalization;

namespace Fairlead.EndToEnd.Tests.LargeResults;

/// <summary>How much more resident memory a process has needed since a moment. Linux keeps the peak itself, so nothing can pass between two looks.</summary>
internal sealed class PeakMemory
{
    private readonly int _id;
    private readonly long _beforeKiB;

    private PeakMemory(int id)
    {
        _id = id;

        // proc(5): 5 sets the peak to what is resident now.
        File.WriteAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/clear_refs"), "5");
        _beforeKiB = ReadKiB("VmRSS:");
    }

    /// <summary>The peak since <see cref="Begin"/> less what there was then, MiB.</summary>
    public double MoreMiB => Math.Max(0, ReadKiB("VmHWM:") - _beforeKiB) / 1024.0;

    /// <summary>From now on.</summary>
    public static PeakMemory Begin(int id) => new(id);

    private long ReadKiB(string row) => long.Parse(
        File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{_id}/status")).First(line => line.StartsWith(row, StringComparison.Ordinal))[row.Length..].Replace("kB", "", StringComparison.Ordinal),
        CultureInfo.InvariantCulture);
}
