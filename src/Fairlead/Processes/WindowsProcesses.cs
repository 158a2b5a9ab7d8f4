using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Processes;

/// <summary>
/// Windows (tier 2): each child is put into a job object that the system kills when its last handle closes, so children die with this process and no
/// reaper is needed. There is no SIGTERM: after the closed stdin the next step is the kill. A grandchild started before the child is in its job escapes.
/// </summary>
internal sealed class WindowsProcesses : ProcessPlatform
{
    /// <inheritdoc/>
    public override bool IsWindows => true;

    /// <inheritdoc/>
    public override bool NeedsReaper => false;

    /// <inheritdoc/>
    public override void Configure(ProcessStartInfo info, string executable, IReadOnlyList<string> arguments)
    {
        info.CreateNoWindow = true;
        if (WindowsCommandLine.IsBatch(executable))
        {
            info.FileName = Path.Combine(Environment.SystemDirectory, "cmd.exe");
            info.Arguments = WindowsCommandLine.ForBatch(executable, arguments);
            return;
        }

        info.FileName = executable;
        foreach (var argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }
    }

    /// <inheritdoc/>
    public override ProcessGroup Adopt(Process process) => new Job(process);

    /// <inheritdoc/>
    public override ExecutableProbe Probe(string path) =>
        Directory.Exists(path) ? ExecutableProbe.Directory : File.Exists(path) ? ExecutableProbe.Executable : ExecutableProbe.Missing;

    private sealed class Job : ProcessGroup
    {
        private const int BasicAccounting = 1;
        private const int ExtendedLimits = 9;
        private const uint KillOnJobClose = 0x2000;
        private readonly SafeFileHandle _handle;

        public Job(Process process)
        {
            _handle = CreateJobObjectW(0, 0);
            var limits = new ExtendedLimitInformation { LimitFlags = KillOnJobClose };
            if (_handle.IsInvalid
                || !SetInformationJobObject(_handle, ExtendedLimits, ref limits, Marshal.SizeOf<ExtendedLimitInformation>())
                || !AssignProcessToJobObject(_handle, process.SafeHandle))
            {
                var error = new Win32Exception(Marshal.GetLastPInvokeError());
                _handle.Dispose();
                process.Kill(entireProcessTree: true);
                throw new ChildStartException($"The server was ended at once because it could not be put into a job object: {error.Message}", error);
            }
        }

        public override bool HasMembers() =>
            !_handle.IsClosed
            && QueryInformationJobObject(_handle, BasicAccounting, out var accounting, Marshal.SizeOf<BasicAccountingInformation>(), 0)
            && accounting.ActiveProcesses > 0;

        public override void Terminate()
        {
        }

        public override void Kill() => _ = _handle.IsClosed || TerminateJobObject(_handle, 1);

        public override void Dispose() => _handle.Dispose();

        [DllImport("kernel32", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        private static extern SafeFileHandle CreateJobObjectW(nint attributes, nint name);

        [DllImport("kernel32", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [return: MarshalAs(UnmanagedType.Bool)]
        private static extern bool SetInformationJobObject(SafeFileHandle job, int what, ref ExtendedLimitInformation limits, int length);

        [DllImport("kernel32", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [return: MarshalAs(UnmanagedType.Bool)]
        private static extern bool QueryInformationJobObject(SafeFileHandle job, int what, out BasicAccountingInformation answer, int length, nint returned);

        [DllImport("kernel32", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [return: MarshalAs(UnmanagedType.Bool)]
        private static extern bool AssignProcessToJobObject(SafeFileHandle job, SafeProcessHandle process);

        [DllImport("kernel32", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [return: MarshalAs(UnmanagedType.Bool)]
        private static extern bool TerminateJobObject(SafeFileHandle job, uint exitCode);

        // JOBOBJECT_EXTENDED_LIMIT_INFORMATION, flattened.
        [StructLayout(LayoutKind.Sequential)]
        private struct ExtendedLimitInformation
        {
            public long PerProcessUserTimeLimit;
            public long PerJobUserTimeLimit;
            public uint LimitFlags;
            public nuint MinimumWorkingSetSize;
            public nuint MaximumWorkingSetSize;
            public uint ActiveProcessLimit;
            public nuint Affinity;
            public uint PriorityClass;
            public uint SchedulingClass;
            public ulong ReadOperationCount;
            public ulong WriteOperationCount;
            public ulong OtherOperationCount;
            public ulong ReadTransferCount;
            public ulong WriteTransferCount;
            public ulong OtherTransferCount;
            public nuint ProcessMemoryLimit;
            public nuint JobMemoryLimit;
            public nuint PeakProcessMemoryUsed;
            public nuint PeakJobMemoryUsed;
        }

        // JOBOBJECT_BASIC_ACCOUNTING_INFORMATION.
        [StructLayout(LayoutKind.Sequential)]
        private struct BasicAccountingInformation
        {
            public long TotalUserTime;
            public long TotalKernelTime;
            public long ThisPeriodTotalUserTime;
            public long ThisPeriodTotalKernelTime;
            public uint TotalPageFaultCount;
            public uint TotalProcesses;
            public uint ActiveProcesses;
            public uint TotalTerminatedProcesses;
        }
    }
}
