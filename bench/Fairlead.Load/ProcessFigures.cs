using System.Globalization;

namespace Fairlead.Load;

/// <summary>What Linux says of a process in /proc.</summary>
internal static class ProcessFigures
{
    /// <summary>Linux has counted CPU time for user space in hundredths of a second on every architecture since 2.6 (USER_HZ).</summary>
    private const double TicksPerSecond = 100;

    /// <summary>User and system time of the process since it started, all threads; resolution 10 ms.</summary>
    public static double CpuSeconds(int pid)
    {
        var fields = StatFields(pid);
        return (Ticks(fields[11]) + Ticks(fields[12])) / TicksPerSecond;
    }

    /// <summary>The same for the ended and awaited children of this very process: what the load generator cost.</summary>
    public static double CpuSecondsOfEndedChildren()
    {
        var fields = StatFields(Environment.ProcessId);
        return (Ticks(fields[13]) + Ticks(fields[14])) / TicksPerSecond;
    }

    /// <summary>Memory that only this process holds: the sum of the Private_* rows of smaps_rollup.</summary>
    public static long PrivateBytes(int pid) => SumOfRows(pid, "Private_");

    /// <summary>Resident memory, shared pages included.</summary>
    public static long ResidentBytes(int pid) => SumOfRows(pid, "Rss:");

    /// <summary>All processes whose environment carries <paramref name="mark"/> (NAME=value), also those that left their parent.</summary>
    public static IReadOnlyList<int> WithEnvironment(string mark)
    {
        var found = new List<int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid) && pid != Environment.ProcessId && HasEnvironment(pid, mark))
            {
                found.Add(pid);
            }
        }

        return found;
    }

    /// <summary>All processes that the process has started and that still have it as an ancestor. Some programs hide their environment, so a mark does not find their children.</summary>
    public static IReadOnlyList<int> Descendants(int pid)
    {
        var children = new Dictionary<int, List<int>>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var child) && ParentOf(child) is { } parent)
            {
                (children.TryGetValue(parent, out var siblings) ? siblings : children[parent] = []).Add(child);
            }
        }

        var found = new List<int>();
        for (var next = new Stack<int>([pid]); next.TryPop(out var one);)
        {
            foreach (var child in children.GetValueOrDefault(one, []))
            {
                found.Add(child);
                next.Push(child);
            }
        }

        return found;
    }

    private static int? ParentOf(int pid)
    {
        try
        {
            return int.Parse(StatFields(pid)[1], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // It ended in between.
        }
    }

    private static bool HasEnvironment(int pid, string mark)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/environ").Split('\0').Contains(mark, StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // It ended in between, or belongs to somebody else.
        }
    }

    /// <summary>The fields of /proc/PID/stat after the command name, which may itself hold spaces: [0] is the state, [11] utime.</summary>
    private static string[] StatFields(int pid)
    {
        var text = File.ReadAllText($"/proc/{pid}/stat");
        return text[(text.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static double Ticks(string field) => double.Parse(field, CultureInfo.InvariantCulture);

    private static long SumOfRows(int pid, string prefix) =>
        File.ReadLines($"/proc/{pid}/smaps_rollup")
            .Where(line => line.StartsWith(prefix, StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024);
}
