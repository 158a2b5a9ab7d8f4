using System.Globalization;

namespace Fairlead.Processes;

/// <summary>How a child ended.</summary>
/// <param name="ExitCode">
/// The code it returned. 128 + n when signal n ended it: the system reports both alike, as shells do, so a program that returns 137 by itself
/// reads as killed.
/// </param>
/// <param name="Signal">Name of the signal that ended it, such as <c>SIGKILL</c>; null when it returned a code. Always null on Windows.</param>
/// <param name="RanFor">From the start of the process to the moment its end was seen.</param>
/// <param name="StandardErrorTail">The last lines of stderr, redacted, oldest first, at most <see cref="LinesMax"/>.</param>
internal sealed record ChildExit(int ExitCode, string? Signal, TimeSpan RanFor, IReadOnlyList<string> StandardErrorTail)
{
    /// <summary>Most lines of stderr that an exit carries.</summary>
    public const int LinesMax = 20;

    /// <summary>One sentence for a state's reason or an error, with the last stderr lines.</summary>
    public override string ToString()
    {
        var how = Signal is null
            ? string.Create(CultureInfo.InvariantCulture, $"exited with code {ExitCode}")
            : $"was ended by {Signal}";
        var seconds = RanFor.TotalSeconds.ToString("0.0##", CultureInfo.InvariantCulture);
        var words = StandardErrorTail.Count == 0 ? "it wrote nothing to stderr" : "last lines of stderr:\n" + string.Join('\n', StandardErrorTail);
        return $"{how} after {seconds} s; {words}";
    }

    /// <summary>The name of the signal that a shell-style exit code stands for; null when it stands for none.</summary>
    /// <param name="exitCode">An exit code as the system reports it.</param>
    internal static string? SignalOf(int exitCode) => (exitCode - 128) switch
    {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => null,
    };
}
