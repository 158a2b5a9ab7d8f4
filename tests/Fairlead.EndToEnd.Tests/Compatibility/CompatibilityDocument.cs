using System.Text;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>The tables of <c>docs/compatibility.md</c>: what the run saw. With <c>FAIRLEAD_UPDATE_DOCS=1</c> it is written, else compared.</summary>
internal static class CompatibilityDocument
{
    private const string Document = "docs/compatibility.md";
    private const string RefusalsBegin = "<!-- refusals: written by CompatibilityTests -->";
    private const string RefusalsEnd = "<!-- end of refusals -->";

    // Features that not every pair of revisions has.
    private static readonly (Feature Feature, char Letter, string Words)[] s_refusable =
    [
        (Feature.ElicitationForm, 'f', "the server asks for a form"),
        (Feature.ElicitationUrl, 'u', "the server asks to open a URL"),
        (Feature.SamplingWithTools, 's', "the server asks for sampling with tools"),
        (Feature.Task, 't', "a tool that runs only as a task"),
    ];

    /// <summary>Writes or compares one client's row.</summary>
    /// <param name="cells">Each server in the order of the columns, and what happened there.</param>
    public static void Record(string transport, string revision, IEnumerable<(ServerKind Kind, Dictionary<Feature, Outcome> Outcomes)> cells)
    {
        var lines = File.ReadAllLines(RepositoryPaths.Source(Document));
        var key = $"| {transport} {revision} |";
        var row = key + string.Concat(cells.Select(static cell => $" {Cell(cell.Outcomes)} |"));
        var at = Array.FindIndex(lines, line => line.StartsWith(key, StringComparison.Ordinal));
        Assert.True(at >= 0, $"{Document} has no row that begins with '{key}'; add one: {row}");
        Settle(lines, at, 1, [row]);
    }

    /// <summary>Writes or compares the table of refusals. Every row's test holds the run to the same expectations.</summary>
    public static void RecordRefusals()
    {
        var lines = File.ReadAllLines(RepositoryPaths.Source(Document));
        var begin = Array.IndexOf(lines, RefusalsBegin);
        var end = Array.IndexOf(lines, RefusalsEnd);
        Assert.True(begin >= 0 && end > begin, $"{Document} has no lines '{RefusalsBegin}' and '{RefusalsEnd}'; add them where the table of refusals shall stand.");
        var table = new List<string> { "| | when | client | server | what happens |", "|---|---|---|---|---|" };
        foreach (var (feature, letter, words) in s_refusable)
        {
            var pairs = from client in Expectation.Revisions
                        from server in Expectation.Revisions
                        let outcome = Expectation.Of(client, server, feature)
                        where outcome is not (Outcome.Passes or Outcome.NotOffered)
                        group (client, server) by outcome;
            foreach (var group in pairs)
            {
                var clients = string.Join(", ", group.Select(static pair => pair.client).Distinct());
                var servers = string.Join(", ", group.Select(static pair => pair.server).Distinct());
                table.Add($"| {letter} | {words} | {clients} | {servers} | {Words(group.Key)} |");
            }
        }

        Settle(lines, begin + 1, end - begin - 1, [.. table]);
    }

    private static string Cell(Dictionary<Feature, Outcome> outcomes)
    {
        var offered = outcomes.Values.Count(static outcome => outcome != Outcome.NotOffered);
        var passed = outcomes.Values.Count(static outcome => outcome == Outcome.Passes);
        var refused = s_refusable.Where(entry => outcomes[entry.Feature] is not (Outcome.Passes or Outcome.NotOffered)).Select(static entry => entry.Letter);
        return passed == offered ? $"{passed}" : $"{passed} of {offered}: {string.Join(' ', refused)}";
    }

    private static string Words(Outcome outcome) => outcome switch
    {
        Outcome.Hidden => "the tool is not in this client's list: it can only be called in a way that the client's revision does not have. A call all the same gets the server's own -32601",
        Outcome.CapabilityNotDeclared => "the client did not declare the capability: the server gets -32601 for its question and ends the call as it sees fit",
        Outcome.ModeNotDeclared => "the client declared the capability, but not this kind: the server gets -32602 for its question and ends the call as it sees fit",
        Outcome.RefusedByServer => "the server is told what the client declared and refuses the call with -32021; the client, whose revision does not know that code, gets a tool result with `isError` that names the capability",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "is no refusal"),
    };

    private static void Settle(string[] lines, int at, int count, string[] measured)
    {
        if (Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_DOCS") == "1")
        {
            string[] written = [.. lines[..at], .. measured, .. lines[(at + count)..]];
            File.WriteAllText(RepositoryPaths.Source(Document), string.Join('\n', written) + "\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            return;
        }

        var said = string.Join('\n', lines[at..(at + count)]);
        var seen = string.Join('\n', measured);
        Assert.True(said == seen, $"{Document} says\n{said}\nbut seen was\n{seen}\nRun the tests with FAIRLEAD_UPDATE_DOCS=1 to write it down.");
    }
}
