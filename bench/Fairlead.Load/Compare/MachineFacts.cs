using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fairlead.Load.Compare;

/// <summary>Where and when the figures were taken, and of what.</summary>
/// <param name="Cores">Processors that this process may use.</param>
/// <param name="Processor">Its model.</param>
/// <param name="MemoryMb">All of the machine's memory.</param>
/// <param name="System">The system.</param>
/// <param name="Kernel">The kernel's release.</param>
/// <param name="Runtime">The .NET runtime.</param>
/// <param name="Commit">The checkout's commit; "+" behind it when files were changed.</param>
/// <param name="Load1Minute">How busy the machine was before: the load average of a minute.</param>
/// <param name="StartedAt">When.</param>
internal sealed record MachineFacts(int Cores, string Processor, long MemoryMb, string System, string Kernel, string Runtime, string Commit, string Load1Minute, DateTimeOffset StartedAt)
{
    /// <summary>Reads them. What this system does not tell is "unknown".</summary>
    public static async Task<MachineFacts> ReadAsync(string root)
    {
        var commit = await GitAsync(root, "rev-parse", "--short=12", "HEAD").ConfigureAwait(false);
        var changed = await GitAsync(root, "status", "--porcelain").ConfigureAwait(false);
        return new MachineFacts(
            Environment.ProcessorCount, FirstLine("/proc/cpuinfo", "model name"), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024 * 1024), FirstLine("/etc/os-release", "PRETTY_NAME").Trim('"'),
            File.Exists("/proc/sys/kernel/osrelease") ? (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease").ConfigureAwait(false)).Trim() : RuntimeInformation.OSDescription,
            RuntimeInformation.FrameworkDescription, commit is null ? "unknown" : commit + (string.IsNullOrEmpty(changed) ? "" : "+"),
            File.Exists("/proc/loadavg") ? (await File.ReadAllTextAsync("/proc/loadavg").ConfigureAwait(false)).Split(' ')[0] : "unknown", TimeProvider.System.GetUtcNow());
    }

    /// <summary>One line for people.</summary>
    public override string ToString() =>
        $"{Cores} cores ({Processor}), {MemoryMb / 1024.0:0.0} GB, {System}, Linux {Kernel}, {Runtime}, commit {Commit}, load before {Load1Minute}, {StartedAt:yyyy-MM-dd HH:mm} UTC";

    private static string FirstLine(string path, string key)
    {
        var line = File.Exists(path) ? File.ReadLines(path).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal)) : null;
        return line is null ? "unknown" : line[(line.IndexOfAny([':', '=']) + 1)..].Trim();
    }

    private static async Task<string?> GitAsync(string root, params string[] arguments)
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["-C", root, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var errors = git.StandardError.ReadToEndAsync();
            var text = await git.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
            await errors.ConfigureAwait(false);
            await git.WaitForExitAsync().ConfigureAwait(false);
            return git.ExitCode == 0 ? text.Trim() : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // No git on this machine: the commit is unknown then.
        }
    }
}
