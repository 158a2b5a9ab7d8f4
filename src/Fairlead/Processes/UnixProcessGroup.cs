using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fairlead.Processes;

/// <summary>A process group whose id is the id of its first process, signalled by kill(2).</summary>
/// <param name="process">The child that leads the group.</param>
/// <param name="isMember">Tells whether a living process (no zombie) belongs to the group; asked only when kill(2) says that the group exists.</param>
internal sealed class UnixProcessGroup(Process process, Func<int, bool> isMember) : ProcessGroup
{
    private const int Terminated = 15;
    private const int Killed = 9;
    private const int NoSuchProcess = 3;

    // Linux and macOS give these two different numbers.
    private static readonly int s_stop = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int s_continue = OperatingSystem.IsMacOS() ? 19 : 18;

    private readonly int _id = process.Id;

    /// <inheritdoc/>
    public override bool HasMembers() => kill(-_id, 0) == 0 && isMember(_id);

    /// <inheritdoc/>
    public override void Terminate() => Signal(Terminated);

    /// <inheritdoc/>
    public override void Kill() => Signal(Killed);

    /// <inheritdoc/>
    public override bool TrySuspend() => kill(-_id, s_stop) == 0;

    /// <inheritdoc/>
    public override void Resume() => _ = kill(-_id, s_continue);

    /// <inheritdoc/>
    public override void Dispose()
    {
        // A group id is only a number: there is nothing to give back.
    }

    /// <summary>Ends one process at once.</summary>
    /// <param name="id">Its id, above 1.</param>
    internal static void KillProcess(int id)
    {
        Debug.Assert(id > 1, "0 and negative ids mean whole groups, 1 is init");
        _ = kill(id, Killed);
    }

    // Between fork and setsid the child is not a leader yet and the group does not exist: the signal then goes to the child alone.
    private void Signal(int signal)
    {
        if (kill(-_id, signal) != 0 && Marshal.GetLastPInvokeError() == NoSuchProcess && !process.HasExited)
        {
            _ = kill(_id, signal);
        }
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int signal);
}
