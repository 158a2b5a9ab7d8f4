using Fairlead.AspNetCore.Mcp;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Fairlead.AspNetCore;

/// <summary>Ties a fleet to the host that serves it. Only the host calls it.</summary>
/// <remarks>
/// 1. Before anything listens, the servers are made known, so that the first request finds them. 2. Once the host listens, they are started. 3. When the host
/// begins to stop, new calls are refused and those in flight may end, while the web server closes its connections. 4. The host has stopped when no process is left.
/// The third step is not the service's own stop: the host stops its services one after the other, Kestrel first, which then waits for calls that nobody ends.
/// </remarks>
internal sealed partial class FleetLifetime(McpManager manager, McpFront front, IOptions<HostOptions> host, ILogger<FleetLifetime> logger) : IHostedLifecycleService
{
    // Beyond the graces of calls and children; a child that cannot be ended at all is the reaper's.
    private static readonly TimeSpan s_stopExtra = TimeSpan.FromSeconds(5);

    private Task _stopped = Task.CompletedTask;

    /// <summary>Run once when the host listens; the servers are started when its task has ended, which must not fail. Null = nothing, and at once.</summary>
    public Func<Task>? Opened { get; set; }

    /// <summary>Longest orderly stop: the graces of calls and of children, and a little.</summary>
    public TimeSpan StopLimit => DrainGrace + manager.Options.Limits.StopStdinWait + manager.Options.Limits.StopTermWait + s_stopExtra;

    /// <summary>Whether everything ended within <see cref="StopLimit"/>; said once the host has stopped.</summary>
    public bool HasStopped => _stopped.IsCompletedSuccessfully;

    /// <summary>As configured, but no longer than the host gives its services.</summary>
    private TimeSpan DrainGrace
    {
        get
        {
            var (configured, limit) = (manager.Options.Limits.DrainGrace, host.Value.ShutdownTimeout);
            return limit == Timeout.InfiniteTimeSpan || configured < limit ? configured : limit;
        }
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        manager.HoldStarts();
        return manager.InitializeAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _ = BeginStartsAfterAsync(Opened?.Invoke() ?? Task.CompletedTask);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        // While the servers can still be told: a call that waits for its client would keep the drain waiting.
        front.Parked.Dispose();
        _stopped = manager.ShutdownAsync(DrainGrace).WaitAsync(StopLimit, front.TimeProvider, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Not given up when the host's own time is over: processes would be left behind. It is bounded by itself.
            await _stopped.ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            LogNotStopped(logger, StopLimit.TotalSeconds);
        }
    }

    // The host does not wait for it: it has started, and says so.
    private async Task BeginStartsAfterAsync(Task opened)
    {
        try
        {
            await opened.ConfigureAwait(false);
        }
        finally
        {
            manager.BeginStarts();
        }
    }

    [LoggerMessage(EventIds.FleetNotStopped, LogLevel.Warning, "Not every server ended within {Seconds} s; what is left is ended by the reaper.")]
    private static partial void LogNotStopped(ILogger logger, double seconds);
}
