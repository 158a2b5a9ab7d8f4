namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>
/// Compares a run through the gateway with the direct run, check by check: a total can stay the same while one check is lost, and a scenario can
/// pass without having seen the server's answer.
/// </summary>
internal static class ConformanceComparison
{
    /// <summary>Checks that may differ, with the reason. Not failures: the suite accepts both outcomes.</summary>
    private static readonly Dictionary<string, string> s_mayDiffer = new(StringComparer.Ordinal)
    {
        ["server-sse-streams-functional"] = "The gateway answers a list as JSON where the fixture opens a stream; the suite then says INFO.",
    };

    /// <summary>Whether the suite accepts more than one outcome of a check, so that it cannot be counted.</summary>
    public static bool MayDiffer(string checkId) => s_mayDiffer.ContainsKey(checkId);

    /// <summary>What got worse, one sentence each; empty when nothing did.</summary>
    /// <param name="notCompared">Scenarios that this road cannot carry.</param>
    public static IReadOnlyList<string> Worse(ConformanceReport direct, ConformanceReport through, IReadOnlyCollection<string> notCompared)
    {
        var worse = new List<string>();
        foreach (var scenario in direct.Scenarios.Where(scenario => !notCompared.Contains(scenario.Name)))
        {
            var other = through.Scenarios.FirstOrDefault(candidate => candidate.Name == scenario.Name);
            if (other is null || other.Checks.Count == 0)
            {
                worse.Add($"{scenario.Name}: ran directly, wrote nothing through the gateway");
                continue;
            }

            worse.AddRange(Worse(scenario, other));
        }

        return worse;
    }

    private static IEnumerable<string> Worse(ScenarioResult direct, ScenarioResult through)
    {
        var before = Number(direct.Checks);
        var after = Number(through.Checks);
        foreach (var (key, check) in before)
        {
            if (MayDiffer(check.Id) && after.TryGetValue(key, out var other) && other.Status is "SUCCESS" or "INFO")
            {
                continue;
            }

            // INFO checks are the suite's own log; how many there are depends on how the answer was carried.
            if (!after.TryGetValue(key, out var now))
            {
                if (check.Status != "INFO")
                {
                    yield return $"{direct.Name}: {check.Id} ({check.Name}) was {check.Status} and is gone";
                }
            }
            else if (Rank(now.Status) < Rank(check.Status))
            {
                yield return $"{direct.Name}: {check.Id} ({check.Name}) was {check.Status} and is {now.Status}: {now.Message}";
            }
        }

        foreach (var (key, check) in after)
        {
            if (!before.ContainsKey(key) && Rank(check.Status) < Rank("INFO"))
            {
                yield return $"{direct.Name}: {check.Id} ({check.Name}) is new and {check.Status}: {check.Message}";
            }
        }
    }

    // Ids repeat within a scenario; the n-th of an id and name is compared with the n-th.
    private static Dictionary<(string Id, string Name, int Turn), CheckResult> Number(IEnumerable<CheckResult> checks) =>
        checks.GroupBy(check => (check.Id, check.Name))
            .SelectMany(group => group.Select((check, turn) => (Key: (group.Key.Id, group.Key.Name, turn), check)))
            .ToDictionary(pair => pair.Key, pair => pair.check);

    private static int Rank(string status) => status switch
    {
        "SUCCESS" => 4,
        "INFO" => 3,
        "SKIPPED" => 2,
        "WARNING" => 1,
        _ => 0,
    };
}
