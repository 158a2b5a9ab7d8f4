using Fairlead.Diagnostics;
using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

public sealed class ChildProcessStopTests : IAsyncLifetime, IAsyncDisposable
{
    private static readonly TimeSpan s_stdinGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_termGrace = TimeSpan.FromSeconds(3);
    private readonly FakeTimeProvider _clock = new();
    private readonly EventRecorder _events = new();
    private readonly ProcessSupervisor _supervisor;
    private readonly ProcessSupervisor _onFakeTime;

    public ChildProcessStopTests()
    {
        _supervisor = new ProcessSupervisor(_events, TimeProvider.System);
        _onFakeTime = new ProcessSupervisor(_events, _clock);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _supervisor.StopAsync(now.Token);
        await _onFakeTime.StopAsync(now.Token);
    }

    [Fact]
    public async Task StopAsync_WhenTheChildLeavesAtTheEndOfStdin_NoSignalIsSent()
    {
        var child = _onFakeTime.Start(TestPrograms.Shell("trap 'exit 9' TERM; cat; exit 5"));

        await Guard.WithinAsync(child.StopAsync(s_stdinGrace, s_termGrace, CancellationToken.None), "the stop");

        Assert.Equal(5, (await child.Exited).ExitCode);
        Assert.DoesNotContain(_events.Events, e => e.Id == EventIds.ChildIgnoredClosedInput);
        Assert.Null(ProcessTable.Find(child.Id));
    }

    [Fact]
    public async Task StopAsync_WhenTheChildIgnoresTheEndOfStdin_GetsSigtermAfterTheGrace()
    {
        var child = _onFakeTime.Start(new ChildProcessOptions { Server = "s", Command = "sleep", Arguments = ["1000"] });

        var stopping = child.StopAsync(s_stdinGrace, s_termGrace, CancellationToken.None).AsTask();
        await _clock.WhenTimerArmedAsync(s_stdinGrace);
        Assert.False(child.Exited.IsCompleted);
        _clock.Advance(s_stdinGrace);
        await Guard.WithinAsync(stopping, "the stop");

        Assert.Equal("SIGTERM", (await child.Exited).Signal);
        Assert.Contains(_events.Events, e => e.Id == EventIds.ChildIgnoredClosedInput);
        Assert.DoesNotContain(_events.Events, e => e.Id == EventIds.ChildKilled);
    }

    [Fact]
    public async Task StopAsync_WhenTheChildIgnoresSigtermToo_IsKilledAfterTheSecondGrace()
    {
        var (options, hanging) = TestPrograms.Mode("hang").WhenSaid("hanging");
        var child = _onFakeTime.Start(options);
        await hanging;

        var stopping = child.StopAsync(s_stdinGrace, s_termGrace, CancellationToken.None).AsTask();
        await _clock.WhenTimerArmedAsync(s_stdinGrace);
        _clock.Advance(s_stdinGrace);
        await _clock.WhenTimerArmedAsync(s_termGrace);
        Assert.False(child.Exited.IsCompleted);
        _clock.Advance(s_termGrace);
        await Guard.WithinAsync(stopping, "the stop");

        Assert.Equal("SIGKILL", (await child.Exited).Signal);
        Assert.Contains(_events.Events, e => e.Id == EventIds.ChildKilled);
        Assert.Null(ProcessTable.Find(child.Id));
    }

    [Fact]
    public async Task StopAsync_CalledSeveralTimes_EndsOnceForAll()
    {
        var child = _onFakeTime.Start(new ChildProcessOptions { Server = "s", Command = "cat" });

        await Guard.WithinAsync(
            Task.WhenAll(Enumerable.Range(0, 5).Select(_ => child.StopAsync(s_stdinGrace, s_termGrace, CancellationToken.None).AsTask())), "five stops");
        await Guard.WithinAsync(child.StopAsync(s_stdinGrace, s_termGrace, CancellationToken.None), "a later stop");
        await Guard.WithinAsync(child.DisposeAsync(), "the disposal");
        await Guard.WithinAsync(child.DisposeAsync(), "a second disposal");
    }

    [Fact]
    public async Task StopAsync_WhenCancelled_KillsWithoutFurtherGrace()
    {
        var (options, hanging) = TestPrograms.Mode("hang").WhenSaid("hanging");
        var child = _onFakeTime.Start(options);
        await hanging;
        using var hurry = new CancellationTokenSource();

        var stopping = child.StopAsync(s_stdinGrace, s_termGrace, hurry.Token).AsTask();
        await _clock.WhenTimerArmedAsync(s_stdinGrace);
        await hurry.CancelAsync();
        await Guard.WithinAsync(stopping, "the hurried stop");

        Assert.Equal("SIGKILL", (await child.Exited).Signal);
    }

    [Fact]
    public async Task StopAsync_WhenAWriteIsPending_EndsItWithAnException()
    {
        var child = _supervisor.Start(new ChildProcessOptions { Server = "s", Command = "sleep", Arguments = ["1000"] });
        var writing = child.StandardInput.WriteAsync(new byte[1_000_000]).AsTask();

        await Guard.WithinAsync(child.StopAsync(TimeSpan.Zero, s_termGrace, CancellationToken.None), "the stop");

        var end = await Record.ExceptionAsync(() => Guard.WithinAsync(writing, "the end of the write"));
        Assert.True(end is IOException or ObjectDisposedException or OperationCanceledException, end?.ToString());
    }

    [Fact]
    public async Task StopAsync_WhenAGrandchildLeftTheSession_EndsItToo()
    {
        var (options, started) = TestPrograms.Mode("grandchild").WhenSaid("grandchild ");
        var child = _supervisor.Start(options);
        var grandchild = LastNumber(await started);
        Assert.NotEqual(child.Id, ProcessTable.Find(grandchild)!.Session);

        await Guard.WithinAsync(child.StopAsync(s_stdinGrace, s_termGrace, CancellationToken.None), "the stop");

        await ProcessTable.WhenGoneAsync(child.Id, grandchild);
        Assert.Contains(_events.Events, e => e.Id == EventIds.ChildrenSwept);
    }

    [Fact]
    public async Task StopAsync_WhenGroupMembersOutliveTheRoot_EndsThemToo()
    {
        var (options, started) = TestPrograms.Shell("sh -c 'trap \"\" TERM; echo member $$ >&2; while :; do sleep 1000; done' <&0 & read line; exit 0").WhenSaid("member ");
        var child = _supervisor.Start(options);
        var member = LastNumber(await started);

        await Guard.WithinAsync(child.StopAsync(s_stdinGrace, TimeSpan.FromMilliseconds(100), CancellationToken.None), "the stop");

        await ProcessTable.WhenGoneAsync(child.Id, member);
        Assert.Equal(0, (await child.Exited).ExitCode);
    }

    [Fact]
    public async Task Exited_WhenTheRootCrashes_ItsGroupAndItsGrandchildrenAreEndedWithoutAStop()
    {
        var (options, _) = TestPrograms.Shell("setsid sleep 1000 & sleep 1000 & echo started >&2; exit 6").WhenSaid("started");
        var child = _supervisor.Start(options);

        var exit = await Guard.WithinAsync(child.Exited, "the crash");

        Assert.Equal(6, exit.ExitCode);
        await ProcessTable.WhenNoneMarkedAsync($"{ChildEnvironment.MarkerName}={_supervisor.Instance}");
    }

    [Fact]
    public async Task SupervisorStop_WithManyKinds_LeavesNothing()
    {
        var (options, hanging) = TestPrograms.Mode("hang").WhenSaid("hanging");
        _supervisor.Start(options);
        var (second, started) = TestPrograms.Mode("grandchild").WhenSaid("grandchild ");
        _supervisor.Start(second);
        _supervisor.Start(TestPrograms.Mode("silent"));
        _supervisor.Start(TestPrograms.Mode("endless-line", "at-once"));
        var reaper = _supervisor.ReaperId!.Value;
        await Task.WhenAll(hanging, started);
        using var hurry = new CancellationTokenSource();
        await hurry.CancelAsync();

        await Guard.WithinAsync(_supervisor.StopAsync(hurry.Token), "the stop of all");

        Assert.Empty(ProcessTable.Marked($"{ChildEnvironment.MarkerName}={_supervisor.Instance}"));
        Assert.Null(ProcessTable.Find(reaper));
    }

    private static int LastNumber(string line) => int.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
}
