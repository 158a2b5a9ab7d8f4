namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>How a feature ends between two revisions.</summary>
internal enum Outcome
{
    /// <summary>As it is meant.</summary>
    Passes,

    /// <summary>The server's revision does not have it: its tool is not listed, and -32602 to call.</summary>
    NotOffered,

    /// <summary>The server has a tool for it that this client is not shown; a call all the same gets the server's own -32601 (2025-11-25, basic/utilities/tasks).</summary>
    Hidden,

    /// <summary>A legacy server's question got -32601; its call goes on, and the tool says so.</summary>
    CapabilityNotDeclared,

    /// <summary>A legacy server's question got -32602; its call goes on, and the tool says so.</summary>
    ModeNotDeclared,

    /// <summary>A modern server refused with -32021; the client got a tool result that is an error and names the capability.</summary>
    RefusedByServer,
}

/// <summary>What must happen, by the law of protocol.md 1, 6 and 6.1. The transports do not matter.</summary>
internal static class Expectation
{
    private const string Form = "2025-06-18";
    private const string UrlsToolsAndTasks = "2025-11-25";
    private const string Modern = "2026-07-28";

    /// <summary>All revisions.</summary>
    public static IReadOnlyList<string> Revisions { get; } = ["2024-11-05", "2025-03-26", Form, UrlsToolsAndTasks, Modern];

    /// <summary>The outcome for a client and a server of these revisions.</summary>
    public static Outcome Of(string client, string server, Feature feature)
    {
        if (!Has(server, feature))
        {
            return Outcome.NotOffered;
        }

        if (Has(client, feature))
        {
            return Outcome.Passes;
        }

        return (feature, server == Modern) switch
        {
            // A modern server makes tasks only for clients that know them, others get the answer at once. A legacy tool that must run as a task is not shown (protocol.md 6).
            (Feature.Task, true) => Outcome.Passes,
            (Feature.Task, false) => Outcome.Hidden,
            (_, true) => Outcome.RefusedByServer,

            // A client that knows elicitation, or sampling, but not this kind of it.
            (Feature.ElicitationUrl, _) when Has(client, Feature.ElicitationForm) => Outcome.ModeNotDeclared,
            (Feature.SamplingWithTools, _) => Outcome.ModeNotDeclared,
            _ => Outcome.CapabilityNotDeclared,
        };
    }

    /// <summary>Whether a revision knows a feature (protocol.md 1.1, 1.2).</summary>
    public static bool Has(string revision, Feature feature) => feature switch
    {
        Feature.ElicitationForm => IsAtLeast(revision, Form),
        Feature.ElicitationUrl or Feature.SamplingWithTools or Feature.Task => IsAtLeast(revision, UrlsToolsAndTasks),
        _ => true,
    };

    private static bool IsAtLeast(string revision, string other) => string.CompareOrdinal(revision, other) >= 0;
}
