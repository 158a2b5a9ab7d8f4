using Fairlead.Actors;
using Fairlead.Routing;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>Adds up the counters that commands and calls write without locks.</summary>
/// <remarks>Owns the sums of servers that are gone, so that totals never fall.</remarks>
internal sealed class MetricsActor : Actor
{
    private readonly Fleet _fleet;
    private readonly CallCounters _commands;
    private long _goneCalls;
    private long _goneFailed;
    private double _goneMicros;

    /// <summary>Reads servers from <paramref name="fleet"/> and the manager's own commands from <paramref name="commands"/>.</summary>
    public MetricsActor(Fleet fleet, CallCounters commands, TimeProvider time, ILogger logger)
        : base("metrics", time, logger)
    {
        _fleet = fleet;
        _commands = commands;
    }

    /// <summary>Keeps the sums of a server that has been undeployed.</summary>
    public Task KeepAsync(CallMetrics counters, CancellationToken cancellationToken) => AskAsync(
        () =>
        {
            _goneCalls += counters.Total;
            _goneFailed += counters.Failed;
            _goneMicros += counters.MeanMicros * counters.Total;
            return new ValueTask<bool>(true);
        },
        cancellationToken);

    /// <summary>Reads everything.</summary>
    /// <param name="id">Only this server in the part per server; null = all.</param>
    /// <param name="queueDepth">Commands that wait in the other actors' mailboxes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerNotFound">There is no such server.</exception>
    public Task<ManagerMetrics> ReadAsync(string? id, int queueDepth, CancellationToken cancellationToken) =>
        AskAsync(() => new ValueTask<ManagerMetrics>(Read(id, queueDepth)), cancellationToken);

    private ManagerMetrics Read(string? id, int queueDepth)
    {
        if (id is not null && !_fleet.TryGet(id, out _))
        {
            throw ServerNotFound.For(id, _fleet.Current.InOrder.Select(static cell => cell.Name));
        }

        var total = _commands.Total + _goneCalls;
        var failed = _commands.Failed + _goneFailed;
        var micros = (_commands.MeanMicros * _commands.Total) + _goneMicros;
        var active = 0;
        var servers = new Dictionary<string, ServerMetrics>(StringComparer.Ordinal);
        foreach (var cell in _fleet.Current.InOrder)
        {
            var counters = cell.Counters;
            var snapshot = cell.Current;
            var calls = counters.Total;
            var mean = counters.MeanMicros;
            total += calls;
            failed += counters.Failed;
            micros += mean * calls;
            active += snapshot.IsCallable ? 1 : 0;
            if (id is null || id == cell.Name)
            {
                var recent = counters.Recent();
                servers[cell.Name] = new ServerMetrics
                {
                    Calls = calls,
                    Failed = counters.Failed,
                    AvgLatencyUs = mean,
                    InFlight = snapshot.Shared?.Pending.CountOpen() ?? 0,
                    Restarts = snapshot.Restarts,
                    WindowSeconds = recent.Elapsed.TotalSeconds,
                    RequestsPerSecond = recent.PerSecond,
                    ErrorRate = recent.ErrorRate,
                    Availability = cell.States.Availability(),
                    P50Us = recent.Percentile(0.5)?.TotalMicroseconds,
                    P95Us = recent.Percentile(0.95)?.TotalMicroseconds,
                    P99Us = recent.Percentile(0.99)?.TotalMicroseconds,
                };
            }
        }

        return new ManagerMetrics
        {
            TotalCommands = total,
            Successful = total - failed,
            Failed = failed,
            ActiveServers = active,
            QueueDepth = queueDepth + QueueDepth,
            AvgLatencyUs = total == 0 ? 0 : micros / total,
            Servers = servers,
        };
    }
}
