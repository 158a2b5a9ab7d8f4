namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The ways from the suite to the fixture, and what each of them cannot carry.</summary>
internal static class ConformanceRoads
{
    private const string TasksExtension = "The tasks extension is optional and the fixture does not offer it.";

    /// <summary>Scenarios that no run compares, with the reason. None of them is scored for any revision.</summary>
    public static IReadOnlyDictionary<string, string> NotOffered { get; } = new[]
    {
        "tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal", "tasks-mrtr-input", "tasks-request-headers",
        "tasks-dispatch-and-envelope", "tasks-status-notifications", "tasks-required-task-error", "tasks-mrtr-composition",
    }.ToDictionary(name => name, _ => TasksExtension, StringComparer.Ordinal);

    /// <summary>Scenarios that a stdio upstream cannot express, with the reason. Not scored.</summary>
    public static IReadOnlyDictionary<string, string> NotOnStdio { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["server-sse-polling"] = "A stdio server has no stream of a call that it could close, so the fixture's test_reconnection just answers.",
    };

    /// <summary>What a run over the given upstream leaves out of the comparison.</summary>
    /// <param name="upstream"><c>http</c> or <c>stdio</c>.</param>
    public static IReadOnlyCollection<string> NotCompared(string upstream) =>
        upstream == "stdio" ? [.. NotOffered.Keys, .. NotOnStdio.Keys] : [.. NotOffered.Keys];
}
