using System.Diagnostics;
using System.IO.Pipes;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.Processes;

/// <summary>
/// One running child, in a session of its own, with raw pipes. Owns the process, its streams and whatever it leaves behind: when the child ends, by itself
/// or by <see cref="StopAsync"/>, the members of its group that outlive it are ended too, and on Linux whatever else it started. Any thread may call.
/// </summary>
/// <remarks>
/// A child that ends by itself is cleaned up at once, without waiting for a stop: as long as a group has members the system does not give its id to
/// another process, later it may.
/// </remarks>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    /// <summary>How long a child may take to end after its stdin was closed, unless told otherwise: 2 s.</summary>
    public static readonly TimeSpan DefaultStdinGrace = TimeSpan.FromSeconds(2);

    /// <summary>How long it may take after SIGTERM, unless told otherwise: 3 s.</summary>
    public static readonly TimeSpan DefaultTermGrace = TimeSpan.FromSeconds(3);

    // The last words are usually in the pipe already when the exit is seen; a grandchild may hold the pipe open for ever.
    private static readonly TimeSpan s_lastWordsGrace = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_killGuard = TimeSpan.FromSeconds(5);

    // The system tells nobody when a process that is not its child ends, so the group is asked; only between an exit and the end of its leftovers.
    private static readonly TimeSpan s_groupPoll = TimeSpan.FromMilliseconds(20);
    private readonly Process _process;
    private readonly ProcessGroup _group;
    private readonly ChildHome _home;
    private readonly StandardErrorDrain _stderr;
    private readonly CancellationTokenSource _hurry = new();
    private readonly CancellationTokenSource _drainEnd = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ChildExit> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _stallLock = new();
    private readonly long _startedAt;
    private readonly Task _rootExit;
    private readonly Task _draining;
    private readonly Task _life;
    private long _termGraceTicks = DefaultTermGrace.Ticks;
    private Task _steppingBack = Task.CompletedTask;
    private int _stopCalled;
    private int _disposed;
    private bool _isStalled;

    /// <summary>Takes charge of a process that has just been started with all three streams redirected.</summary>
    /// <param name="process">Disposed with this.</param>
    /// <param name="group">Disposed with this.</param>
    /// <param name="home">What the supervisor lends.</param>
    /// <param name="drain">Reader of its stderr, not yet running.</param>
    internal ChildProcess(Process process, ProcessGroup group, ChildHome home, StandardErrorDrain drain)
    {
        _process = process;
        _group = group;
        _home = home;
        _stderr = drain;
        _startedAt = home.Time.GetTimestamp();
        Id = process.Id;
        StandardInput = process.StandardInput.BaseStream;
        StandardOutput = process.StandardOutput.BaseStream is PipeStream pipe && !OperatingSystem.IsWindows() ? new UnixPipeStream(pipe) : process.StandardOutput.BaseStream;
        if (process.StandardError.BaseStream is PipeStream errors)
        {
            PipeCapacity.TrySet(errors.SafePipeHandle, StandardErrorDrain.PipeBytes);
        }

        _rootExit = process.WaitForExitAsync(CancellationToken.None);
        _draining = drain.RunAsync(_drainEnd.Token);
        _life = LiveAsync();
    }

    /// <summary>Process id; on Linux and macOS also the id of its group and session.</summary>
    public int Id { get; }

    /// <summary>Raw bytes to the child. A pending write holds no thread. Closed by <see cref="StopAsync"/>: writes then throw.</summary>
    public Stream StandardInput { get; }

    /// <summary>Raw bytes from the child. A pending read holds no thread. Readable to its end after the child has ended; closed by the disposal.</summary>
    public Stream StandardOutput { get; }

    /// <summary>The last lines of stderr, at most 64 KiB, redacted, oldest first. A copy.</summary>
    public IReadOnlyList<string> StandardErrorTail => _stderr.Tail;

    /// <summary>Completes when the child has ended and its last words were read, whoever caused it; never fails.</summary>
    public Task<ChildExit> Exited => _exited.Task;

    /// <summary>Makes the child's session step back, in the background. Call once, right after the start.</summary>
    /// <param name="nice">See <see cref="ChildProcessOptions.Nice"/>.</param>
    internal void StepBack(int nice) => _steppingBack = _home.Platform.StepBackAsync(Id, nice, _home.Time, _drainEnd.Token);

    /// <summary>
    /// Ends the child and everything it left: closes stdin, waits, SIGTERM to the group, waits, SIGKILL to the group (MCP 2025-11-25, basic/lifecycle,
    /// Shutdown). May be called any number of times and at once: the first call's graces hold and all calls end together.
    /// </summary>
    /// <param name="stdinGrace">How long to wait after closing stdin. Zero = not at all.</param>
    /// <param name="termGrace">How long to wait after SIGTERM. Zero = not at all.</param>
    /// <param name="cancellationToken">Does not abandon the stop but hurries it: no further grace is given. The call still ends normally.</param>
    public async ValueTask StopAsync(TimeSpan stdinGrace, TimeSpan termGrace, CancellationToken cancellationToken)
    {
        // Cancelled from another thread: the ladder's continuations must not run inside the caller's cancellation.
        await using var hurried = cancellationToken.UnsafeRegister(static state => _ = ((ChildProcess)state!)._hurry.CancelAsync(), this).ConfigureAwait(false);
        if (Interlocked.Exchange(ref _stopCalled, 1) != 0)
        {
            await _stopped.Task.ConfigureAwait(false);
            return;
        }

        Interlocked.Exchange(ref _termGraceTicks, termGrace.Ticks);
        Continue(); // One that is stalled hears neither the end of its input nor a polite signal. From here on no stall begins.
        try
        {
            await DescendAsync(stdinGrace, termGrace).ConfigureAwait(false);
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    /// <summary>Kills the child and its group at once, as a crash would; whoever has it finds out as of any other end.</summary>
    /// <returns>False when it has ended already.</returns>
    public bool TryCrash()
    {
        if (_rootExit.IsCompleted)
        {
            return false;
        }

        _group.Kill();
        return true;
    }

    /// <summary>Stops the child and its group where they are, until <see cref="Continue"/>; a stop or the end of the child lets them go on, too.</summary>
    /// <returns>False when it is ending, or the system cannot do that.</returns>
    public bool TryStall()
    {
        lock (_stallLock)
        {
            return Volatile.Read(ref _stopCalled) == 0 && !_rootExit.IsCompleted && (_isStalled = _group.TrySuspend());
        }
    }

    /// <summary>Lets a child go on that was stalled. Nothing happens to one that was not.</summary>
    public void Continue()
    {
        lock (_stallLock)
        {
            if (_isStalled)
            {
                _isStalled = false;
                _group.Resume();
            }
        }
    }

    /// <summary>Stops the child with the default graces, then closes its streams.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(DefaultStdinGrace, DefaultTermGrace, CancellationToken.None).ConfigureAwait(false);
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _drainEnd.CancelAsync().ConfigureAwait(false);
        await StandardOutput.DisposeAsync().ConfigureAwait(false);
        await _process.StandardError.BaseStream.DisposeAsync().ConfigureAwait(false);
        await _draining.ConfigureAwait(false);
        await _steppingBack.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // Only its cancellation can be thrown.
        _group.Dispose();
        _process.Dispose();
    }

    /// <summary>The rungs of the ladder, then the leftovers.</summary>
    private async Task DescendAsync(TimeSpan stdinGrace, TimeSpan termGrace)
    {
        var since = _home.Time.GetTimestamp();
        await CloseInputAsync().ConfigureAwait(false);
        if (!await EndsWithinAsync(_rootExit, stdinGrace).ConfigureAwait(false))
        {
            LogIgnoredClosedInput(_home.Logger, _home.Server, Id, _home.Time.GetElapsedTime(since));
            _group.Terminate();
            if (!await EndsWithinAsync(_rootExit, termGrace).ConfigureAwait(false))
            {
                LogKilled(_home.Logger, _home.Server, Id, _home.Time.GetElapsedTime(since));
                _group.Kill();
            }
        }

        try
        {
            await _rootExit.WaitAsync(s_killGuard, _home.Time).ConfigureAwait(false);
            await _life.ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            LogCannotBeEnded(_home.Logger, _home.Server, Id);
        }
    }

    private async Task CloseInputAsync()
    {
        try
        {
            await StandardInput.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The child closed its end before: the same outcome.
        }
    }

    private async Task LiveAsync()
    {
        await _rootExit.ConfigureAwait(false);
        Continue(); // What is left of its group.
        var ranFor = _home.Time.GetElapsedTime(_startedAt);
        var cleaning = CleanAsync();
        await Task.WhenAny(_draining, Task.Delay(s_lastWordsGrace, _home.Time, _hurry.Token)).ConfigureAwait(false);
        var tail = _stderr.Tail;
        var code = _process.ExitCode;
        var signal = _home.Platform.IsWindows ? null : ChildExit.SignalOf(code);
        LogExited(_home.Logger, _home.Server, Id, code);
        _exited.TrySetResult(new ChildExit(code, signal, ranFor, [.. tail.Skip(tail.Count - ChildExit.LinesMax)]));
        await cleaning.ConfigureAwait(false);
        _home.Gone(this);
    }

    /// <summary>Ends what outlived the root: its group with the same two steps, then, where it can be seen, whatever left the group.</summary>
    private async Task CleanAsync()
    {
        if (_group.HasMembers())
        {
            LogLeftovers(_home.Logger, _home.Server, Id);
            _group.Terminate();
            if (!await GroupEndsWithinAsync(TimeSpan.FromTicks(Interlocked.Read(ref _termGraceTicks)), _hurry.Token).ConfigureAwait(false))
            {
                _group.Kill();
                await GroupEndsWithinAsync(s_killGuard, CancellationToken.None).ConfigureAwait(false);
            }
        }

        await _home.SweepAsync().ConfigureAwait(false);
    }

    private async Task<bool> GroupEndsWithinAsync(TimeSpan limit, CancellationToken hurry)
    {
        var since = _home.Time.GetTimestamp();
        while (_group.HasMembers())
        {
            if (hurry.IsCancellationRequested || _home.Time.GetElapsedTime(since) >= limit)
            {
                return false;
            }

            await EndsWithinAsync(Task.Delay(s_groupPoll, _home.Time, hurry), s_groupPoll).ConfigureAwait(false);
        }

        return true;
    }

    private async Task<bool> EndsWithinAsync(Task task, TimeSpan limit)
    {
        try
        {
            await task.WaitAsync(limit, _home.Time, _hurry.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return task.IsCompletedSuccessfully;
        }
    }

    [LoggerMessage(EventIds.ChildExited, LogLevel.Debug, "Server {Server}: process {ProcessId} ended with code {ExitCode}.")]
    private static partial void LogExited(ILogger logger, string server, int processId, int exitCode);

    [LoggerMessage(EventIds.ChildIgnoredClosedInput, LogLevel.Information,
        "Server {Server}: process {ProcessId} still ran {Waited} after its stdin was closed; its group gets SIGTERM.")]
    private static partial void LogIgnoredClosedInput(ILogger logger, string server, int processId, TimeSpan waited);

    [LoggerMessage(EventIds.ChildKilled, LogLevel.Warning, "Server {Server}: process {ProcessId} still ran {Waited} after its stop began, SIGTERM included; its group is killed.")]
    private static partial void LogKilled(ILogger logger, string server, int processId, TimeSpan waited);

    [LoggerMessage(EventIds.ChildLeftovers, LogLevel.Information, "Server {Server}: process {ProcessId} has ended, but others of its group live on; they are ended.")]
    private static partial void LogLeftovers(ILogger logger, string server, int processId);

    [LoggerMessage(EventIds.ChildCannotBeEnded, LogLevel.Error,
        "Server {Server}: process {ProcessId} does not end even after SIGKILL; it probably waits for a device or a network file system. Look at its state with 'ps'.")]
    private static partial void LogCannotBeEnded(ILogger logger, string server, int processId);
}
