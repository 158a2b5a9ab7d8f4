namespace Fairlead.Cli;

/// <summary>The exit codes of <c>fairlead</c>; docs/cli.md and <c>--help</c> show the same table.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>Failed for a reason that stderr tells.</summary>
    public const int Failed = 1;

    /// <summary>Wrong usage: an unknown command, option or argument.</summary>
    public const int Usage = 2;

    /// <summary>The configuration is wrong or missing.</summary>
    public const int Configuration = 3;

    /// <summary>No instance is running, or it cannot be reached.</summary>
    public const int NotRunning = 4;

    /// <summary>Another instance uses the same state folder.</summary>
    public const int AlreadyRunning = 5;

    /// <summary>The port is taken.</summary>
    public const int PortInUse = 6;

    /// <summary>The tool ran and answered with an error.</summary>
    public const int ToolError = 7;

    /// <summary>There is no such server or tool.</summary>
    public const int NotFound = 8;

    /// <summary><c>fairlead doctor</c> found something that cannot work, <c>fairlead health</c> a server that is not healthy, or <c>fairlead audit verify</c> a record that was tampered with.</summary>
    public const int Unhealthy = 9;

    /// <summary>A second Ctrl+C or SIGTERM ended it at once.</summary>
    public const int Interrupted = 130;

    /// <summary>The codes with their meaning, in order.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> All { get; } =
    [
        (Ok, "done; for up: it was stopped in order"),
        (Failed, "failed for a reason that stderr tells"),
        (Usage, "wrong usage: an unknown command, option or argument"),
        (Configuration, "the configuration is wrong or missing, or its host is refused"),
        (NotRunning, "no instance is running, or it cannot be reached"),
        (AlreadyRunning, "another instance uses the same state folder"),
        (PortInUse, "the port is taken"),
        (ToolError, "the tool ran and answered with an error"),
        (NotFound, "there is no such server or tool"),
        (Unhealthy, "doctor found something that cannot work, health a server that is not healthy, or audit verify a broken chain"),
        (Interrupted, "ended at once by a second Ctrl+C or SIGTERM"),
    ];
}
