namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>What the comparison of a run through the gateway with the direct run leaves out, by name and with the reason. Nothing here is scored.</summary>
internal static class LeftOut
{
    private const string TasksExtension = "The tasks extension is optional and the fixture does not offer it.";

    /// <summary>Scenarios of which even the direct run shows nothing.</summary>
    public static IReadOnlyDictionary<string, string> NotOffered { get; } = new[]
    {
        "tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal", "tasks-mrtr-input", "tasks-request-headers",
        "tasks-dispatch-and-envelope", "tasks-status-notifications", "tasks-required-task-error", "tasks-mrtr-composition",
    }.ToDictionary(name => name, _ => TasksExtension, StringComparer.Ordinal);

    /// <summary>Scenarios that end at the gateway.</summary>
    public static IReadOnlyDictionary<string, string> NotCarried { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["server-sse-polling"] =
            "The server closes the stream of a call and is polled for the answer. Over HTTP the gateway polls and keeps its client's stream open, so the "
            + "client has nothing to resume; a stdio server has no stream that it could close.",
    };

    /// <summary>Names of all that is left out.</summary>
    public static IReadOnlyCollection<string> NotCompared { get; } = [.. NotOffered.Keys, .. NotCarried.Keys];
}
