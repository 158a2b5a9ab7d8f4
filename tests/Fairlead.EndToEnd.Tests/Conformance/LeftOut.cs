namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>What the comparison of a run through the gateway with the direct run leaves out, by name and with the reason. Nothing here is scored.</summary>
internal static class LeftOut
{
    /// <summary>Scenarios that end at the gateway.</summary>
    public static IReadOnlyDictionary<string, string> NotCarried { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["server-sse-polling"] =
            "The server closes the stream of a call and is polled for the answer. Over HTTP the gateway polls and keeps its client's stream open, so the "
            + "client has nothing to resume; a stdio server has no stream that it could close.",
    };

    /// <summary>Scenarios of the extension that only a server of 2026-07-28 can have: in front of another one there is nothing to offer (protocol.md 6, tasks extension).</summary>
    public static IReadOnlyCollection<string> OfTheExtension { get; } =
    [
        "tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal", "tasks-mrtr-input", "tasks-request-headers",
        "tasks-dispatch-and-envelope", "tasks-status-notifications", "tasks-required-task-error", "tasks-mrtr-composition",
    ];

    /// <summary>Names of all that is left out.</summary>
    /// <param name="isSameEra">Whether the server speaks the revision of the run.</param>
    public static IReadOnlyCollection<string> NotCompared(bool isSameEra) => isSameEra ? [.. NotCarried.Keys] : [.. NotCarried.Keys, .. OfTheExtension];
}
