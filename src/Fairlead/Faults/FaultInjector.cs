using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Events;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Microsoft.Extensions.Logging;

namespace Fairlead.Faults;

/// <summary>Injects faults into servers on purpose and takes them back: when their time is over, when told, when others suffer, when their server goes, when it is switched off (product D11).</summary>
/// <remarks>
/// Owns the active faults; nothing of them is kept on disk. What a connection meets is published as one frozen object per server (<see cref="ServerFaults"/>).
/// Any thread may call. Always holds: each active fault has a running timer that ends it, and a child that was stalled goes on when its fault ends.
/// </remarks>
internal sealed partial class FaultInjector : IDisposable
{
    private const int EndedMax = 100;

    private readonly Lock _lock = new();
    private readonly List<Fault> _active = [];
    private readonly Queue<FaultInfo> _ended = new();
    private readonly Fleet _fleet;
    private readonly DeadlineSweep _sweep;
    private readonly TimeProvider _time;
    private readonly FleetEvents _events;
    private readonly ILogger _logger;
    private readonly DrillGuard _guard;
    private readonly bool _counts;
    private FaultInjectionOptions _options;
    private ITimer? _watch;
    private long _numbers;
    private bool _isOver;

    /// <summary>Injects nothing yet.</summary>
    /// <param name="fleet">The servers.</param>
    /// <param name="sweep">Their connections, and the clock.</param>
    /// <param name="options">The section of the configuration, and whether calls are counted.</param>
    /// <param name="events">Told of each fault and its end.</param>
    /// <param name="logger">Where each fault is told.</param>
    public FaultInjector(Fleet fleet, DeadlineSweep sweep, FairleadOptions options, FleetEvents events, ILogger logger)
    {
        _events = events;
        _fleet = fleet;
        _sweep = sweep;
        _time = sweep.TimeProvider;
        _logger = logger;
        _guard = new DrillGuard(_time);
        _counts = options.EnableMetrics;
        _options = OptionsShape.Copy(options.FaultInjection);
    }

    /// <summary>Injects a fault.</summary>
    /// <param name="server">Id of the server.</param>
    /// <param name="request">What is to be done.</param>
    /// <returns>The fault; one that happens once has ended already.</returns>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="ToolNotFound">The server is known to have other tools, and not this one.</exception>
    /// <exception cref="InvalidConfiguration">A parameter breaks a rule.</exception>
    /// <exception cref="FaultRefused">It is switched off, too many are active, or the server has nothing that this could be done to.</exception>
    public FaultInfo Inject(string server, FaultRequest request)
    {
        FaultInfo first;
        List<UpstreamConnection> targets;
        lock (_lock)
        {
            if (_isOver)
            {
                throw RuntimeShutdown.Now();
            }

            if (!_options.Enabled)
            {
                throw new FaultRefused("Fault injection is off. Set faultInjection.enabled to true in the configuration, for the time of a drill; fairlead reload takes it over.");
            }

            if (!_counts)
            {
                throw new FaultRefused("enableMetrics is false: without counters of calls the guard of a drill is blind. Set enableMetrics to true, and start Fairlead again.");
            }

            if (!_fleet.TryGet(server, out var cell) && !_fleet.TryGet(ServerName.ToSlug(server), out cell))
            {
                throw ServerNotFound.For(server, _fleet.Current.InOrder.Select(static cell => cell.Name));
            }

            var duration = FaultRules.Check(request, cell.Name, _options);
            FaultRules.CheckTool(request.Tool, cell.Current);
            if (!FaultRules.IsBlow(request.Kind) && _active.Count >= _options.MaxAtOnce)
            {
                throw new FaultRefused($"{_active.Count} faults are active already, as many as faultInjection.maxAtOnce allows. End some with fairlead fault clear, or wait for their end.");
            }

            first = Describe(request, cell.Name, duration);
            if (!FaultRules.IsBlow(request.Kind))
            {
                return Begin_NeedsLock(first, cell, duration);
            }

            targets = FaultTargets.Instances(_sweep, cell, first.Kind);
        }

        return Strike(first, targets);
    }

    /// <summary>All that are active, and the last that have ended.</summary>
    public FaultList List()
    {
        lock (_lock)
        {
            return new FaultList(_options.Enabled, [.. _active.Select(static fault => fault.Info())], [.. _ended.Reverse()]);
        }
    }

    /// <summary>The active faults of a server.</summary>
    public IReadOnlyList<FaultInfo> ActiveOf(string server)
    {
        lock (_lock)
        {
            return _active.Count == 0 ? [] : [.. _active.Where(fault => fault.First.Server == server).Select(static fault => fault.Info())];
        }
    }

    /// <summary>Ends one fault.</summary>
    /// <returns>The fault as it ended.</returns>
    /// <exception cref="FaultNotFound">None of this id is active.</exception>
    public FaultInfo End(string id, string reason)
    {
        lock (_lock)
        {
            return End_NeedsLock(fault => fault.First.Id == id, reason).SingleOrDefault() ?? throw new FaultNotFound(
                _ended.FirstOrDefault(fault => fault.Id == id) is { } ended
                    ? $"The fault {id} has ended already: {ended.EndReason}."
                    : $"There is no fault '{id}'. {(_active.Count == 0 ? "None is active." : $"Active are {string.Join(", ", _active.Select(static fault => fault.First.Id))}.")}");
        }
    }

    /// <summary>Ends all faults, or those of one server.</summary>
    /// <returns>Those that it ended.</returns>
    public IReadOnlyList<FaultInfo> EndAll(string reason, string? server = null)
    {
        lock (_lock)
        {
            return End_NeedsLock(fault => server is null || fault.First.Server == server, reason);
        }
    }

    /// <summary>Takes a changed section over. Faults end at once that it does not allow any more.</summary>
    public void Apply(FaultInjectionOptions options)
    {
        lock (_lock)
        {
            _options = OptionsShape.Copy(options);
            if (!_options.Enabled)
            {
                End_NeedsLock(static _ => true, "fault injection was switched off (faultInjection.enabled)");
            }

            var kept = _active.Take(_options.MaxAtOnce).ToHashSet();
            End_NeedsLock(fault => !kept.Contains(fault), "faultInjection.maxAtOnce was lowered");
            var longest = TimeSpan.FromMilliseconds(_options.MaxDurationMs);
            End_NeedsLock(fault => fault.First.EndsAt - fault.First.StartedAt > longest, "faultInjection.maxDurationMs was lowered");
        }
    }

    /// <summary>Ends all faults; none can be injected from here on.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            End_NeedsLock(static _ => true, "Fairlead stopped");
        }
    }

    private FaultInfo Describe(FaultRequest request, string server, TimeSpan duration)
    {
        var now = _time.GetUtcNow();
        return new FaultInfo
        {
            Id = $"f{++_numbers}",
            Server = server,
            Kind = request.Kind,
            Tool = request.Tool,
            Percent = request.Percent ?? 100,
            LatencyMs = request.Latency?.TotalMilliseconds,
            JitterMs = request.Jitter?.TotalMilliseconds,
            By = request.By ?? "the program that Fairlead runs in",
            StartedAt = now,
            EndsAt = now + duration,
        };
    }

    /// <summary>Disconnects or kills, once.</summary>
    private FaultInfo Strike(FaultInfo first, List<UpstreamConnection> targets)
    {
        LogInjected(_logger, first.Id, OptionWords.Word(first.Kind), first.Server, "once", first.By);
        var open = targets.Sum(FaultTargets.CallsOpen);
        foreach (var target in targets)
        {
            if (first.Kind == FaultKind.Crash)
            {
                target.Child?.TryCrash();
            }
            else
            {
                target.Sever($"the fault {first.Id} (disconnect) was injected on purpose");
            }
        }

        var ended = first with { EndedAt = first.StartedAt, EndReason = $"it happened, to {targets.Count} {(targets.Count == 1 ? "instance" : "instances")}", CallsAffected = open };
        lock (_lock)
        {
            Keep_NeedsLock(ended);
            Tell(ended);
        }

        return ended;
    }

    private FaultInfo Begin_NeedsLock(FaultInfo first, ServerCell cell, TimeSpan duration)
    {
        var fault = first.Kind == FaultKind.Stall ? Stall_NeedsLock(first, cell) : new Fault(first, _time);
        _active.Add(fault);
        Publish_NeedsLock(cell.Name);
        fault.Timer = _time.CreateTimer(
            static state => ((Action)state!)(), () => EndOne(fault, "its time was over"), duration, Timeout.InfiniteTimeSpan);
        if (_watch is null)
        {
            _guard.Begin(_fleet.Current.InOrder, Targets_NeedsLock());
            _watch = _time.CreateTimer(static state => ((FaultInjector)state!).Watch(), this, DrillGuard.Interval, DrillGuard.Interval);
        }

        LogInjected(_logger, first.Id, OptionWords.Word(first.Kind), first.Server, "for " + FaultRules.Words(duration), first.By);
        var info = fault.Info();
        Tell(info);
        return info;
    }

    private void Tell(FaultInfo info) => _events.Tell(new FleetEvent { Type = FleetEventType.Fault, Server = info.Server, Fault = info });

    private Fault Stall_NeedsLock(FaultInfo first, ServerCell cell)
    {
        if (_active.FirstOrDefault(fault => fault.Kind == FaultKind.Stall && fault.First.Server == cell.Name) is { } other)
        {
            throw new FaultRefused($"'{cell.Name}' is stalled already, by {other.First.Id}. End that one first with fairlead fault clear {other.First.Id}.") { ServerId = cell.Name };
        }

        var targets = FaultTargets.Instances(_sweep, cell, FaultKind.Stall);
        var fault = new Fault(first, _time) { Stalled = FaultTargets.StallChildren(targets, cell.Name) };
        fault.Count(targets.Sum(FaultTargets.CallsOpen));
        return fault;
    }

    private List<FaultInfo> End_NeedsLock(Func<Fault, bool> which, string reason)
    {
        var gone = _active.Where(which).ToList();
        var infos = new List<FaultInfo>(gone.Count);
        foreach (var fault in gone)
        {
            _active.Remove(fault);
        }

        foreach (var server in gone.Select(static fault => fault.First.Server).Distinct().ToList())
        {
            Publish_NeedsLock(server);
        }

        foreach (var fault in gone)
        {
            fault.Dispose();
            var info = fault.Info(_time.GetUtcNow(), reason);
            Keep_NeedsLock(info);
            Tell(info);
            infos.Add(info);
            LogEnded(_logger, info.Id, OptionWords.Word(info.Kind), info.Server, reason, info.CallsAffected);
        }

        if (_active.Count == 0)
        {
            _watch?.Dispose();
            _watch = null;
        }

        return infos;
    }

    private void EndOne(Fault fault, string reason)
    {
        lock (_lock)
        {
            End_NeedsLock(other => other == fault, reason);
        }
    }

    private void Watch()
    {
        lock (_lock)
        {
            if (_active.Count != 0 && _guard.Look(_fleet.Current.InOrder, Targets_NeedsLock(), _options.StopAtErrorRate) is { } reason)
            {
                LogStopped(_logger, _active.Count, reason);
                End_NeedsLock(static _ => true, reason);
            }
        }
    }

    private void Keep_NeedsLock(FaultInfo ended)
    {
        _ended.Enqueue(ended);
        if (_ended.Count > EndedMax)
        {
            _ended.Dequeue();
        }
    }

    private void Publish_NeedsLock(string server)
    {
        var faults = _active.Where(fault => fault.First.Server == server).ToList();
        _sweep.SetFaults(server, faults.Count == 0 ? null : new ServerFaults(faults));
    }

    private HashSet<string> Targets_NeedsLock() => _active.Select(static fault => fault.First.Server).ToHashSet(StringComparer.Ordinal);

    [LoggerMessage(EventIds.FaultInjected, LogLevel.Warning, "The fault {Fault} ({Kind}) was injected into server {Server} on purpose, {Duration}, by {By}.")]
    private static partial void LogInjected(ILogger logger, string fault, string kind, string server, string duration, string by);

    [LoggerMessage(EventIds.FaultEnded, LogLevel.Information, "The fault {Fault} ({Kind}) of server {Server} has ended: {Reason}. Calls affected: {Calls}.")]
    private static partial void LogEnded(ILogger logger, string fault, string kind, string server, string reason, long calls);

    [LoggerMessage(EventIds.DrillStopped, LogLevel.Warning, "{Count} injected faults end: {Reason}.")]
    private static partial void LogStopped(ILogger logger, int count, string reason);
}
