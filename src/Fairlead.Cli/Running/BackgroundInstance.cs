using System.Diagnostics;
using Fairlead.Cli.Clients;
using Fairlead.Processes;

namespace Fairlead.Cli.Running;

/// <summary>Finds the running instance of a state folder, or starts one in the background (decision 13). Any number of processes may do so at once: one instance comes of it.</summary>
internal sealed class BackgroundInstance : IDisposable
{
    /// <summary>Seconds after the last client at which an instance in the background ends.</summary>
    public const int IdleSeconds = 60;

    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    private readonly string _folder;
    private readonly string? _config;
    private readonly int _idleSeconds;
    private Process? _started;
    private bool _takesAnyPort;

    /// <summary>Starts nothing yet.</summary>
    /// <param name="folder">The state folder.</param>
    /// <param name="config">The configuration of an instance that must be started; null = the usual places.</param>
    /// <param name="idleSeconds">When such an instance ends by itself.</param>
    public BackgroundInstance(string folder, string? config, int idleSeconds)
    {
        _idleSeconds = idleSeconds;
        _folder = folder;
        _config = config;
    }

    private string LogFile => Path.Combine(_folder, "background.log");

    /// <summary>The instance, as soon as <paramref name="greet"/> has found it ready.</summary>
    /// <param name="greet">Tries to reach an instance; false when it does not answer (it may be stopping) and another may follow.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The instance, or why there is none.</returns>
    public async Task<(InstanceFile? Instance, string? Reason)> FindOrStartAsync(Func<InstanceFile, Task<bool>> greet, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(s_startLimit, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            while (true)
            {
                if (InstanceFile.Find(_folder, out var remark) is { } instance)
                {
                    if (await greet(instance).ConfigureAwait(false))
                    {
                        // It runs: however it ends later says nothing of the next start.
                        _started?.Dispose();
                        _started = null;
                        return (instance, null);
                    }
                }
                else if (remark is not null && remark.Contains(InstanceFile.NewerRemark, StringComparison.Ordinal))
                {
                    return (null, remark);
                }
                else if (_started is null)
                {
                    _started = Start();
                }

                if (_started is { HasExited: true } ended && Ended(ended.ExitCode) is { } reason)
                {
                    return (null, reason);
                }

                await Task.Delay(s_poll, TimeProvider.System, either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, $"no instance answered within {s_startLimit.TotalSeconds:0} s; {LogFile} tells what it said. fairlead up shows it live");
        }
        catch (ChildStartException exception)
        {
            return (null, exception.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _started?.Dispose();

    /// <summary>What the end of the instance that was started means: null = go on.</summary>
    private string? Ended(int exitCode)
    {
        _started!.Dispose();
        _started = null;
        switch (exitCode)
        {
            case ExitCodes.AlreadyRunning or ExitCodes.Ok:
                // Another was faster, or it was stopped meanwhile.
                return null;
            case ExitCodes.PortInUse when !_takesAnyPort:
                // Clients on stdio do not care which port it is.
                _takesAnyPort = true;
                return null;
            default:
                return $"fairlead up ended with code {exitCode}: {LastWords()}";
        }
    }

    private string LastWords()
    {
        try
        {
            return string.Join(" ", File.ReadLines(LogFile).TakeLast(5).Select(static line => line.Trim()));
        }
        catch (IOException)
        {
            return $"see {LogFile}";
        }
    }

    private Process Start()
    {
        StateFolder.Create(_folder);
        List<string> words = [.. ConnectRun.OwnProgram(), "up", "--state", _folder, "--until-idle", _idleSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture)];
        if (_config is not null)
        {
            words.AddRange(["--config", Path.GetFullPath(_config)]);
        }

        if (_takesAnyPort)
        {
            words.AddRange(["--port", "0"]);
        }

        // Its streams are its own: whoever reads our stdout must not wait for it, and must not hear it.
        var info = new ProcessStartInfo { UseShellExecute = false, CreateNoWindow = true };
        if (OperatingSystem.IsWindows())
        {
            info.RedirectStandardInput = info.RedirectStandardOutput = info.RedirectStandardError = true;
            ProcessPlatform.Current.Configure(info, words[0], words[1..]);
        }
        else
        {
            ProcessPlatform.Current.Configure(info, "/bin/sh", ["-c", "log=$1; shift; exec \"$@\" </dev/null >\"$log\" 2>&1", "fairlead", LogFile, .. words]);
        }

        return Process.Start(info) ?? throw new ChildStartException("fairlead up could not be started in the background.");
    }
}
