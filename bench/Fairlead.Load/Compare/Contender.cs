using Fairlead.Measuring;

namespace Fairlead.Load.Compare;

/// <summary>One target of a scenario, running; or why it could not be measured.</summary>
internal sealed class Contender : IAsyncDisposable
{
    private readonly Func<Task> _stop;

    private Contender(string name, string what, Func<Task> stop) => (Name, What, _stop) = (name, what, stop);

    /// <summary>As the scenario names it; the reference's name for the reference.</summary>
    public string Name { get; }

    /// <summary>Program and version, or what is called.</summary>
    public string What { get; }

    /// <summary>Why there are no figures, and what to do about it; null when there are.</summary>
    public string? NotMeasured { get; private init; }

    /// <summary>Over HTTP: where the connections go, in turn.</summary>
    public IReadOnlyList<LoadTarget> Targets { get; private init; } = [];

    /// <summary>In process: makes a caller.</summary>
    public Func<ILoadCaller>? InProcess { get; private init; }

    /// <summary>The process that answers HTTP, first, and its servers; empty when their processor time is not to be had.</summary>
    public Func<IReadOnlyList<int>> Pids { get; private init; } = static () => [];

    /// <summary>One that runs and is called over HTTP.</summary>
    public static Contender OverHttp(string name, string what, IReadOnlyList<LoadTarget> targets, Func<IReadOnlyList<int>> pids, Func<Task> stop) => new(name, what, stop) { Targets = targets, Pids = pids };

    /// <summary>One that is called in this process.</summary>
    public static Contender InThisProcess(string name, string what, Func<ILoadCaller> caller, Func<Task> stop) => new(name, what, stop) { InProcess = caller };

    /// <summary>One that cannot be measured here.</summary>
    public static Contender Missing(string name, string reason) => new(name, name, static () => Task.CompletedTask) { NotMeasured = reason };

    /// <summary>The same as missing, stopped: it started but did not answer as it should.</summary>
    public async Task<Contender> FailedAsync(string reason)
    {
        await DisposeAsync().ConfigureAwait(false);
        return Missing(Name, reason);
    }

    /// <summary>One run of a plan over connections of its own, and what it cost the processes.</summary>
    public async Task<Run> RunAsync(LoadPlan plan, int connections)
    {
        IReadOnlyList<HttpCaller> opened = InProcess is null ? await LoadRun.OpenAsync(Targets, connections, CancellationToken.None).ConfigureAwait(false) : [];
        IReadOnlyList<ILoadCaller> callers = InProcess is null ? opened : [.. Enumerable.Range(0, connections).Select(_ => InProcess())];
        try
        {
            var pids = Pids();
            var before = pids.Select(ProcessFigures.CpuSeconds).ToArray();
            var result = await LoadRun.RunAsync(plan, callers, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
            var used = pids.Select((pid, i) => ProcessFigures.CpuSeconds(pid) - before[i]).ToArray();
            double PerCall(double seconds) => result.Calls == 0 ? 0 : Math.Round(seconds * 1e6 / result.Calls, 2);
            return new Run(result, new CpuPerCall(PerCall(used.Take(1).Sum()), PerCall(used.Skip(1).Sum()), PerCall(result.GeneratorCpuSeconds)));
        }
        finally
        {
            await LoadRun.CloseAsync(opened).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync() => await _stop().ConfigureAwait(false);
}

/// <summary>One run of one target.</summary>
/// <param name="Result">What the load saw.</param>
/// <param name="CpuUsPerCall">Processor time per answered call.</param>
internal sealed record Run(LoadResult Result, CpuPerCall CpuUsPerCall);
