using System.Collections;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.Processes;

/// <summary>
/// Starts children so that none can outlive this process, however it ends. Owns the instance id that marks them, the reaper (from the first child on), the
/// stderr logs and the list of live children. One per McpManager. Any thread.
/// </summary>
internal sealed partial class ProcessSupervisor : IAsyncDisposable
{
    private const int SweepRoundsMax = 10;
    private static readonly TimeSpan s_sweepPause = TimeSpan.FromMilliseconds(20);
    private readonly ProcessPlatform _platform = ProcessPlatform.Current;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly HashSet<ChildProcess> _children = [];
    private readonly Dictionary<string, RotatingLog> _logs = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _hurry = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Reaper? _reaper;
    private volatile bool _ended;
    private uint _lastChild;

    /// <summary>Makes a supervisor with a fresh instance id; starts no process yet.</summary>
    /// <param name="logger">Gets the events of children and reaper (ids from 1000).</param>
    /// <param name="time">Clock of all graces and delays.</param>
    public ProcessSupervisor(ILogger logger, TimeProvider time)
    {
        _logger = logger;
        _time = time;
    }

    /// <summary>The instance id: 32 hexadecimal digits, in the environment of every child as <c>FAIRLEAD_INSTANCE=&lt;id&gt;.&lt;n&gt;</c>.</summary>
    public string Instance { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Id of the reaper's process; null before the first child and where the system needs none.</summary>
    internal int? ReaperId => _reaper?.ProcessId;

    /// <summary>Completes when the reaper knows every child that has been started.</summary>
    internal Task WhenWatchedAsync() => _reaper?.WhenToldAsync() ?? Task.CompletedTask;

    private string Marker => $"{ChildEnvironment.MarkerName}={Instance}.";

    /// <summary>Gives the mark that programs started by servers inside this process carry, so that they are ended with it. Starts what looks after them.</summary>
    /// <returns>A variable for the environment of such programs.</returns>
    /// <exception cref="ChildStartException">What looks after them cannot be started.</exception>
    /// <exception cref="ObjectDisposedException">The supervisor has ended.</exception>
    public KeyValuePair<string, string> MarkPrograms()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            StartReaper_NeedsLock();
        }

        return new(ChildEnvironment.MarkerName, string.Create(CultureInfo.InvariantCulture, $"{Instance}.{Interlocked.Increment(ref _lastChild):x8}"));
    }

    /// <summary>Starts a child. Blocks for the few milliseconds of fork and exec; call it behind a <see cref="StartGate"/>.</summary>
    /// <param name="options">What to start.</param>
    /// <returns>The running child; the caller stops and disposes it.</returns>
    /// <exception cref="ChildStartException">It cannot be started; the message says why and how to mend it.</exception>
    /// <exception cref="ObjectDisposedException">The supervisor has ended.</exception>
    public ChildProcess Start(ChildProcessOptions options)
    {
        var directory = options.WorkingDirectory is null ? Environment.CurrentDirectory : Path.GetFullPath(options.WorkingDirectory);
        var childMarker = string.Create(CultureInfo.InvariantCulture, $"{Instance}.{Interlocked.Increment(ref _lastChild):x8}");
        var environment = ChildEnvironment.Build(OwnEnvironment(), options.Environment, childMarker, _platform.IsWindows);
        var found = ChildProgram.Find(options.Command, directory, environment, _platform);
        var executable = found.Path ?? throw new ChildStartException($"Server '{options.Server}': {found.Problem}");
        var info = new ProcessStartInfo
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment.Clear();
        foreach (var (name, value) in environment)
        {
            info.Environment[name] = value;
        }

        var (program, arguments) = _platform.Limit(executable, options);
        _platform.Configure(info, program, arguments);
        return StartAndWatch(options, info, childMarker);
    }

    /// <summary>Stops all children at once with the default graces, ends whatever they left, then the reaper, then closes the logs.</summary>
    public ValueTask DisposeAsync() => StopAsync(CancellationToken.None);

    /// <summary>As <see cref="DisposeAsync"/>, with a way to hurry. All calls, also later ones, end together.</summary>
    /// <param name="hurry">When cancelled, children get no further grace; the call still ends normally.</param>
    public async ValueTask StopAsync(CancellationToken hurry)
    {
        await using var hurried = hurry.UnsafeRegister(static state => _ = ((CancellationTokenSource)state!).CancelAsync(), _hurry).ConfigureAwait(false);
        List<ChildProcess>? children = null;
        lock (_gate)
        {
            if (!_ended)
            {
                _ended = true;
                children = [.. _children];
            }
        }

        if (children is null)
        {
            await _stopped.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await EndAsync(children).ConfigureAwait(false);
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    private async Task EndAsync(List<ChildProcess> children)
    {
        await Task.WhenAll(children.Select(child => StopChildAsync(child, _hurry.Token))).ConfigureAwait(false);
        await SweepAsync(Marker).ConfigureAwait(false);
        if (_reaper is not null)
        {
            await _reaper.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var log in _logs.Values)
        {
            await log.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task StopChildAsync(ChildProcess child, CancellationToken hurry)
    {
        await child.StopAsync(ChildProcess.DefaultStdinGrace, ChildProcess.DefaultTermGrace, hurry).ConfigureAwait(false);
        await child.DisposeAsync().ConfigureAwait(false);
    }

    private ChildProcess StartAndWatch(ChildProcessOptions options, ProcessStartInfo info, string childMarker)
    {
        RotatingLog? log;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            StartReaper_NeedsLock();
            log = options.LogFile is null ? null : LogFor_NeedsLock(Path.GetFullPath(options.LogFile));
        }

        // Outside the lock: fork and exec take milliseconds, and several children may start at once.
        var process = Launch(options, info);
        var id = process.Id;
        _reaper?.Add(id, _platform.StartTimeOf(id));
        var group = _platform.Adopt(process);
        lock (_gate)
        {
            if (!_ended)
            {
                var drain = new StandardErrorDrain(process.StandardError.BaseStream, options.Redact, SinkOf(options.Wrote, log, id), _time);
                var home = new ChildHome(
                    options.Server, _platform, _time, _logger, () => SweepChildAsync($"{ChildEnvironment.MarkerName}={childMarker}"), Forget);
                var child = new ChildProcess(process, group, home, drain);
                _children.Add(child);
                if (options.Nice is { } nice)
                {
                    child.StepBack(nice);
                }

                LogStarted(_logger, options.Server, id, options.Command);
                return child;
            }
        }

        // The end came between the two locks and did not know of this child.
        group.Kill();
        group.Dispose();
        process.Dispose();
        throw new ObjectDisposedException(nameof(ProcessSupervisor));
    }

    private void StartReaper_NeedsLock()
    {
        if (_platform.NeedsReaper)
        {
            _reaper ??= new Reaper(_platform, Marker, _time, _logger);
        }
    }

    private static Process Launch(ChildProcessOptions options, ProcessStartInfo info)
    {
        try
        {
            return Process.Start(info)!;
        }
        catch (Win32Exception e)
        {
            throw new ChildStartException(
                $"Server '{options.Server}': '{info.FileName}' could not be started: {e.Message}. Try the command in a terminal; when too many processes or files are open, raise the limit (ulimit -u, -n).", e);
        }
    }

    private static Action<string>? SinkOf(Action<string>? wrote, RotatingLog? log, int id) => log is null ? wrote : line =>
    {
        log.Append(id, line);
        wrote?.Invoke(line);
    };

    private void Forget(ChildProcess child)
    {
        _reaper?.Remove(child.Id);
        lock (_gate)
        {
            _children.Remove(child);
        }
    }

    private RotatingLog LogFor_NeedsLock(string path)
    {
        if (!_logs.TryGetValue(path, out var log))
        {
            _logs[path] = log = new RotatingLog(path, _time, e => LogLogFailed(_logger, e, path));
        }

        return log;
    }

    // At the end one sweep for all children follows: a sweep each would read all of /proc a hundred times.
    private Task SweepChildAsync(string marker) => _ended ? Task.CompletedTask : SweepAsync(marker);

    /// <summary>Kills whatever carries the marker, again and again while something is found: a process may fork between the look and the kill.</summary>
    private async Task SweepAsync(string marker)
    {
        for (var round = 0; round < SweepRoundsMax; round++)
        {
            var found = _platform.FindMarked(marker);
            if (found.Count == 0)
            {
                return;
            }

            LogSwept(_logger, found.Count);
            foreach (var id in found)
            {
                _platform.Kill(id);
            }

            await Task.Delay(s_sweepPause, _time, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> OwnEnvironment()
    {
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            yield return new KeyValuePair<string, string>((string)entry.Key, (string?)entry.Value ?? "");
        }
    }

    [LoggerMessage(EventIds.ChildStarted, LogLevel.Debug, "Server {Server}: process {ProcessId} started: {Command}.")]
    private static partial void LogStarted(ILogger logger, string server, int processId, string command);

    [LoggerMessage(EventIds.ChildrenSwept, LogLevel.Information, "{Count} processes that had left their server's group are ended.")]
    private static partial void LogSwept(ILogger logger, int count);

    [LoggerMessage(EventIds.ChildLogFailed, LogLevel.Warning, "The log {Path} cannot be written; lines are lost until it can. Check the disk and the rights of its folder.")]
    private static partial void LogLogFailed(ILogger logger, Exception exception, string path);
}
