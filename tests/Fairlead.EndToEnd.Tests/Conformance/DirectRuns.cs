namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The direct runs, each made when it is first asked for and shared by all tests that compare with it. For one test at a time.</summary>
public sealed class DirectRuns
{
    private readonly Dictionary<(ConformanceFixture Fixture, string Revision), ConformanceReport> _reports = [];

    /// <summary>The run of a revision against the fixture of its era.</summary>
    internal async Task<ConformanceReport> OfAsync(ConformanceFixture fixture, string revision)
    {
        if (!_reports.TryGetValue((fixture, revision), out var report))
        {
            await using var server = await FixtureServer.StartAsync(fixture, ConformanceFixture.EraOf(revision));
            report = _reports[(fixture, revision)] = await ConformanceRun.RunServerAsync(server.Url, revision, ConformanceRun.ExpectedFailures(revision));
        }

        return report;
    }
}
