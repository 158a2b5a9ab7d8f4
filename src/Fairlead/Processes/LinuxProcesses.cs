using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Fairlead.Processes;

/// <summary>
/// Linux: children start through <c>setsid</c>, which makes them leader of their own session without a fork, so that process id, group id and
/// session id are one number; /proc shows environments and states.
/// </summary>
internal sealed class LinuxProcesses : ProcessPlatform
{
    private static readonly string[] s_setsidPaths = ["/usr/bin/setsid", "/bin/setsid", "/usr/local/bin/setsid"];
    private const int StepBackAttemptsMax = 100;
    private static readonly TimeSpan s_stepBackPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_setsidPause = TimeSpan.FromMilliseconds(1);
    private readonly string? _setsid = Array.Find(s_setsidPaths, File.Exists);

    /// <inheritdoc/>
    public override void Configure(ProcessStartInfo info, string executable, IReadOnlyList<string> arguments)
    {
        info.FileName = _setsid ?? throw new ChildStartException(
            $"The program 'setsid' was not found (looked at {string.Join(", ", s_setsidPaths)}). It gives each server a session of its own. Install the package 'util-linux'.");
        info.ArgumentList.Add(executable);
        foreach (var argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// prlimit sets its own limits and becomes the program without a fork. Memory is limited by RLIMIT_DATA: RLIMIT_AS would count what the runtimes of
    /// Node and .NET reserve and never touch, hundreds of GiB, and RLIMIT_RSS does nothing on Linux.
    /// </remarks>
    public override (string Executable, IReadOnlyList<string> Arguments) Limit(string executable, ChildProcessOptions options)
    {
        List<string> command = [executable, .. options.Arguments];
        if (options is not { OpenFilesMax: null, MemoryMiBMax: null })
        {
            List<string> limits = [Need(options.Server, "prlimit", "util-linux")];
            if (options.OpenFilesMax is { } files)
            {
                limits.Add(string.Create(CultureInfo.InvariantCulture, $"--nofile={files}:{files}"));
            }

            if (options.MemoryMiBMax is { } mebibytes)
            {
                var bytes = mebibytes * 1024L * 1024;
                limits.Add(string.Create(CultureInfo.InvariantCulture, $"--data={bytes}:{bytes}"));
            }

            command = [.. limits, "--", .. command];
        }

        if (options.Nice is { } nice)
        {
            command = [Need(options.Server, "nice", "coreutils"), "-n", nice.ToString(CultureInfo.InvariantCulture), "--", .. command];
        }

        return (command[0], command[1..]);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// With autogroups (sched(7)) processor time is shared out by session, and each child has a session of its own: the niceness of its processes then counts among themselves only.
    /// The system takes one such change in a tenth of a second from all unprivileged users together, so it is tried again.
    /// </remarks>
    public override async Task StepBackAsync(int id, int nice, TimeProvider time, CancellationToken cancellationToken)
    {
        var name = id.ToString(CultureInfo.InvariantCulture);
        var value = Encoding.ASCII.GetBytes(nice.ToString(CultureInfo.InvariantCulture));
        var pause = s_setsidPause;
        for (var attempt = 0; attempt < StepBackAttemptsMax; attempt++)
        {
            if (ReadStat(id) is not { Length: > 3 } fields || fields[0] == "Z")
            {
                return;
            }

            // Until setsid has run it is still in our session, and what is written would hold for us. It runs within a few milliseconds, and its start is what a server takes most for.
            var isApart = fields[3] == name;
            if (isApart && TryWriteAutogroup(name, value))
            {
                return;
            }

            await Task.Delay(isApart ? s_stepBackPause : pause, time, cancellationToken).ConfigureAwait(false);
            pause = 2 * pause < s_stepBackPause ? 2 * pause : s_stepBackPause;
        }
    }

    private static bool TryWriteAutogroup(string id, byte[] value)
    {
        try
        {
            using var file = File.OpenHandle($"/proc/{id}/autogroup", FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            RandomAccess.Write(file, value, 0);
            return true;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            // A system without autogroups, or a process that is gone or has become somebody else's: there is nothing to set.
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string Need(string server, string program, string package)
    {
        string[] paths = [$"/usr/bin/{program}", $"/bin/{program}", $"/usr/local/bin/{program}"];
        return Array.Find(paths, File.Exists) ?? throw new ChildStartException(
            $"Server '{server}': the program '{program}' was not found (looked at {string.Join(", ", paths)}). It sets the limits of the server. Install the package '{package}', or remove \"limits\".");
    }

    /// <inheritdoc/>
    public override ProcessGroup Adopt(Process process) => new UnixProcessGroup(process, HasLivingMember);

    /// <inheritdoc/>
    public override ExecutableProbe Probe(string path) => UnixFiles.Probe(path);

    /// <inheritdoc/>
    public override void Kill(int id) => UnixProcessGroup.KillProcess(id);

    /// <inheritdoc/>
    public override IReadOnlyList<int> FindMarked(string marker)
    {
        var wanted = Encoding.UTF8.GetBytes(marker);
        var buffer = new byte[64 * 1024];
        var found = new List<int>();
        foreach (var id in ProcessIds())
        {
            if (id != Environment.ProcessId && ReadProc(id, "environ", ref buffer) is var length and > 0
                && HoldsVariable(buffer.AsSpan(0, length), wanted))
            {
                found.Add(id);
            }
        }

        return found;
    }

    /// <inheritdoc/>
    public override long StartTimeOf(int id) =>
        ReadStat(id) is { } fields && fields.Length > 19 && long.TryParse(fields[19], CultureInfo.InvariantCulture, out var ticks) ? ticks : 0;

    private static bool HoldsVariable(ReadOnlySpan<byte> environment, ReadOnlySpan<byte> wanted)
    {
        while (true)
        {
            if (environment.StartsWith(wanted))
            {
                return true;
            }

            var end = environment.IndexOf((byte)0);
            if (end < 0)
            {
                return false;
            }

            environment = environment[(end + 1)..];
        }
    }

    // A container whose first process does not collect its children keeps their zombies, and their group, for ever: those do not count.
    private static bool HasLivingMember(int group)
    {
        var name = group.ToString(CultureInfo.InvariantCulture);
        return ProcessIds().Any(id => ReadStat(id) is { Length: > 2 } fields && fields[2] == name && fields[0] is not ("Z" or "X"));
    }

    private static IEnumerable<int> ProcessIds()
    {
        // Without /proc (a bare chroot) nothing can be seen; groups are still signalled.
        foreach (var path in Directory.Exists("/proc") ? Directory.EnumerateDirectories("/proc") : [])
        {
            if (int.TryParse(path.AsSpan("/proc/".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                yield return id;
            }
        }
    }

    /// <summary>Fields of /proc/id/stat from the state on (0 = state, 1 = parent, 2 = group, 3 = session, 19 = start time); null when it is gone.</summary>
    private static string[]? ReadStat(int id)
    {
        var buffer = new byte[1024];
        var length = ReadProc(id, "stat", ref buffer);
        // The name in parentheses may hold blanks and parentheses itself, so the last one counts.
        var end = length > 0 ? buffer.AsSpan(0, length).LastIndexOf((byte)')') : -1;
        return end < 0 ? null : Encoding.ASCII.GetString(buffer.AsSpan(end + 2, length - end - 2)).Split(' ');
    }

    // Most of /proc belongs to others and answers "permission denied": System.IO would throw and catch for each, which costs a hundred times the call.
    private static int ReadProc(int id, string file, ref byte[] buffer)
    {
        var descriptor = open(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/{file}"), OpenReadOnlyCloseOnExec);
        if (descriptor < 0)
        {
            return 0;
        }

        try
        {
            var length = 0;
            while (true)
            {
                var got = (int)read(descriptor, ref buffer[length], (nuint)(buffer.Length - length));
                if (got <= 0)
                {
                    return length;
                }

                length += got;
                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, buffer.Length * 2);
                }
            }
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    private const int OpenReadOnlyCloseOnExec = 0x80000;

    [DllImport("libc", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open([MarshalAs(UnmanagedType.LPStr)] string path, int flags);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint read(int descriptor, ref byte buffer, nuint count);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int descriptor);
}
