namespace Fairlead.Load.InProcess;

/// <summary>What one process of the <c>inprocess</c> mode has measured.</summary>
/// <param name="Processors">As the runtime counts them.</param>
/// <param name="Bounded">The row that a bound is on; it is measured again at the end of each round.</param>
/// <param name="Rows">All rows.</param>
internal sealed record PartFigures(int Processors, string Bounded, IReadOnlyList<PartRow> Rows)
{
    /// <summary>What stands behind the name of a row that is measured again.</summary>
    public const string Again = ", again";

    /// <summary>The row of that name.</summary>
    public PartRow Of(string what) => Rows.Single(row => row.What == what);
}

/// <summary>One way to call, a value a round.</summary>
/// <param name="What">Which.</param>
/// <param name="CallsPerSecond">Calls in a second.</param>
/// <param name="CpuNanosecondsPerCall">Processor time of the whole process, divided by the calls: it depends less on what else runs on the machine.</param>
/// <param name="BytesPerCall">Bytes that the process allocated, divided by the calls; the results that callers get are in them.</param>
internal sealed record PartRow(string What, List<double> CallsPerSecond, List<double> CpuNanosecondsPerCall, List<double> BytesPerCall);
