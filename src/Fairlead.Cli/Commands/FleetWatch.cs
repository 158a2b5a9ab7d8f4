using System.Text.Json;
using System.Threading.Channels;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead ps --watch</c>: the servers of the instance as they change, over its restarts too.</summary>
/// <remarks>The event stream says that something has changed, and the list is read again then: after a gap, and after events that came while it was read, it is right all the same.</remarks>
internal static class FleetWatch
{
    private const string Events = "/api/v1/events?types=server,rollout,fault";

    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    /// <summary>Runs it until Ctrl+C, SIGTERM or the end of the terminal.</summary>
    /// <returns>The exit code; 0 at Ctrl+C. When there is no instance at the beginning it does not wait for one.</returns>
    public static async Task<int> RunAsync(InstanceTarget target, Terminal terminal, bool asJson, TimeProvider time)
    {
        LiveScreen? screen = null;
        using var signals = new StopSignals(time, () =>
        {
            screen?.Dispose();
            Environment.Exit(ExitCodes.Interrupted);
        });
        var complaint = "";
        var wasThere = false;
        FleetView? view = null;
        ITimer? tick = null;
        try
        {
            while (true)
            {
                complaint = "";
                using (var client = InstanceClient.Open(target, text => complaint = text, out var problem))
                {
                    if (client is null && !wasThere)
                    {
                        return InstanceClient.Fail(problem.ExitCode, problem.Reason);
                    }

                    complaint = client is null ? problem.Reason : await FollowAsync(client, Show, signals.Stop).ConfigureAwait(false) ?? complaint;
                    if (!wasThere && !signals.Stop.IsCancellationRequested)
                    {
                        return InstanceClient.Fail(ExitCodes.NotRunning, complaint);
                    }
                }

                if (!signals.Stop.IsCancellationRequested)
                {
                    view?.Wait(complaint);
                }

                await Task.Delay(s_tick, time, signals.Stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            return ExitCodes.Ok;
        }
        finally
        {
            if (tick is not null)
            {
                await tick.DisposeAsync().ConfigureAwait(false);
            }

            screen?.Dispose();
        }

        void Show(JsonElement servers)
        {
            if (!wasThere)
            {
                wasThere = true;
                screen = terminal.IsTerminal && !asJson ? new LiveScreen(terminal) : null;
                view = new FleetView(terminal, screen, asJson, time);
                tick = time.CreateTimer(static view => ((FleetView)view!).Redraw(), view, s_tick, s_tick);
            }

            view!.Show(servers.EnumerateArray());
        }
    }

    /// <summary>Shows the servers now and after each event, until the stream ends.</summary>
    /// <returns>Why it ended; null when the client has said so.</returns>
    private static async Task<string?> FollowAsync(InstanceClient client, Action<JsonElement> show, CancellationToken stop)
    {
        // One mark is enough, however many events have come: what is read after it holds them all.
        var changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var following = ReadEventsAsync();
        try
        {
            while (await changed.Reader.WaitToReadAsync(stop).ConfigureAwait(false))
            {
                changed.Reader.TryRead(out _);
                var (document, exitCode) = await client.GetAsync("/api/v1/servers", cancellationToken: stop).ConfigureAwait(false);
                if (exitCode != ExitCodes.Ok)
                {
                    return null;
                }

                show(document.GetProperty("servers"));
            }

            return await following.ConfigureAwait(false) == ExitCodes.Ok ? "it has ended the stream of events: it stops" : null;
        }
        catch (Exception exception) when (InstanceClient.IsUnreachable(exception))
        {
            return $"the instance at {client.Url} does not answer ({exception.Message})";
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);

            // How it ended was returned above, or no longer matters: it was this method that ended it.
            await ((Task)following).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task<int> ReadEventsAsync()
        {
            try
            {
                return await client.FollowAsync(Events, asAdmin: false, (_, _) => changed.Writer.TryWrite(true), end.Token, () => changed.Writer.TryWrite(true)).ConfigureAwait(false);
            }
            finally
            {
                changed.Writer.TryComplete();
            }
        }
    }
}
