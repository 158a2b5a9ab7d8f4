using System.ComponentModel;
using System.Diagnostics;

namespace Fairlead.Processes;

/// <summary>Asks the system how much memory a process has.</summary>
internal static class ProcessMemory
{
    /// <summary>Memory in RAM, in bytes, without that of its children; null when it has ended or the system does not say.</summary>
    public static long? Of(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return process.WorkingSet64 is > 0 and var bytes ? bytes : null;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return null;
        }
    }
}
