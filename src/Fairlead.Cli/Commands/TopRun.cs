using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead top</c> on a terminal: looks at the instance again and again, also over its restarts, until q, Ctrl+C, SIGTERM or the end of the terminal.</summary>
/// <param name="target">Which instance.</param>
/// <param name="terminal">Must be a terminal.</param>
/// <param name="every">From one look to the next.</param>
/// <param name="time">The clock of all that.</param>
internal sealed class TopRun(InstanceTarget target, Terminal terminal, TimeSpan every, TimeProvider time)
{
    private readonly TopView _view = new(terminal, time, isLive: !Console.IsInputRedirected);
    private readonly TaskCompletionSource _quit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LiveScreen? _screen;

    /// <summary>Runs it.</summary>
    /// <returns>The exit code; 0 at Ctrl+C. When there is no instance at the beginning it does not wait for one.</returns>
    public async Task<int> RunAsync()
    {
        using var signals = new StopSignals(time, () =>
        {
            _screen?.Dispose();
            Environment.Exit(ExitCodes.Interrupted);
        });
        using var end = CancellationTokenSource.CreateLinkedTokenSource(signals.Stop);
        try
        {
            var looking = LookOnAsync(end.Token);
            await Task.WhenAny(looking, _quit.Task).ConfigureAwait(false);
            await end.CancelAsync().ConfigureAwait(false);
            return await looking.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return ExitCodes.Ok;
        }
        finally
        {
            _screen?.Dispose();
        }
    }

    private async Task<int> LookOnAsync(CancellationToken end)
    {
        InstanceClient? client = null;
        try
        {
            while (true)
            {
                // Found anew after each failure: an instance may come back at another address.
                var problem = (ExitCode: ExitCodes.Ok, Reason: "");
                var complaint = "";
                client ??= InstanceClient.Open(target, text => complaint = text, out problem);
                if (client is not null)
                {
                    problem = await TryLookAsync(client, () => complaint, end).ConfigureAwait(false);
                }

                if (problem.ExitCode == ExitCodes.Ok)
                {
                    _screen ??= TakeScreen();
                }
                else if (_screen is null)
                {
                    return InstanceClient.Fail(problem.ExitCode, problem.Reason);
                }
                else
                {
                    _view.Wait(problem.Reason);
                    client?.Dispose();
                    client = null;
                }

                _screen.Show(_view.Lines());
                await Task.Delay(every, time, end).ConfigureAwait(false);
            }
        }
        finally
        {
            client?.Dispose();
        }
    }

    private async Task<(int ExitCode, string Reason)> TryLookAsync(InstanceClient client, Func<string> complaint, CancellationToken end)
    {
        try
        {
            var (metrics, servers, exitCode) = await TopCommand.LookAsync(client, end).ConfigureAwait(false);
            if (exitCode == ExitCodes.Ok)
            {
                _view.Take(metrics, servers);
            }

            return (exitCode, complaint());
        }
        catch (Exception exception) when (InstanceClient.IsUnreachable(exception))
        {
            return (ExitCodes.NotRunning, $"the instance at {client.Url} does not answer ({exception.Message})");
        }
    }

    private LiveScreen TakeScreen()
    {
        var screen = new LiveScreen(terminal);
        if (!Console.IsInputRedirected)
        {
            // A thread of its own that nobody waits for: a key that is waited for cannot be given up, and the thread ends with the process.
            new Thread(() => ReadKeys(screen)) { IsBackground = true, Name = "keys of fairlead top" }.Start();
        }

        return screen;
    }

    private void ReadKeys(LiveScreen screen)
    {
        try
        {
            // No key at all is the end of the input.
            while (Console.ReadKey(intercept: true) is { KeyChar: var key, Key: var code } && (key != '\0' || code != default))
            {
                if (key is 'q' or 'Q')
                {
                    _quit.SetResult();
                    return;
                }

                _view.Press(key);
                screen.Show(_view.Lines());
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // The terminal was closed: SIGHUP ends the view.
            return;
        }
    }
}
