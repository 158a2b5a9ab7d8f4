using System.Diagnostics;

namespace Fairlead.Processes;

/// <summary>
/// macOS (tier 2): there is no <c>setsid</c> program, so the system's perl makes the session and becomes the server without a fork. Environments of
/// other processes are not searched: a grandchild that leaves its group is not found again.
/// </summary>
internal sealed class MacProcesses : ProcessPlatform
{
    private const string Perl = "/usr/bin/perl";
    private const string Launcher = "use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV; print STDERR \"$ARGV[0]: $!\\n\"; exit 127;";

    /// <inheritdoc/>
    public override void Configure(ProcessStartInfo info, string executable, IReadOnlyList<string> arguments)
    {
        info.FileName = Perl;
        foreach (var argument in LauncherArguments(executable, arguments))
        {
            info.ArgumentList.Add(argument);
        }
    }

    /// <inheritdoc/>
    public override ProcessGroup Adopt(Process process) => new UnixProcessGroup(process, static _ => true);

    /// <inheritdoc/>
    public override ExecutableProbe Probe(string path) => UnixFiles.Probe(path);

    /// <summary>Arguments of perl that start a program in a session of its own.</summary>
    /// <param name="executable">Full path of the program.</param>
    /// <param name="arguments">Its arguments.</param>
    internal static IEnumerable<string> LauncherArguments(string executable, IReadOnlyList<string> arguments) =>
        ["-e", Launcher, "--", executable, .. arguments];
}
