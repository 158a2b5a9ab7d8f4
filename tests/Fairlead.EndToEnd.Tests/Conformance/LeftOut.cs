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

    /// <summary>Names of all that is left out.</summary>
    public static IReadOnlyCollection<string> NotCompared { get; } = [.. NotCarried.Keys];
}
