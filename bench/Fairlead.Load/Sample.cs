namespace Fairlead.Load;

/// <summary>One run of the load generator and what it cost the processes under load.</summary>
/// <param name="Run">What the load generator saw.</param>
/// <param name="CpuMicrosecondsPerCall">CPU time per call: first of the web server, then of its children together, then of the load generator itself.</param>
internal sealed record Sample(WrkRun Run, CpuPerCall CpuMicrosecondsPerCall)
{
    /// <param name="script">The Lua script for wrk.</param>
    /// <param name="endpoint">Where it posts.</param>
    /// <param name="connections">How many connections call at once.</param>
    /// <param name="seconds">For how long.</param>
    /// <param name="pids">The web server and its children, if their cost is wanted; they must live through the run.</param>
    public static async Task<Sample> TakeAsync(string script, Uri endpoint, int connections, int seconds, params int[] pids)
    {
        var before = pids.Select(ProcessFigures.CpuSeconds).ToArray();
        var generatorBefore = ProcessFigures.CpuSecondsOfEndedChildren();
        var run = await WrkRun.RunAsync(script, endpoint, connections, seconds).ConfigureAwait(false);
        var used = pids.Select((pid, i) => ProcessFigures.CpuSeconds(pid) - before[i]).ToArray();
        var generator = ProcessFigures.CpuSecondsOfEndedChildren() - generatorBefore;

        double PerCall(double cpuSeconds) => cpuSeconds * 1e6 / run.Calls;
        return new Sample(run, new CpuPerCall(PerCall(used.Take(1).Sum()), PerCall(used.Skip(1).Sum()), PerCall(generator)));
    }
}

/// <summary>Microseconds of CPU time per call.</summary>
/// <param name="Server">The process that answers HTTP.</param>
/// <param name="Children">The MCP servers behind it; 0 for the bare server.</param>
/// <param name="Generator">wrk.</param>
internal sealed record CpuPerCall(double Server, double Children, double Generator);
