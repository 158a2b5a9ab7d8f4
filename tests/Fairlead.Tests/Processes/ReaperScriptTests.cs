using System.Diagnostics;
using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

/// <summary>The reaper's program by itself, told what no real supervisor would tell it.</summary>
public sealed class ReaperScriptTests : IDisposable
{
    private readonly string _marker = $"FAIRLEAD_INSTANCE={Guid.NewGuid():N}";
    private readonly List<Process> _started = [];

    public void Dispose()
    {
        foreach (var process in _started)
        {
            process.Kill();
            process.Dispose();
        }
    }

    private Process Start(string file, string[] arguments, string? marker = null)
    {
        var info = new ProcessStartInfo("setsid") { RedirectStandardInput = true };
        info.ArgumentList.Add(file);
        Array.ForEach(arguments, info.ArgumentList.Add);
        if (marker is not null)
        {
            info.Environment["FAIRLEAD_INSTANCE"] = marker.Split('=')[1] + ".00000001";
        }

        var process = Process.Start(info)!;
        _started.Add(process);
        return process;
    }

    private Process Sleeper(string? marker = null) => Start("sleep", ["1000"], marker);

    private Process Reaper() => Start("/bin/sh", ["-c", ReaperScript.Text, "fairlead-reaper", _marker]);

    [Fact]
    public async Task EndOfStdin_KillsWhatItWasToldAndWhatIsMarked_AndNothingElse()
    {
        var (told, removed, reborn, marked, stranger) = (Sleeper(), Sleeper(), Sleeper(), Sleeper(_marker), Sleeper("FAIRLEAD_INSTANCE=other"));
        var reaper = Reaper();
        long Born(Process process) => ProcessPlatform.Current.StartTimeOf(process.Id);
        await reaper.StandardInput.WriteAsync(
            $"+ {removed.Id} {Born(removed)}\n+ {told.Id} {Born(told)}\n+ {reborn.Id} {Born(reborn) - 1}\n- {removed.Id}\n- 12345\n");
        reaper.StandardInput.Close();

        await Guard.WithinAsync(reaper.WaitForExitAsync(), "the reaper to end itself");

        await ProcessTable.WhenGoneAsync(told.Id, marked.Id);
        Assert.All([removed, reborn, stranger], process => Assert.False(process.HasExited));
    }

    [Fact]
    public async Task Quit_EndsItWithoutAnyEffect()
    {
        var (told, marked) = (Sleeper(), Sleeper(_marker));
        var reaper = Reaper();
        await reaper.StandardInput.WriteAsync($"+ {told.Id} {ProcessPlatform.Current.StartTimeOf(told.Id)}\nq\n");
        await reaper.StandardInput.FlushAsync();

        await Guard.WithinAsync(reaper.WaitForExitAsync(), "the reaper to end itself");

        Assert.All([told, marked], process => Assert.False(process.HasExited));
    }

    [Fact]
    public async Task PoliteSignals_AreIgnored()
    {
        var marked = Sleeper(_marker);
        var reaper = Reaper();
        // The script has no way to say that it is ready; the last thing it sets up is its directory.
        await ProcessTable.WhenInDirectoryAsync(reaper.Id, "/");
        foreach (var signal in new[] { 1, 2, 3, 15 })
        {
            ProcessTable.Signal(reaper.Id, signal);
        }

        Assert.NotNull(ProcessTable.Find(reaper.Id));
        reaper.StandardInput.Close();
        await Guard.WithinAsync(reaper.WaitForExitAsync(), "the reaper to end itself");

        Assert.Equal(0, reaper.ExitCode);
        await ProcessTable.WhenGoneAsync(marked.Id);
    }
}
