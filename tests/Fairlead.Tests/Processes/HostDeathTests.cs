using System.Diagnostics;
using System.Globalization;
using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

/// <summary>No child is left, however the supervising process ends.</summary>
public sealed class HostDeathTests : IAsyncLifetime
{
    private const int Interrupt = 2;
    private const int Kill = 9;
    private const int Terminate = 15;
    private readonly List<Process> _hosts = [];

    // Deaf children, one with a deaf grandchild in another session, a polite one, and one that carries no marker, so that only the told session finds it.
    private static readonly string[] s_children =
    [
        "2", TestPrograms.Misbehave, "hang", "--", "1", TestPrograms.Misbehave, "grandchild", "--", "1", "cat", "--",
        "1", "env", "-u", "FAIRLEAD_INSTANCE", "sleep", "1000",
    ];

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            host.Kill();
            host.Dispose();
        }

        return Task.CompletedTask;
    }

    [Theory]
    [InlineData(Interrupt)]
    [InlineData(Terminate)]
    public async Task Host_WhenStoppedPolitely_LeavesNothing(int signal)
    {
        var host = await StartAsync(s_children);

        ProcessTable.Signal(host.Process.Id, signal);

        await host.SaysAsync("stopped");
        await Guard.WithinAsync(host.Process.WaitForExitAsync(), "the host's end");
        Assert.Equal(0, host.Process.ExitCode);
        await host.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Host_WhenKilled_LeavesNothing()
    {
        var host = await StartAsync(s_children);

        ProcessTable.Signal(host.Process.Id, Kill);

        await host.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Host_WhenKilledAfterItsReaperWasKilled_LeavesNothing()
    {
        var host = await StartAsync(s_children);
        var first = host.Reaper;

        ProcessTable.Signal(first, Kill);
        await host.SaysAsync("reaper");
        Assert.NotEqual(first, host.Reaper);
        Assert.NotNull(ProcessTable.Find(host.Reaper));
        ProcessTable.Signal(host.Process.Id, Kill);

        await host.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Host_WithFiftyIdleChildren_NeedsAtMostTenMoreThreads()
    {
        var host = await StartAsync(["50", "cat"]);

        Assert.Equal(50, host.Children.Count);
        Assert.InRange(host.Number("threads-with-children") - host.Number("threads"), int.MinValue, 10);
        ProcessTable.Signal(host.Process.Id, Interrupt);
        await host.SaysAsync("stopped");
        await host.AssertNothingLeftAsync();
    }

    private async Task<Host> StartAsync(string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(TestPrograms.ReaperHost, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _hosts.Add(process);
        process.BeginErrorReadLine();
        var host = new Host(process);
        await host.SaysAsync("ready");
        return host;
    }

    /// <summary>A running host and what it has said.</summary>
    private sealed class Host(Process process)
    {
        private readonly List<(string Word, string Value)> _said = [];

        public Process Process => process;

        public int Reaper => Number("reaper");

        public List<int> Children => [.. _said.Where(line => line.Word == "child").Select(line => int.Parse(line.Value, CultureInfo.InvariantCulture))];

        private string Marker => $"{ChildEnvironment.MarkerName}={_said.First(line => line.Word == "instance").Value}";

        public int Number(string word) => int.Parse(_said.Last(line => line.Word == word).Value, CultureInfo.InvariantCulture);

        /// <summary>Reads on until the host says the word.</summary>
        public async Task SaysAsync(string word)
        {
            do
            {
                var line = await Guard.WithinAsync(process.StandardOutput.ReadLineAsync(), $"the host to say '{word}'")
                    ?? throw new InvalidOperationException($"The host ended before it said '{word}'.");
                var blank = line.IndexOf(' ', StringComparison.Ordinal);
                _said.Add(blank < 0 ? (line, "") : (line[..blank], line[(blank + 1)..]));
            }
            while (_said[^1].Word != word);
        }

        public async Task AssertNothingLeftAsync()
        {
            await ProcessTable.WhenNoneMarkedAsync(Marker);
            await ProcessTable.WhenGoneAsync([.. Children, Reaper]);
        }
    }
}
