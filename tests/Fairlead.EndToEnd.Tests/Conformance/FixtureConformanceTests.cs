namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The fixtures alone: every required scenario can be passed, so one that fails through the gateway is the gateway's.</summary>
[Collection(ConformanceCollection.Name)]
public sealed class FixtureConformanceTests(DirectRuns direct)
{
    [Theory]
    [InlineData("2025-11-25", 30)]
    [InlineData("2026-07-28", 37)]
    public Task Fixture_WhenCalledDirectly_PassesEveryRequiredScenario(string revision, int scenarios) => PassesAsync(ConformanceFixture.CSharp, revision, scenarios);

    [Theory]
    [InlineData("2025-11-25", 30)]
    [InlineData("2026-07-28", 37)]
    public Task NpmFixture_WhenCalledDirectly_PassesEveryRequiredScenario(string revision, int scenarios) => PassesAsync(ConformanceFixture.Npm, revision, scenarios);

    [Fact]
    public async Task Fixture_WhenCalledDirectly_PassesEveryScenarioOfTheTasksExtension()
    {
        var scenarios = (await direct.OfAsync(ConformanceFixture.CSharp, "2026-07-28")).Scenarios.Where(static scenario => scenario.Name.StartsWith("tasks-", StringComparison.Ordinal)).ToList();

        // The suite scores no extension; of tasks-status-notifications it only says that it cannot test it yet.
        Assert.Equal(10, scenarios.Count);
        var open = scenarios.SelectMany(static scenario => scenario.Checks, static (scenario, check) => (Scenario: scenario.Name, Check: check))
            .Where(static pair => pair.Check.Status is not ("SUCCESS" or "INFO"))
            .Select(static pair => $"{pair.Scenario}: {pair.Check.Id} is {pair.Check.Status}");
        Assert.Equal(["tasks-status-notifications: tasks-status-notifications is SKIPPED"], open);
    }

    private async Task PassesAsync(ConformanceFixture fixture, string revision, int scenarios)
    {
        var report = await direct.OfAsync(fixture, revision);

        Assert.Equal("", report.DescribeFailures());
        Assert.Equal(scenarios, report.Required.Count(scenario => scenario.Passed));
        Assert.Equal(0, report.ExitCode);
        ConformanceDocument.RecordServerRun($"{fixture.RowPrefix}direct", report);
    }
}
