using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Fairlead.TestKit;

/// <summary>One living process as /proc shows it. Zombies are not listed: they hold nothing but their id.</summary>
/// <param name="Id">Process id.</param>
/// <param name="Group">Id of its process group.</param>
/// <param name="Session">Id of its session.</param>
/// <param name="Parent">Id of its parent.</param>
/// <param name="CommandLine">Its arguments, joined by blanks.</param>
public sealed record ProcessEntry(int Id, int Group, int Session, int Parent, string CommandLine);

/// <summary>
/// The system's processes (Linux), read afresh at each call. The only place where a test may poll: the system tells nobody when a process ends that is not
/// one's child.
/// </summary>
public static class ProcessTable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);

    /// <summary>The process with this id; null when there is none or only its zombie.</summary>
    public static ProcessEntry? Find(int id)
    {
        try
        {
            var directory = $"/proc/{id.ToString(CultureInfo.InvariantCulture)}";
            var stat = File.ReadAllText(directory + "/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            var command = File.ReadAllText(directory + "/cmdline").TrimEnd('\0').Replace('\0', ' ');
            return fields[0] is "Z" or "X"
                ? null
                : new ProcessEntry(id, int.Parse(fields[2], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture), int.Parse(fields[1], CultureInfo.InvariantCulture), command);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Living processes whose environment has a variable that begins with <paramref name="marker"/>.</summary>
    /// <param name="marker">Such as <c>FAIRLEAD_INSTANCE=0123</c>.</param>
    public static IReadOnlyList<ProcessEntry> Marked(string marker) =>
    [
        .. Ids().Where(id => EnvironmentOf(id).Any(variable => variable.StartsWith(marker, StringComparison.Ordinal))).Select(Find).OfType<ProcessEntry>(),
    ];

    /// <summary>All living processes.</summary>
    public static IReadOnlyList<ProcessEntry> All() => [.. Ids().Select(Find).OfType<ProcessEntry>()];

    /// <summary>The variables a process was started with, as <c>NAME=value</c>; empty when it is gone or not ours to see.</summary>
    public static IReadOnlyList<string> EnvironmentOf(int id)
    {
        try
        {
            var bytes = File.ReadAllBytes($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/environ");
            return Encoding.UTF8.GetString(bytes).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>What a process's descriptors point to, such as <c>pipe:[123]</c>, by number.</summary>
    public static IReadOnlyDictionary<int, string> DescriptorsOf(int id) =>
        Directory.EnumerateFileSystemEntries($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/fd").ToDictionary(
            static path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture),
            static path => new FileInfo(path).LinkTarget ?? "");

    /// <summary>Completes when no living process carries the marker any more.</summary>
    /// <exception cref="TimeoutException">The guard ran out; the message lists what remained.</exception>
    public static Task WhenNoneMarkedAsync(string marker) => WhenGoneAsync(() => Marked(marker), $"the end of all processes marked {marker}");

    /// <summary>Completes when none of the processes lives any more.</summary>
    /// <exception cref="TimeoutException">The guard ran out; the message lists what remained.</exception>
    public static Task WhenGoneAsync(params int[] ids) =>
        WhenGoneAsync(() => [.. ids.Select(Find).OfType<ProcessEntry>()], $"the end of the processes {string.Join(", ", ids)}");

    /// <summary>Completes when the process stands in the given directory.</summary>
    /// <exception cref="TimeoutException">The guard ran out; the message says where it stands.</exception>
    public static Task WhenInDirectoryAsync(int id, string directory) => WhenAsync(
        () => new FileInfo($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/cwd").LinkTarget is var target && target == directory ? null : $"it stands in '{target}'",
        $"process {id} to enter '{directory}'");

    /// <summary>Completes when the process is in the given state, such as <c>T</c> (stopped).</summary>
    /// <exception cref="TimeoutException">The guard ran out; the message says in which state it is.</exception>
    public static Task WhenInStateAsync(int id, char state) => WhenAsync(() => StateOf(id) is var now && now == state ? null : $"it is in state '{now}'", $"process {id} to be in state '{state}'");

    /// <summary>The state of a process as one letter; a blank when there is none.</summary>
    public static char StateOf(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return ' ';
        }
    }

    /// <summary>The niceness of a process, -20 to 19.</summary>
    public static int NicenessOf(int id)
    {
        var stat = File.ReadAllText($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
    }

    /// <summary>Sends a signal to one process; one that is gone already is no error.</summary>
    public static void Signal(int id, int signal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(id, 2);
        _ = kill(id, signal);
    }

    /// <summary>Completes when a look at the system finds nothing in the way any more.</summary>
    /// <param name="obstacle">Null when the wait is over; otherwise what is still in the way.</param>
    /// <param name="what">What is awaited.</param>
    /// <exception cref="TimeoutException">The guard ran out; the message says what was in the way.</exception>
    public static Task WhenClearAsync(Func<string?> obstacle, string what) => WhenAsync(obstacle, what);

    private static Task WhenGoneAsync(Func<IReadOnlyList<ProcessEntry>> look, string what) => WhenAsync(
        () => look() is { Count: > 0 } remaining ? $"these remain: {string.Join("; ", remaining)}" : null, what);

    /// <param name="obstacle">Null when the wait is over; otherwise what is still in the way.</param>
    /// <param name="what">What is awaited.</param>
    private static async Task WhenAsync(Func<string?> obstacle, string what)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (obstacle() is { } inTheWay)
        {
            if (TimeProvider.System.GetElapsedTime(since) > Guard.Limit)
            {
                throw new TimeoutException($"Still waiting for {what}; {inTheWay}.");
            }

            await Task.Delay(s_poll, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static IEnumerable<int> Ids()
    {
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                yield return id;
            }
        }
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int signal);
}
