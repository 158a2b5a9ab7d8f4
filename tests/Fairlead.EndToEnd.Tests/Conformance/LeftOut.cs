namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>What the comparison of a run through the gateway with the direct run leaves out, by name and with the reason. What is scored nevertheless says so.</summary>
internal static class LeftOut
{
    private const string LiteralKey =
        "The scenario wants the key 'user_name'. A legacy server's question has an id and no key; where the id is no word the gateway counts keys of its own, which 2026-07-28 allows: "
        + "keys are the server's choice.";

    /// <summary>Scenarios that end at the gateway.</summary>
    public static IReadOnlyDictionary<string, string> NotCarried { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["server-sse-polling"] =
            "The server closes the stream of a call and is polled for the answer. Over HTTP the gateway polls and keeps its client's stream open, so the "
            + "client has nothing to resume; a stdio server has no stream that it could close.",
    };

    /// <summary>Scenarios of the extension that only a server of 2026-07-28 can have: in front of another one there is nothing to offer (protocol.md 6, tasks extension). Nor does the fixture on npm offer it.</summary>
    public static IReadOnlyCollection<string> OfTheExtension { get; } =
    [
        "tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal", "tasks-mrtr-input", "tasks-request-headers",
        "tasks-dispatch-and-envelope", "tasks-status-notifications", "tasks-required-task-error", "tasks-mrtr-composition",
    ];

    /// <summary>Required scenarios of 2026-07-28 that a legacy server cannot pass unless the ids of its requests are the suite's words: those of the fixture on npm are numbers.</summary>
    /// <remarks>They are in its list of expected failures, so the suite says when one of them passes after all.</remarks>
    public static IReadOnlyDictionary<string, string> WithoutKeys { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["input-required-result-basic-elicitation"] = LiteralKey,
        ["input-required-result-ignore-extra-params"] = LiteralKey,
    };

    /// <summary>Names of all that is left out of every comparison.</summary>
    /// <param name="hasTasks">Whether the server offers the tasks extension and speaks the revision of the run.</param>
    public static IReadOnlyCollection<string> NotCompared(bool hasTasks) => hasTasks ? [.. NotCarried.Keys] : [.. NotCarried.Keys, .. OfTheExtension];
}
