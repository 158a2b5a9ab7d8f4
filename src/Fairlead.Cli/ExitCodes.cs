namespace Fairlead.Cli;

/// <summary>The exit codes of <c>fairlead</c>; the table in docs/cli.md is the same.</summary>
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
}
