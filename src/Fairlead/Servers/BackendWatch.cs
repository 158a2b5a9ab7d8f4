using Fairlead.Configuration;

namespace Fairlead.Servers;

/// <summary>Looks after what a server inside this process stands on, such as an engine: a look before a start, from time to time while it serves, and again and again while it is away.</summary>
/// <remarks>A look takes at most <see cref="HealthCheckOptions.TimeoutMs"/>; <see cref="HealthCheckOptions.IntervalMs"/> lies between two of them.</remarks>
internal static class BackendWatch
{
    /// <summary>Looks once. Never throws but for <paramref name="cancellationToken"/>.</summary>
    public static async Task<BackendReport> LookAsync(IBackedServer server, ServerConfig config, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(config.HealthCheck.TimeoutMs), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await server.CheckAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The edge to code that is not ours.
            return BackendReport.Unreachable(limit.IsCancellationRequested
                ? $"what it stands on did not answer within {config.HealthCheck.TimeoutMs} ms (healthCheck.timeoutMs)"
                : exception.Message);
        }
    }

    /// <summary>How a start ends that found this.</summary>
    public static StartOutcome OutcomeOf(BackendState state) => state switch
    {
        BackendState.MissingCredential => StartOutcome.MissingCredential,
        BackendState.CredentialRefused => StartOutcome.AuthenticationRequired,
        _ => StartOutcome.BackendAway,
    };

    /// <summary>The watch over what a serving instance stands on, to be run beside it; null when it stands on nothing. Parameters as for <see cref="UntilAwayAsync"/>.</summary>
    public static Func<CancellationToken, Task>? Over(IBackedServer? server, ServerConfig config, TimeProvider time, Func<BackendReport, Task> away) =>
        server is null ? null : cancellationToken => UntilAwayAsync(server, config, time, away, cancellationToken);

    /// <summary>Looks at each interval, until the backend is away or the watch is cancelled.</summary>
    /// <param name="server">Stands on the backend.</param>
    /// <param name="config">Says how often.</param>
    /// <param name="time">The clock.</param>
    /// <param name="away">Told what was found, once.</param>
    /// <param name="cancellationToken">Ends the watch quietly.</param>
    public static async Task UntilAwayAsync(IBackedServer server, ServerConfig config, TimeProvider time, Func<BackendReport, Task> away, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(config.HealthCheck.IntervalMs), time, cancellationToken).ConfigureAwait(false);
                var report = await LookAsync(server, config, time, cancellationToken).ConfigureAwait(false);
                if (report.State != BackendState.Ready)
                {
                    await away(report).ConfigureAwait(false);
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return; // The instance was retired.
        }
    }

    /// <summary>Looks with growing delays until the backend is no longer away.</summary>
    /// <param name="server">Stands on the backend.</param>
    /// <param name="config">Bounds the delays: at most its interval.</param>
    /// <param name="firstDelay">The first delay; each further one is twice as long.</param>
    /// <param name="time">The clock.</param>
    /// <param name="reason">Why it is away at the beginning.</param>
    /// <param name="away">Told before each delay why it is away, and how long the delay is.</param>
    /// <param name="back">Told when the next start may find it otherwise, once.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    public static async Task UntilBackAsync(
        IBackedServer server, ServerConfig config, TimeSpan firstDelay, TimeProvider time, string reason, Func<string, TimeSpan, Task> away, Func<Task> back,
        CancellationToken cancellationToken)
    {
        var longest = TimeSpan.FromMilliseconds(config.HealthCheck.IntervalMs);
        for (var delay = firstDelay; ; delay *= 2)
        {
            delay = delay < longest ? delay : longest;
            await away(reason, delay).ConfigureAwait(false);
            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
            var report = await LookAsync(server, config, time, cancellationToken).ConfigureAwait(false);
            if (report.State != BackendState.Unreachable)
            {
                await back().ConfigureAwait(false);
                return;
            }

            reason = report.Text;
        }
    }
}
