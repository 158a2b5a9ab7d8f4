using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Fairlead.Cli.Running;

/// <summary>Finds out who listens on a TCP port, as far as this user may know (Linux: /proc).</summary>
internal static class PortHolder
{
    private const string Listening = "0A";

    private static readonly string[] s_tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>Whether a port can be listened on, by taking it for a moment.</summary>
    /// <returns>Null when it can; otherwise why not.</returns>
    public static SocketException? TryBind(IPAddress address, int port)
    {
        using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(address, port));
            return null;
        }
        catch (SocketException exception)
        {
            return exception;
        }
    }

    /// <summary>"process 4711 (nginx)", or "another process".</summary>
    public static string Describe(int port)
    {
        try
        {
            var inodes = new HashSet<string>(StringComparer.Ordinal);
            foreach (var table in s_tables.Where(File.Exists))
            {
                foreach (var line in File.ReadLines(table).Skip(1))
                {
                    var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                    var local = fields[1].AsSpan(fields[1].LastIndexOf(':') + 1);
                    if (fields[3] == Listening && int.Parse(local, NumberStyles.HexNumber, CultureInfo.InvariantCulture) == port)
                    {
                        inodes.Add($"socket:[{fields[9]}]");
                    }
                }
            }

            return inodes.Count == 0 || !Directory.Exists("/proc") ? "another process" : FindOwner(inodes) ?? "a process of another user";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return "another process";
        }
    }

    private static string? FindOwner(HashSet<string> inodes)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => int.TryParse(Path.GetFileName(path), out _)))
        {
            try
            {
                if (Directory.EnumerateFiles(process + "/fd").Any(fd => new FileInfo(fd).LinkTarget is { } target && inodes.Contains(target)))
                {
                    return $"process {Path.GetFileName(process)} ({File.ReadAllText(process + "/comm").Trim()})";
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or belongs to somebody else.
                continue;
            }
        }

        return null;
    }
}
