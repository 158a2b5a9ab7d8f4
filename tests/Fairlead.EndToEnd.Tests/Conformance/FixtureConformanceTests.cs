namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The fixture alone: every required scenario can be passed, so one that fails through the gateway is the gateway's.</summary>
public sealed class FixtureConformanceTests
{
    [Theory]
    [InlineData("legacy", "2025-11-25", 30)]
    [InlineData("modern", "2026-07-28", 37)]
    public async Task Fixture_WhenCalledDirectly_PassesEveryRequiredScenario(string era, string revision, int scenarios)
    {
        await using var fixture = await FixtureServer.StartAsync(era);

        var report = await ConformanceRun.RunServerAsync(fixture.Url, revision);

        Assert.Equal("", report.DescribeFailures());
        Assert.Equal(scenarios, report.Required.Count(scenario => scenario.Passed));
        Assert.Equal(0, report.ExitCode);
        ConformanceDocument.RecordServerRun("direct", report);
    }
}
