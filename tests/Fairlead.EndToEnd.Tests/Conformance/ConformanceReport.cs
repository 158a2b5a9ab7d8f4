using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>One check of a scenario, as the suite wrote it.</summary>
/// <param name="Status">SUCCESS, INFO, SKIPPED, WARNING or FAILURE.</param>
/// <param name="Message">What was wrong; empty when nothing was.</param>
internal sealed record CheckResult(string Id, string Name, string Status, string Message);

/// <summary>A scenario and its checks, in the order in which they ran.</summary>
/// <param name="IsRequired">Whether the revision's requirement set scores it.</param>
internal sealed record ScenarioResult(string Name, bool IsRequired, IReadOnlyList<CheckResult> Checks)
{
    /// <summary>Checks that the suite counts against the server.</summary>
    public IEnumerable<CheckResult> Failures => Checks.Where(check => check.Status == "FAILURE");

    /// <summary>Whether it ran and nothing failed; a scenario that wrote no checks did not run.</summary>
    public bool Passed => Checks.Count > 0 && !Failures.Any();
}

/// <summary>What one run of the suite found.</summary>
/// <param name="ExitCode">Of the suite: 0 = all required scenarios passed and the expected failures, if any, did fail.</param>
internal sealed record ConformanceReport(string Revision, int ExitCode, IReadOnlyList<ScenarioResult> Scenarios)
{
    /// <summary>The scenarios that count.</summary>
    public IEnumerable<ScenarioResult> Required => Scenarios.Where(scenario => scenario.IsRequired);

    /// <summary>The same without these scenarios.</summary>
    public ConformanceReport Without(IReadOnlyCollection<string> scenarios) => this with { Scenarios = [.. Scenarios.Where(scenario => !scenarios.Contains(scenario.Name))] };

    /// <summary>Reads what the suite wrote below <paramref name="folder"/>, one folder <c>server-NAME-TIME</c> per scenario.</summary>
    /// <param name="requirements">Text of the suite's own list for the revision (YAML).</param>
    public static ConformanceReport Read(string revision, int exitCode, string folder, string requirements)
    {
        var ran = new Dictionary<string, IReadOnlyList<CheckResult>>(StringComparer.Ordinal);
        foreach (var scenario in Directory.EnumerateDirectories(folder, "server-*"))
        {
            var file = Path.Combine(scenario, "checks.json");
            if (File.Exists(file))
            {
                ran[NameOf(Path.GetFileName(scenario))] = ReadChecks(File.ReadAllText(file));
            }
        }

        var required = RequiredServerScenarios(requirements);
        var unscored = ran.Keys.Except(required, StringComparer.Ordinal).Order(StringComparer.Ordinal);
        return new ConformanceReport(
            revision,
            exitCode,
            [
                .. required.Select(name => new ScenarioResult(name, IsRequired: true, ran.GetValueOrDefault(name, []))),
                .. unscored.Select(name => new ScenarioResult(name, IsRequired: false, ran[name])),
            ]);
    }

    /// <summary>Parses a <c>checks.json</c>.</summary>
    public static IReadOnlyList<CheckResult> ReadChecks(string json)
    {
        using var document = JsonDocument.Parse(json);
        return
        [
            .. document.RootElement.EnumerateArray().Select(check => new CheckResult(
                Text(check, "id"),
                Text(check, "name"),
                Text(check, "status"),
                Text(check, "errorMessage"))),
        ];
    }

    /// <summary>The items of the list <c>server:</c>. The file is machine-kept and flat, so its lines are enough.</summary>
    public static IReadOnlyList<string> RequiredServerScenarios(string requirements) =>
    [
        .. requirements.Split('\n')
            .Select(line => line.TrimEnd('\r'))
            .SkipWhile(line => line != "server:")
            .Skip(1)
            .TakeWhile(line => line.Length == 0 || line[0] is ' ' or '-' or '#')
            .Select(line => line.Trim())
            .Where(line => line.StartsWith("- ", StringComparison.Ordinal))
            .Select(line => line[2..].Split('#')[0].Trim()),
    ];

    /// <summary>Each required scenario that did not pass, with its failed checks; empty when all passed.</summary>
    public string DescribeFailures()
    {
        var text = new StringBuilder();
        foreach (var scenario in Required.Where(scenario => !scenario.Passed))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{scenario.Name}{(scenario.Checks.Count == 0 ? ": wrote no result" : "")}");
            foreach (var check in scenario.Failures)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"  {check.Id} ({check.Name}): {check.Message}");
            }
        }

        return text.ToString();
    }

    // server-caching-2026-11-20T17-48-42-793Z
    private static string NameOf(string folder)
    {
        const int TimeLength = 25;
        return folder["server-".Length..^TimeLength];
    }

    private static string Text(JsonElement check, string property) =>
        check.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
