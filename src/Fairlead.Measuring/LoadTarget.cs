namespace Fairlead.Measuring;

/// <summary>The era that the load speaks.</summary>
internal enum LoadEra
{
    /// <summary>2026-07-28: every request carries its own claim, no session.</summary>
    Modern,

    /// <summary>2025-11-25: one session a connection, opened before the measurement.</summary>
    Legacy,
}

/// <summary>What is called, and where.</summary>
/// <param name="Endpoint">An http or https address of a Streamable HTTP endpoint.</param>
/// <param name="Era">What the load speaks to it.</param>
/// <param name="Tool">The tool that is called; null = <c>tools/list</c> is called instead.</param>
/// <param name="ArgumentsJson">The tool's arguments, one JSON object.</param>
internal sealed record LoadTarget(Uri Endpoint, LoadEra Era, string? Tool, string ArgumentsJson = "{}")
{
    /// <summary>Headers that every request carries besides those of the protocol, such as Authorization. Names and values are sent as they are.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Whether each answer must carry the id of its request. False only for a server that gives everybody the same bytes.</summary>
    public bool ChecksId { get; init; } = true;

    /// <summary>Longest wait for each step outside the measurement: connecting, the handshake, a page of the list, the first call, the end of a session.</summary>
    /// <value>Default 30 s.</value>
    public TimeSpan StepMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock of <see cref="StepMax"/>.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>A body that is posted as it is, for an endpoint that does not speak MCP over HTTP; null = a message of the protocol. Its answer must be a 2xx with the first answer's length.</summary>
    public string? RawBody { get; init; }

    /// <summary>With <see cref="RawBody"/>: what the first answer must hold somewhere.</summary>
    public string RawExpects { get; init; } = "";
}

/// <summary>How hard, and for how long.</summary>
/// <param name="Duration">How long calls are begun; those under way at the end are awaited for <see cref="GraceMax"/>.</param>
/// <param name="Rate">Calls per second over all connections, begun at even distances whatever the answers do (open loop); null = each connection calls again when it has its answer (closed loop).</param>
/// <param name="CallsMax">In closed loop, ends after that many calls when that is sooner; null = no limit.</param>
internal sealed record LoadPlan(TimeSpan Duration, double? Rate = null, long? CallsMax = null)
{
    /// <summary>Longest wait after the end for answers that are still missing; then they count as errors.</summary>
    public static readonly TimeSpan GraceMax = TimeSpan.FromSeconds(10);
}

/// <summary>How one call went.</summary>
/// <param name="Bytes">Bytes read for it, headers included; 0 in process.</param>
/// <param name="Fault">Null when it was answered as expected; else what came instead, one line.</param>
/// <param name="IsLost">Whether the caller cannot call again.</param>
internal readonly record struct CallOutcome(int Bytes, string? Fault, bool IsLost = false);

/// <summary>One caller with at most one call under way: an HTTP connection, or a caller in this process.</summary>
internal interface ILoadCaller : IDisposable
{
    /// <summary>Calls once. Never throws for what the other side does. Disposing it meanwhile ends the call with a fault.</summary>
    ValueTask<CallOutcome> CallAsync();
}
