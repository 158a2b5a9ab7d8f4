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

    /// <summary>Whether it was started for this run, so that it may need a while; else it runs already, or not.</summary>
    public bool IsOurs { get; private init; } = true;

    /// <summary>Over HTTP: where the connections go, in turn.</summary>
    public IReadOnlyList<LoadTarget> Targets { get; private init; } = [];

    /// <summary>In process: makes a caller.</summary>
    public Func<ILoadCaller>? InProcess { get; private init; }

    /// <summary>The processes that answer HTTP, and those behind them; empty when their processor time is not to be had. Asked anew for each run: some start servers for sessions.</summary>
    public Func<(IReadOnlyList<int> Front, IReadOnlyList<int> Behind)> Processes { get; private init; } = static () => ([], []);

    /// <summary>One that runs and is called over HTTP.</summary>
    public static Contender OverHttp(string name, string what, IReadOnlyList<LoadTarget> targets, Func<(IReadOnlyList<int> Front, IReadOnlyList<int> Behind)> processes, Func<Task> stop, bool isOurs = true) =>
        new(name, what, stop) { Targets = targets, Processes = processes, IsOurs = isOurs };

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
            var (front, behind) = Processes();
            var before = (Front: front.Sum(ProcessFigures.CpuSeconds), Behind: behind.Sum(ProcessFigures.CpuSeconds));
            var result = await LoadRun.RunAsync(plan, callers, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
            var used = (Front: front.Sum(ProcessFigures.CpuSeconds) - before.Front, Behind: behind.Sum(ProcessFigures.CpuSeconds) - before.Behind);
            double PerCall(double seconds) => result.Calls == 0 ? 0 : Math.Round(seconds * 1e6 / result.Calls, 2);
            return new Run(result, new CpuPerCall(PerCall(used.Front), PerCall(used.Behind), PerCall(result.GeneratorCpuSeconds)));
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
