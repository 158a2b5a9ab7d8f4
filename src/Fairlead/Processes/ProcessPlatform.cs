using System.Diagnostics;

namespace Fairlead.Processes;

/// <summary>
/// What differs between systems when a child is started, signalled and found again. Linux is tier 1 and tested; macOS and Windows are tier 2: their
/// pure parts are tested everywhere, their system calls are not. No state; any thread.
/// </summary>
internal abstract class ProcessPlatform
{
    /// <summary>The system this process runs on.</summary>
    public static ProcessPlatform Current { get; } =
        OperatingSystem.IsWindows() ? new WindowsProcesses() : OperatingSystem.IsMacOS() ? new MacProcesses() : new LinuxProcesses();

    /// <summary>Whether Windows rules hold for paths, PATH and names of variables.</summary>
    public virtual bool IsWindows => false;

    /// <summary>Whether children need the reaper to die with this process; false where the system does it.</summary>
    public virtual bool NeedsReaper => true;

    /// <summary>Fills in file name and arguments so that the child leads a group of its own, out of reach of the terminal's signals.</summary>
    /// <param name="info">To be filled in.</param>
    /// <param name="executable">Full path of the program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <exception cref="ChildStartException">The system lacks a needed program, or an argument cannot be passed safely.</exception>
    public abstract void Configure(ProcessStartInfo info, string executable, IReadOnlyList<string> arguments);

    /// <summary>The command that runs a program under the limits of a child; the program's own where there are none, or the system cannot set them.</summary>
    /// <param name="executable">Full path of the program.</param>
    /// <param name="options">The child.</param>
    /// <exception cref="ChildStartException">The system lacks a needed program.</exception>
    public virtual (string Executable, IReadOnlyList<string> Arguments) Limit(string executable, ChildProcessOptions options) => (executable, options.Arguments);

    /// <summary>Makes the session of a child step back as its processes do (<see cref="ChildProcessOptions.Nice"/>), where the system shares processor time out by session. Ends when that is done, has no sense or
    /// cannot be done, after some seconds at most.</summary>
    /// <param name="id">The child's process id.</param>
    /// <param name="nice">1 to 19.</param>
    /// <param name="time">Clock of the pauses between attempts.</param>
    /// <param name="cancellationToken">Ends the attempts.</param>
    public virtual Task StepBackAsync(int id, int nice, TimeProvider time, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Takes charge of a child that has just been started.</summary>
    /// <param name="process">The child.</param>
    public abstract ProcessGroup Adopt(Process process);

    /// <summary>Tells whether a path can be started.</summary>
    /// <param name="path">A full path.</param>
    public abstract ExecutableProbe Probe(string path);

    /// <summary>Ids of living processes whose environment holds <paramref name="marker"/>; empty where the system does not show environments.</summary>
    /// <param name="marker">Exact bytes to look for, such as <c>NAME=value</c>; the start of a value is enough.</param>
    public virtual IReadOnlyList<int> FindMarked(string marker) => [];

    /// <summary>Ends one process at once. One that is gone already is no error.</summary>
    /// <param name="id">Process id, from <see cref="FindMarked"/>.</param>
    public virtual void Kill(int id)
    {
    }

    /// <summary>When a process was started, in the system's own unit: tells a reused id from the process that had it; 0 = unknown.</summary>
    /// <param name="id">Process id.</param>
    public virtual long StartTimeOf(int id) => 0;
}

/// <summary>A child together with whatever it started and did not let go. Signals never reach a process outside. Any thread.</summary>
internal abstract class ProcessGroup : IDisposable
{
    /// <summary>Whether a member is alive. Ask only while the child lives or since it ended: later its id may belong to somebody else.</summary>
    public abstract bool HasMembers();

    /// <summary>Asks all members to end. Does nothing where the system has no such request.</summary>
    public abstract void Terminate();

    /// <summary>Ends all members at once.</summary>
    public abstract void Kill();

    /// <summary>Stops all members where they are, until <see cref="Resume"/>.</summary>
    /// <returns>False where the system cannot do that, or the group is gone.</returns>
    public virtual bool TrySuspend() => false;

    /// <summary>Lets members go on that <see cref="TrySuspend"/> has stopped.</summary>
    public virtual void Resume()
    {
    }

    /// <inheritdoc/>
    public abstract void Dispose();
}
