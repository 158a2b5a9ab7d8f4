using System.Runtime.InteropServices;

namespace Fairlead.Processes;

/// <summary>How much a pipe to us holds before its writer waits (fcntl F_SETPIPE_SZ, Linux; elsewhere nothing is changed).</summary>
/// <remarks>
/// Each write into a pipe that is watched wakes us, whether we read it or not: a writer that sends a line at a time into a pipe of 64 KiB that we leave alone wakes us two thousand times
/// before it has to wait. What we do not mean to read at once has a small pipe.
/// </remarks>
internal static class PipeCapacity
{
    /// <summary>What the system gives by itself: 64 KiB.</summary>
    public const int Default = 64 * 1024;

    /// <summary>The smallest there is: one page, 4 KiB where pages have that size.</summary>
    public const int Smallest = 4096;

    private const int SetPipeSize = 1031;
    private const int Busy = 16;

    /// <summary>Changes the capacity.</summary>
    /// <param name="pipe">Either end.</param>
    /// <param name="bytes">Rounded up by the system to a power of two pages.</param>
    /// <returns>False when the pipe holds more than that now, so that it may be tried again after a read. Else true, also where the system does not allow it.</returns>
    public static bool TrySet(SafeHandle pipe, int bytes) => !OperatingSystem.IsLinux() || fcntl(pipe, SetPipeSize, bytes) >= 0 || Marshal.GetLastPInvokeError() != Busy;

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fcntl(SafeHandle descriptor, int command, nint argument);
}
