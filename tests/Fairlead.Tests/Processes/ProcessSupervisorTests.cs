using System.Globalization;
using Fairlead.Diagnostics;
using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

public sealed class ProcessSupervisorTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-start-");
    private readonly EventRecorder _events = new();
    private readonly ProcessSupervisor _supervisor;

    public ProcessSupervisorTests() => _supervisor = new ProcessSupervisor(_events, TimeProvider.System);

    public Task InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _supervisor.DisposeAsync();
        Assert.Empty(ProcessTable.Marked($"{ChildEnvironment.MarkerName}={_supervisor.Instance}"));
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Start_OnLinux_ChildLeadsItsOwnGroupAndSession()
    {
        var child = _supervisor.Start(TestPrograms.Shell("echo up; read line"));
        await Guard.WithinAsync(child.StandardOutput.ReadExactlyAsync(new byte[3]), "the child's first words");

        var entry = ProcessTable.Find(child.Id);
        Assert.Equal((child.Id, child.Id), (entry?.Group, entry?.Session));
    }

    [Fact]
    public async Task Start_WithArguments_PassesThemOnUnchanged()
    {
        string[] arguments = ["", "two words", "$HOME", "\"'\\", "*", "ü\n"];
        var child = _supervisor.Start(new ChildProcessOptions { Server = "s", Command = "printf", Arguments = ["<%s>", .. arguments] });

        Assert.Equal(string.Concat(arguments.Select(argument => $"<{argument}>")), await child.ReadToEndAsync());
    }

    [Fact]
    public async Task StandardInput_AndOutput_CarryRawBytesBothWays()
    {
        var child = _supervisor.Start(new ChildProcessOptions { Server = "s", Command = "cat" });
        var bytes = new byte[300_000];
        new Random(1).NextBytes(bytes);
        var back = new byte[bytes.Length];

        var writing = child.StandardInput.WriteAsync(bytes);
        await Guard.WithinAsync(child.StandardOutput.ReadExactlyAsync(back), "the bytes to come back");
        await writing;

        Assert.Equal(bytes, back);
    }

    [Fact]
    public async Task Start_WithVariables_ChildSeesTheListItsOwnAndTheMarkerOnly()
    {
        Environment.SetEnvironmentVariable("FAIRLEAD_TEST_PLANTED_SECRET", "hunter2");
        var child = _supervisor.Start(new ChildProcessOptions
        {
            Server = "s",
            Command = "env",
            Environment = new Dictionary<string, string> { ["OWN"] = "1", ["LANG"] = "xx" },
        });

        var lines = (await child.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var names = lines.Select(line => line.Split('=')[0]).ToHashSet();
        Assert.Contains("OWN=1", lines);
        Assert.Contains("LANG=xx", lines);
        Assert.Contains(lines, line => line.StartsWith($"FAIRLEAD_INSTANCE={_supervisor.Instance}.", StringComparison.Ordinal));
        Assert.Contains("PATH", names);
        Assert.All(names, name => Assert.True(name is "OWN" or "FAIRLEAD_INSTANCE" || ChildEnvironment.Inherits(name, windows: false), name));
    }

    [Fact]
    public async Task Start_WithWorkingDirectory_RunsThereAndFindsRelativeCommandsThere()
    {
        WriteScript("tool", "#!/bin/sh\npwd\n", executable: true);

        var child = _supervisor.Start(new ChildProcessOptions { Server = "s", Command = "./tool", WorkingDirectory = _folder.FullName });

        Assert.Equal(_folder.FullName + "\n", await child.ReadToEndAsync());
    }

    [Theory]
    [InlineData("no-such-program-anywhere", "was not found (searched PATH: /", "Install it")]
    [InlineData("./missing", "there is no file", "Correct the path")]
    [InlineData("./plain", "may not be executed", "chmod +x")]
    [InlineData("./lost", "names the interpreter '/no/such/interpreter'", "Install it, correct that line")]
    [InlineData("./dos", "names the interpreter '/bin/sh\\r'", "correct that line")]
    [InlineData("./wants", "asks for 'no-such-program-anywhere'", "Install it")]
    public void Start_WhenTheCommandIsNoProgram_SaysWhyAndHowToMend(string command, string what, string how)
    {
        WriteScript("plain", "#!/bin/sh\n", executable: false);
        WriteScript("lost", "#!/no/such/interpreter\n", executable: true);
        WriteScript("dos", "#!/bin/sh\r\n", executable: true);
        WriteScript("wants", "#!/usr/bin/env no-such-program-anywhere\n", executable: true);
        var options = new ChildProcessOptions { Server = "broken", Command = command, WorkingDirectory = _folder.FullName };

        var refusal = Assert.Throws<ChildStartException>(() => _supervisor.Start(options));

        Assert.StartsWith("Server 'broken': ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(what, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(how, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_WhenTheWorkingDirectoryIsMissing_NamesIt()
    {
        var options = TestPrograms.Shell("exit") with { WorkingDirectory = Path.Combine(_folder.FullName, "gone") };

        var refusal = Assert.Throws<ChildStartException>(() => _supervisor.Start(options));

        Assert.Contains($"'{options.WorkingDirectory}' does not exist", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("cwd", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_AfterTheEnd_IsRefused()
    {
        await _supervisor.DisposeAsync();

        Assert.Throws<ObjectDisposedException>(() => _supervisor.Start(TestPrograms.Shell("exit")));
    }

    [Fact]
    public async Task StandardError_OfSeveralChildrenOfOneServer_EndsInOneRedactedFileAndInEachTail()
    {
        var log = Path.Combine(_folder.FullName, "logs", "s.log");
        ChildProcess Say(string words) => _supervisor.Start(
            TestPrograms.Shell($"echo {words} hunter2 >&2") with { LogFile = log, Redact = line => line.Replace("hunter2", "REDACTED", StringComparison.Ordinal) });
        var (first, second) = (Say("first"), Say("second"));

        var exits = await Guard.WithinAsync(Task.WhenAll(first.Exited, second.Exited), "two exits");
        await _supervisor.DisposeAsync();

        Assert.Equal(["first REDACTED"], exits[0].StandardErrorTail);
        Assert.Equal(["second REDACTED"], second.StandardErrorTail);
        var lines = await File.ReadAllLinesAsync(log);
        Assert.Equal(2, lines.Length);
        Assert.Contains(lines, line => line.EndsWith(string.Create(CultureInfo.InvariantCulture, $" {first.Id} first REDACTED"), StringComparison.Ordinal));
        Assert.Contains(lines, line => line.EndsWith(string.Create(CultureInfo.InvariantCulture, $" {second.Id} second REDACTED"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task StandardError_WhenTheLogCannotBeWritten_NeverBlocksTheChild()
    {
        // A directory stands where the file should be; the child writes far more than a pipe holds.
        var child = _supervisor.Start(TestPrograms.Shell("i=0; while [ $i -lt 20000 ]; do echo 'a line of some length' >&2; i=$((i+1)); done; exit 7") with { LogFile = _folder.FullName });

        var exit = await Guard.WithinAsync(child.Exited, "the talkative child");

        Assert.Equal(7, exit.ExitCode);
        Assert.Equal(ChildExit.LinesMax, exit.StandardErrorTail.Count);
        await _supervisor.DisposeAsync();
        Assert.Single(_events.Events, e => e.Id == EventIds.ChildLogFailed);
    }

    [Fact]
    public async Task Exited_WhenTheChildEndsByItself_TellsCodeAndLastWords()
    {
        var exit = await Guard.WithinAsync(_supervisor.Start(TestPrograms.Mode("exit")).Exited, "the exit");

        Assert.Equal((3, null), (exit.ExitCode, exit.Signal));
        Assert.Equal(["misbehave-server: cannot start: the database is on holiday"], exit.StandardErrorTail);
    }

    [Fact]
    public async Task Exited_WhenASignalEndsTheChild_NamesIt()
    {
        var exit = await Guard.WithinAsync(_supervisor.Start(TestPrograms.Shell("kill -SEGV $$")).Exited, "the exit");

        Assert.Equal("SIGSEGV", exit.Signal);
    }

    [Fact]
    public void Descriptors_OfAChild_HoldNoPipeOfTheReaperOrOfAnotherChild()
    {
        var first = _supervisor.Start(TestPrograms.Shell("read line"));
        var second = _supervisor.Start(TestPrograms.Shell("read line"));
        var reaper = ProcessTable.DescriptorsOf(_supervisor.ReaperId!.Value);
        var pipesOfFirst = ProcessTable.DescriptorsOf(first.Id).Where(d => d.Key <= 2).Select(d => d.Value).ToHashSet();

        Assert.StartsWith("pipe:", reaper[0], StringComparison.Ordinal);
        Assert.DoesNotContain(reaper[0], ProcessTable.DescriptorsOf(first.Id).Values);
        Assert.DoesNotContain(reaper[0], ProcessTable.DescriptorsOf(second.Id).Values);
        Assert.DoesNotContain(ProcessTable.DescriptorsOf(second.Id).Values, pipesOfFirst.Contains);
        Assert.DoesNotContain(reaper.Values, pipesOfFirst.Contains);
    }

    private void WriteScript(string name, string text, bool executable)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | (executable ? UnixFileMode.UserExecute : UnixFileMode.None));
        }
    }
}
