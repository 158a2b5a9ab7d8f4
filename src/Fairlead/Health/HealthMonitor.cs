using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Routing;
using Fairlead.Security;
using Fairlead.Upstreams;
using Microsoft.Extensions.Logging;

namespace Fairlead.Health;

/// <summary>Runs the checks of a server's instance while it serves, and judges what they find. Restarts and states are those of whoever is told.</summary>
/// <remarks>
/// One for the first instances of a server, and one for each place beside it; a run of its loop for each instance. Checks do not count as calls of the server and do not depend on whether it has any: a check that rests
/// while calls succeed would say nothing when they stop.
/// </remarks>
/// <param name="checks">Makes the checks.</param>
/// <param name="cell">The server; its record is written here.</param>
/// <param name="time">The clock.</param>
/// <param name="redactor">Reasons pass through it once, before anybody sees them.</param>
/// <param name="judged">Told of each verdict that differs from the one before; the first one is good.</param>
/// <param name="logger">The server's log.</param>
/// <param name="isFirst">Whether it checks the first instance: what is found then is the server's record. Of the others only what is their own is checked, by the protocol.</param>
internal sealed partial class HealthMonitor(
    HealthChecks checks, ServerCell cell, TimeProvider time, SecretRedactor redactor, Func<UpstreamConnection, HealthVerdict, Task> judged, ILogger logger, bool isFirst = true)
{
    // A wait is at most the interval and at least this share of it; the first one is spread wider, because servers of one fleet start together.
    private const double ShareMin = 0.9;
    private const double FirstShareMin = 0.5;

    private static readonly string s_protocol = OptionWords.Word(HealthCheckKind.Protocol);

    /// <summary>Checks the instance until it is retired, lost or judged to be hung.</summary>
    /// <param name="connection">The instance.</param>
    /// <param name="cancellationToken">Ends with it; the loop then ends quietly, whatever a check does.</param>
    public async Task RunAsync(UpstreamConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            var watch = Watch(connection, cancellationToken);
            var last = HealthVerdict.Good;
            for (var share = FirstShareMin; !last.IsHung; share = ShareMin)
            {
                await WaitAsync(share + (Random.Shared.NextDouble() * (1 - share)), cancellationToken).ConfigureAwait(false);
                watch = IsOutdated(watch) ? Watch(connection, cancellationToken) : watch;
                foreach (var (check, tally) in watch.Checks)
                {
                    await CheckAsync(watch, check, tally, cancellationToken).ConfigureAwait(false);
                }

                if (connection.Lost.IsCompleted)
                {
                    return; // The actor knows, and with a better reason.
                }

                var verdict = Judge(watch);
                if (verdict != last)
                {
                    Log(last, verdict);
                    last = verdict;
                    await judged(connection, verdict).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return; // The instance was retired.
        }
    }

    private Watched Watch(UpstreamConnection connection, CancellationToken ended)
    {
        var config = cell.Current.Config;
        var custom = isFirst ? checks.CustomOf(cell.Name) : null;
        var made = checks.Make(config, connection, custom, ended);
        if (isFirst)
        {
            cell.Health.Checks = made;
        }
        else
        {
            made = [.. made.Where(static check => check.Kind == s_protocol)];
        }

        return new Watched(config.HealthCheck, custom, [.. made.Select(static check => (check, new HealthTally()))]);
    }

    private bool IsOutdated(Watched watch) => !ReferenceEquals(cell.Current.Config.HealthCheck, watch.Options) || (isFirst && checks.CustomOf(cell.Name) != watch.Custom);

    /// <summary>Waits for a share of the interval. An interval that is changed meanwhile counts at once: the one before may have been days.</summary>
    private async Task WaitAsync(double share, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            var options = cell.Current.Config.HealthCheck;
            var left = TimeSpan.FromMilliseconds(options.IntervalMs * share) - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
            {
                return;
            }

            using var replaced = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var delay = Task.Delay(left, time, replaced.Token);
            Task? ended = null;
            while (ended != delay && ReferenceEquals(cell.Current.Config.HealthCheck, options))
            {
                var changed = cell.Changed;
                ended = ReferenceEquals(cell.Current.Config.HealthCheck, options) ? await Task.WhenAny(delay, changed).ConfigureAwait(false) : null;
            }

            if (ended == delay)
            {
                await delay.ConfigureAwait(false);
                return;
            }

            await replaced.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task CheckAsync(Watched watch, HealthCheck check, HealthTally tally, CancellationToken cancellationToken)
    {
        var (at, started) = (time.GetUtcNow(), time.GetTimestamp());
        var finding = await check.RunAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        finding = finding with { Reason = redactor.Redact(finding.Reason) };
        tally.Note(finding, watch.Options);
        if (!isFirst)
        {
            return;
        }

        var ended = new ServerHealthCheck { At = at, Kind = check.Kind, IsHealthy = finding.IsGood, Duration = time.GetElapsedTime(started), Reason = finding.Reason };
        if (cell.Events.WantsHealth)
        {
            cell.Events.Tell(new FleetEvent { Type = FleetEventType.Health, Server = cell.Name, Check = ended });
        }

        cell.Health.Add(
            ended,
            watch.Checks.Max(static one => one.Tally.FailuresInARow),
            watch.Checks.Min(static one => one.Tally.SuccessesInARow));
    }

    private HealthVerdict Judge(Watched watch)
    {
        var worst = watch.Checks.OrderByDescending(static one => (IsHung(one.Check, one.Tally), one.Tally.IsUnhealthy, one.Tally.FailuresInARow)).FirstOrDefault();
        if (worst.Tally?.Describe(watch.Options) is not { } reason)
        {
            return HealthVerdict.Good;
        }

        var next = time.GetUtcNow() + TimeSpan.FromMilliseconds(watch.Options.IntervalMs);
        return new HealthVerdict(worst.Tally.IsUnhealthy ? ServerState.Unhealthy : ServerState.Degraded, reason, next, IsHung(worst.Check, worst.Tally));
    }

    private static bool IsHung(HealthCheck check, HealthTally tally) => tally.IsUnhealthy && check.Kind == s_protocol;

    private void Log(HealthVerdict before, HealthVerdict verdict)
    {
        if (verdict.State == ServerState.Unhealthy && before.State != ServerState.Unhealthy)
        {
            LogUnhealthy(logger, cell.Name, verdict.Reason!);
        }
        else if (before.State == ServerState.Unhealthy && verdict.State != ServerState.Unhealthy)
        {
            LogHealthyAgain(logger, cell.Name);
        }
    }

    [LoggerMessage(EventIds.HealthUnhealthy, LogLevel.Warning, "Server {Server} is Unhealthy: {Reason}")]
    private static partial void LogUnhealthy(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.HealthGoodAgain, LogLevel.Information, "Server {Server} passes its health checks again.")]
    private static partial void LogHealthyAgain(ILogger logger, string server);

    private sealed record Watched(HealthCheckOptions Options, Func<CancellationToken, Task<string?>>? Custom, (HealthCheck Check, HealthTally Tally)[] Checks);
}
