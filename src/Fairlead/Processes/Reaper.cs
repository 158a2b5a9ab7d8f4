using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.Processes;

/// <summary>
/// Keeps one small shell process that outlives this one just long enough to end its children, however this one ends. Owns that process and the list of
/// live sessions; its loop is the only writer of both. When the shell dies it is started again and told everything.
/// </summary>
/// <remarks>
/// Not PR_SET_PDEATHSIG: that fires when the forking thread ends, and grandchildren do not inherit it. A child started in the moment before it is told
/// is found by its marker.
/// </remarks>
internal sealed partial class Reaper : IAsyncDisposable
{
    private static readonly TimeSpan s_steadyRun = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_restartDelayMax = TimeSpan.FromSeconds(16);
    private static readonly TimeSpan s_endGuard = TimeSpan.FromSeconds(5);
    private readonly ProcessPlatform _platform;
    private readonly string _marker;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _ending = new();

    // Unbounded: two short messages per child, and starting a child costs far more than reading its message.
    private readonly Channel<Message> _messages = Channel.CreateUnbounded<Message>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<int, long> _live = [];
    private readonly Task _loop;
    private Process _shell;
    private bool _isSuccessor;
    private Task<bool>? _more;

    /// <summary>Starts the shell and the loop that watches it.</summary>
    /// <param name="platform">The system.</param>
    /// <param name="marker">What the environments of all children hold, such as <c>NAME=value</c>.</param>
    /// <param name="time">Clock of the restart delays.</param>
    /// <param name="logger">Gets a warning for each restart.</param>
    /// <exception cref="ChildStartException">The shell cannot be started.</exception>
    public Reaper(ProcessPlatform platform, string marker, TimeProvider time, ILogger logger)
    {
        _platform = platform;
        _marker = marker;
        _time = time;
        _logger = logger;
        _shell = StartShell();
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Id of the shell that watches at present.</summary>
    public int ProcessId { get; private set; }

    /// <summary>Tells of a child. Never waits. Any thread.</summary>
    /// <param name="id">Its process id, which is also its group.</param>
    /// <param name="startTime">See <see cref="ProcessPlatform.StartTimeOf"/>.</param>
    public void Add(int id, long startTime) => _messages.Writer.TryWrite(new Message(id, startTime, Added: true));

    /// <summary>Tells that nothing is left of a child. Never waits. Any thread.</summary>
    /// <param name="id">Its process id.</param>
    public void Remove(int id) => _messages.Writer.TryWrite(new Message(id, 0, Added: false));

    /// <summary>Completes when the shell has been told everything that was said before. Not after the end.</summary>
    public Task WhenToldAsync()
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _messages.Writer.TryWrite(new Message(0, 0, Added: false, told));
        return told.Task;
    }

    /// <summary>Ends the shell without touching any process. Call when nothing is left of the children.</summary>
    public async ValueTask DisposeAsync()
    {
        _messages.Writer.TryComplete();
        await _ending.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        var delay = TimeSpan.Zero;
        while (true)
        {
            var startedAt = _time.GetTimestamp();
            if (await ServeAsync(_shell).ConfigureAwait(false))
            {
                await EndShellAsync().ConfigureAwait(false);
                return;
            }

            var ranFor = _time.GetElapsedTime(startedAt);
            delay = ranFor >= s_steadyRun ? TimeSpan.Zero : NextDelay(delay);
            LogReaperDied(_logger, _shell.Id, _shell.ExitCode, delay);
            _shell.Dispose();
            if (!await RestartAsync(delay).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    // The first death is answered at once: while no shell watches, a kill of this process would leave orphans.
    private static TimeSpan NextDelay(TimeSpan delay) =>
        delay == TimeSpan.Zero ? TimeSpan.FromMilliseconds(10) : TimeSpan.FromTicks(Math.Min(delay.Ticks * 10, s_restartDelayMax.Ticks));

    /// <summary>Passes messages on until the end was asked for (true) or the shell has died (false).</summary>
    private async Task<bool> ServeAsync(Process shell)
    {
        var died = shell.WaitForExitAsync(CancellationToken.None);
        foreach (var (id, startTime) in _live)
        {
            await TellAsync(shell, new Message(id, startTime, Added: true)).ConfigureAwait(false);
        }

        if (_isSuccessor)
        {
            // Only now: whoever reads this line may count on every child being watched again.
            LogReaperStarted(_logger, ProcessId, _live.Count);
        }

        while (true)
        {
            // One wait at a time, kept over a restart: the channel has a single reader.
            _more ??= _messages.Reader.WaitToReadAsync().AsTask();
            if (await Task.WhenAny(died, _more).ConfigureAwait(false) == died)
            {
                return false;
            }

            if (!await _more.ConfigureAwait(false))
            {
                return true;
            }

            _more = null;

            while (_messages.Reader.TryRead(out var message))
            {
                if (message.Told is { } told)
                {
                    told.SetResult();
                    continue;
                }

                if (message.Added)
                {
                    _live[message.Id] = message.StartTime;
                }
                else
                {
                    _live.Remove(message.Id);
                }

                await TellAsync(shell, message).ConfigureAwait(false);
            }
        }
    }

    private async Task TellAsync(Process shell, Message message)
    {
        var line = message.Added
            ? string.Create(CultureInfo.InvariantCulture, $"+ {message.Id} {message.StartTime}\n")
            : string.Create(CultureInfo.InvariantCulture, $"- {message.Id}\n");
        try
        {
            await shell.StandardInput.BaseStream.WriteAsync(Encoding.ASCII.GetBytes(line), _ending.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The shell is dying: its end is seen next, and its successor is told everything. Or we are: then it needs to know nothing more.
        }
    }

    private async Task<bool> RestartAsync(TimeSpan delay)
    {
        while (true)
        {
            try
            {
                await Task.Delay(delay, _time, _ending.Token).ConfigureAwait(false);
                _shell = StartShell();
                _isSuccessor = true;
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
            catch (ChildStartException e)
            {
                delay = NextDelay(delay);
                LogReaperMissing(_logger, e, delay);
            }
        }
    }

    private async Task EndShellAsync()
    {
        using var guard = new CancellationTokenSource(s_endGuard, _time);
        try
        {
            await _shell.StandardInput.BaseStream.WriteAsync("q\n"u8.ToArray(), guard.Token).ConfigureAwait(false);
            await _shell.WaitForExitAsync(guard.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            _shell.Kill();
        }

        _shell.Dispose();
    }

    private Process StartShell()
    {
        var info = new ProcessStartInfo
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        var path = Environment.GetEnvironmentVariable("PATH");
        info.Environment.Clear();
        info.Environment["PATH"] = string.IsNullOrEmpty(path) ? "/usr/bin:/bin" : path + ":/usr/bin:/bin";
        info.Environment["LC_ALL"] = "C";
        _platform.Configure(info, "/bin/sh", ["-c", ReaperScript.Text, "fairlead-reaper", _marker]);
        try
        {
            var shell = Process.Start(info)!;
            // Redirected only so that the shell never holds our terminal or our parent's pipe, not even for its first moment.
            shell.StandardOutput.Close();
            shell.StandardError.Close();
            ProcessId = shell.Id;
            return shell;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ChildStartException($"The reaper (/bin/sh), which ends servers when Fairlead is killed, could not be started: {e.Message}.", e);
        }
    }

    [LoggerMessage(EventIds.ReaperDied, LogLevel.Warning, "The reaper, process {ProcessId}, ended with code {ExitCode}; another one starts in {Delay}.")]
    private static partial void LogReaperDied(ILogger logger, int processId, int exitCode, TimeSpan delay);

    [LoggerMessage(EventIds.ReaperRestarted, LogLevel.Information, "The reaper runs again as process {ProcessId} and was told {Sessions} sessions.")]
    private static partial void LogReaperStarted(ILogger logger, int processId, int sessions);

    [LoggerMessage(EventIds.ReaperMissing, LogLevel.Error, "The reaper could not be started; servers would outlive a kill of this process. Next attempt in {Delay}.")]
    private static partial void LogReaperMissing(ILogger logger, Exception exception, TimeSpan delay);

    private readonly record struct Message(int Id, long StartTime, bool Added, TaskCompletionSource? Told = null);
}
